import { toPersianDigits } from '@kelid/persian/digits';
import type { LocalizedText } from '@kelid/contracts/common';
import type { DemoVariant } from './demo-product.ts';

/** Regions as shoppers name them. */
export const regionNames: Record<string, LocalizedText> = {
  US: { fa: 'آمریکا', en: 'United States' },
  TR: { fa: 'ترکیه', en: 'Türkiye' },
  EU: { fa: 'اروپا', en: 'Europe' },
  AE: { fa: 'امارات', en: 'UAE' },
  GB: { fa: 'بریتانیا', en: 'United Kingdom' },
  IN: { fa: 'هند', en: 'India' },
  GLOBAL: { fa: 'جهانی', en: 'Global' },
};

/** US cents for one minor unit of a currency, times 10,000: the demo's cross rates. */
const crossRates: Record<string, number> = { USD: 10_000, EUR: 10_900, GBP: 12_900, TRY: 240, AED: 2_720, INR: 115 };
const signs: Record<string, [fa: string, en: string]> = {
  USD: ['دلاری', '$'],
  EUR: ['یورویی', '€'],
  GBP: ['پوندی', '£'],
  TRY: ['لیری', '₺'],
  AED: ['درهمی', 'AED '],
  INR: ['روپیه‌ای', '₹'],
};

/** The denominations of a gift card in one region. The last of every third card is sold out, so that the demo shows that too. */
export function cardVariants(
  prefix: string,
  region: string,
  currency: string,
  values: number[],
  stock: number,
): DemoVariant[] {
  const [fa, en] = signs[currency] ?? [currency, `${currency} `];
  return values.map((value, index) => ({
    sku: `${prefix}-${region}-${currency}${value}`,
    title: { fa: `${toPersianDigits(value)} ${fa}`, en: `${en}${value}` },
    region,
    faceValue: value * 100,
    faceCurrency: currency,
    costUsdMinor: Math.max(50, Math.round((value * 100 * (crossRates[currency] ?? 10_000)) / 10_000)),
    marginBasisPoints: 450,
    demoStockCount: index === values.length - 1 && values.length > 3 ? 0 : Math.max(3, stock - index * 6),
  }));
}

/** Packs of a game's own money. */
export function creditVariants(
  prefix: string,
  unit: LocalizedText,
  packs: [amount: number, costUsdMinor: number][],
  region = 'GLOBAL',
  stock = 30,
): DemoVariant[] {
  return packs.map(([amount, costUsdMinor], index) => ({
    sku: `${prefix}-${region}-${amount}`,
    title: {
      fa: `${toPersianDigits(amount.toLocaleString('en-US').replaceAll(',', '٬'))} ${unit.fa}`,
      en: `${amount.toLocaleString('en-US')} ${unit.en}`,
    },
    region,
    faceValue: amount,
    faceCurrency: 'XXX',
    costUsdMinor,
    marginBasisPoints: 600,
    demoStockCount: stock === 0 ? 0 : Math.max(4, stock - index * 5),
  }));
}

const howToRefund: LocalizedText = {
  fa: 'تا وقتی کد را نمایش نداده‌اید، می‌توانید سفارش را پس بدهید و مبلغ به کیف پولتان برمی‌گردد. بعد از نمایش کد، اگر کد کار نکند آن را عوض می‌کنیم یا پولتان را برمی‌گردانیم.',
  en: 'Until you show the code you can return the order and the money goes to your wallet. After that, a code that does not work is replaced or refunded.',
};

/** Paragraphs of a description: what it is, then where it works, then what happens if something is wrong. */
export function describe(what: LocalizedText, where: LocalizedText, refund = howToRefund): LocalizedText {
  return { fa: [what.fa, where.fa, refund.fa].join('\n\n'), en: [what.en, where.en, refund.en].join('\n\n') };
}
