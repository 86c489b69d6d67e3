import { toLatinDigits } from './digits.ts';
import { cleanText } from './normalize.ts';

/** Any spelling of an Iranian mobile number as +989…; undefined for everything else, landlines and other countries among it. */
export function parseIranianMobile(text: string): string | undefined {
  const digits = toLatinDigits(cleanText(text)).replaceAll(/[\s\-().\u200C]/g, '');
  const match = /^(?:\+98|0098|98|0)?(9\d{9})$/.exec(digits);
  return match ? `+98${match[1]}` : undefined;
}

/** As people write it: 0912 345 6789. */
export function formatPhone(phone: string): string {
  const match = /^\+98(9\d{2})(\d{3})(\d{4})$/.exec(phone);
  return match ? `0${match[1]} ${match[2]} ${match[3]}` : phone;
}

/** For staff and logs of delivery: 0912***6789. */
export function maskPhone(phone: string): string {
  const match = /^\+98(9\d{2})\d{3}(\d{4})$/.exec(phone);
  return match ? `0${match[1]}***${match[2]}` : '***';
}
