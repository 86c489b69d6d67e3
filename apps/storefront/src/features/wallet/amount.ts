import { toLatinDigits } from '@kelid/persian/digits';

/** What a bank or a withdrawal takes at the least. */
export const amountMinRial = 100_000;

/** The amount of Toman that was typed, in Rial: with Persian digits or separators too; undefined when it is none. */
export function parseToman(text: string): number | undefined {
  const typed = toLatinDigits(text).replaceAll(/[,٬،\s]/g, '');
  const amountRial = Number(typed) * 10;
  return /^\d{1,12}$/.test(typed) && amountRial > 0 ? amountRial : undefined;
}
