import { expect, test } from 'vitest';
import { judgeLine } from './import-lines.rules.ts';

const rules = { lineFormat: 'code' as const, platform: 'pc', takesAnyFormat: false };
const verdict = (line: string, more: Partial<Parameters<typeof judgeLine>[1]> = {}) => {
  const judged = judgeLine(line, { ...rules, ...more });
  return 'reason' in judged ? judged.reason : judged.parts.map(({ label, text }) => `${label}:${text}`).join(' ');
};

test.each([
  ['steam', 'ABCDE-FGHIJ-KLMNO', 'code:ABCDE-FGHIJ-KLMNO'],
  ['steam', 'ABCDE-FGHIJ-KLMNO-PQRST-UVWXY', 'code:ABCDE-FGHIJ-KLMNO-PQRST-UVWXY'],
  ['steam', 'ABCDE-FGHIJ', 'unexpected-format'],
  ['xbox', 'ABCDE-FGHIJ-KLMNO-PQRST-UVWX', 'unexpected-format'],
  ['playstation', 'ABCD-EFGH-IJKL', 'code:ABCD-EFGH-IJKL'],
  ['playstation', 'ABCD-EFGH-IJKLM', 'unexpected-format'],
  ['nintendo', 'B0 12 34 56 78 90 AB CD', 'code:B0 12 34 56 78 90 AB CD'],
  ['apple', 'XABCDEFGHIJKLMN1', 'code:XABCDEFGHIJKLMN1'],
  ['mobile', 'ANY-LENGTH-99', 'code:ANY-LENGTH-99'],
])('KY-2: a code of %s that reads %s is %s', (platform, line, expected) => {
  expect(verdict(line, { platform })).toBe(expected);
  if (expected === 'unexpected-format') expect(verdict(line, { platform, takesAnyFormat: true })).toBe(`code:${line}`);
});

test.each([
  ['   ', 'code', 'empty'],
  ['---', 'code', 'empty'],
  ['=cmd|x', 'code', 'malformed'],
  ['+ABCD', 'code', 'malformed'],
  ['@ABCD', 'code', 'malformed'],
  ['ABC', 'code', 'malformed'],
  ['کلید-۱۲۳۴', 'code', 'malformed'],
  ['A'.repeat(201), 'code', 'malformed'],
  ['CODE-1;CODE-2', 'code', 'code:CODE-1;CODE-2'],
  ['CODE-1\tP1N', 'code-pin', 'code:CODE-1 pin:P1N'],
  ['CODE-1;12;34', 'code-pin', 'malformed'],
  ['CODE-1;', 'code-pin', 'malformed'],
  ['CODE-1; CODE-2 ;CODE-3', 'codes', 'code:CODE-1 code:CODE-2 code:CODE-3'],
  ['CODE-1;code 1', 'codes', 'malformed'],
  ['CODE-1;;CODE-2', 'codes', 'malformed'],
  [Array.from({ length: 21 }, (_, index) => `CODE-${index}`).join(';'), 'codes', 'malformed'],
] as const)('A71 KY-2: the line %j as %s is %s', (line, lineFormat, expected) => {
  expect(verdict(line, { lineFormat })).toBe(expected);
});
