import { expect, test } from 'vitest';
import { parseToman } from './amount.ts';

test('an amount is read as people type it, and nothing else is taken for money', () => {
  for (const text of ['50000', '۵۰٬۰۰۰', '50,000', ' ۵۰ ۰۰۰ ', '٥٠٠٠٠']) expect(parseToman(text)).toBe(500_000);
  for (const text of ['', '0', '-5', '5.5', '1e6', 'پنجاه', '9'.repeat(13)]) expect(parseToman(text)).toBeUndefined();
});
