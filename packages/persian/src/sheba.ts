import { toLatinDigits } from './digits.ts';

/**
 * An Iranian bank account number as `IR` and 24 digits, however it was typed; undefined when it is none: its check digits are wrong
 * (ISO 13616: the whole, rearranged, is 1 modulo 97).
 */
export function parseSheba(text: string): string | undefined {
  const typed = toLatinDigits(text).replaceAll(/[\s-]/g, '').toUpperCase();
  const sheba = /^\d{24}$/.test(typed) ? `IR${typed}` : typed;
  if (!/^IR\d{24}$/.test(sheba)) return undefined;
  // I is 18 and R is 27.
  return BigInt(`${sheba.slice(4)}1827${sheba.slice(2, 4)}`) % 97n === 1n ? sheba : undefined;
}
