import { searchKey } from '@kelid/persian/normalize';
import type { LocalizedText } from '@kelid/contracts/common';

/** Every name a product is known by, in the form that searching compares; the title twice, for it counts most. */
export function searchTextOf(product: {
  title: LocalizedText;
  brand: string;
  platform: string;
  aliases: readonly string[];
}): string {
  return searchKey([product.title.fa, product.title.en, product.brand, product.platform, ...product.aliases].join(' '));
}

const latin = "qwertyuiop[]asdfghjkl;'zxcvbnm,";
const persian = 'ضصثقفغعهخحجچشسیبلاتنمکگظطزرذدئو';

/** What was meant when the keyboard was in the other language: `hsjdl` is استیم. */
export function swapKeyboard(text: string): string {
  return Array.from(text.toLowerCase(), (letter) => {
    const at = latin.indexOf(letter);
    if (at >= 0) return persian[at] ?? letter;
    const back = persian.indexOf(letter);
    return back >= 0 ? (latin[back] ?? letter) : letter;
  }).join('');
}
