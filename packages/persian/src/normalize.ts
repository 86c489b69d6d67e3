import { toLatinDigits } from './digits.ts';

const bidiControls = /[\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/g;

/** Text as typed, without what nobody sees: safe to store and show. ZWNJ stays, for it is part of Persian spelling. */
export function cleanText(text: string): string {
  return text
    .normalize('NFC')
    .replaceAll(bidiControls, '')
    .replaceAll(/\u200C+/g, '\u200C')
    .replaceAll(/(^|\s)\u200C|\u200C(\s|$)/g, '$1$2')
    .replaceAll(/[\s\u00A0]+/g, ' ')
    .trim();
}

/**
 * The form that two spellings of one word share, for matching only, never for display: one ی and one ک, no diacritics, no ZWNJ, Latin
 * digits and lower case.
 */
export function searchKey(text: string): string {
  return toLatinDigits(text.normalize('NFC').replaceAll(bidiControls, ''))
    .replaceAll(/[يىئ]/g, 'ی')
    .replaceAll('ك', 'ک')
    .replaceAll(/[ۀة]/g, 'ه')
    .replaceAll(/[أإآٱ]/g, 'ا')
    .replaceAll('ؤ', 'و')
    .replaceAll(/[\u064B-\u0652\u0670\u0640\u200C\u066C]/g, '')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .toLowerCase();
}
