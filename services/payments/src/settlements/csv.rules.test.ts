import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCsv, writeCsv } from './csv.rules.ts';

test('what is written is read back, whatever the fields hold', () => {
  const Field = fc.stringMatching(/^([a-zآ-ی0-9 ,"][a-zآ-ی0-9 ,"\r\n]{0,11})?$/);
  fc.assert(
    fc.property(fc.array(fc.array(Field, { minLength: 2, maxLength: 4 }), { maxLength: 6 }), (rows) => {
      expect(readCsv(writeCsv(rows)).map((record) => record.fields)).toEqual(rows);
    }),
  );
});

test('a record knows its line, also after empty lines and line breaks inside a field', () => {
  expect(readCsv('\uFEFFa,b\r\n\r\n"x\ny","say ""hi"""\n1,\n')).toEqual([
    { line: 1, fields: ['a', 'b'] },
    { line: 3, fields: ['x\ny', 'say "hi"'] },
    { line: 5, fields: ['1', ''] },
  ]);
});

test.each([
  ['a,b\n1,"2', 2, 'never closed'],
  ['a,b\n1,2"3\n', 2, 'inside a field'],
  ['a,b\n"1"2,3\n', 2, 'follows a closing quote'],
])('a broken file is refused by its line: %j', (text, line, message) => {
  expect(() => readCsv(text)).toThrow(expect.objectContaining({ line, message: expect.stringContaining(message) }));
});

test('a text that a spreadsheet would run is written as a text', () => {
  expect(writeCsv([['=cmd()', '@x', '-1', '+2', -1, null]])).toBe("\uFEFF'=cmd(),'@x,'-1,'+2,-1,\r\n");
});
