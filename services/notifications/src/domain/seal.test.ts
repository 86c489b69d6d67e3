import { expect, test } from 'vitest';
import { createSeal } from './seal.ts';

test('A12: what was sealed opens under its own secret only, and the same text sealed twice is never the same bytes', () => {
  const { seal, open } = createSeal('a secret of the test, long enough for it');
  const nonces = Array.from({ length: 100 }, () => Buffer.from(seal('KELID 482913'), 'base64').toString('hex', 0, 12));
  expect(new Set(nonces).size).toBe(100);
  const sealed = seal('KELID 482913');
  expect(open(sealed)).toBe('KELID 482913');
  expect(() => createSeal('another secret of the test, as long').open(sealed)).toThrow();
  const changed = Buffer.from(sealed, 'base64');
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  expect(() => open(changed.toString('base64'))).toThrow();
});
