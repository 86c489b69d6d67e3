import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newId } from '@kelid/service/ids';
import { readCursor, writeCursor } from './cursor.ts';
import { swapKeyboard } from './search-text.ts';
import { isLinkValid, signLink } from './signed-link.ts';

const refused = expect.objectContaining({ code: 'catalog.cursor-invalid' });

test('CA-7: a cursor is read back as it was written, and for no other sorting', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 0 }), (title, price) => {
      fc.pre(!title.includes('\0'));
      const [byTitle, byPrice] = [
        { sort: 'title', value: title, id: newId() },
        { sort: 'price', value: price, id: newId() },
      ];
      expect(readCursor(writeCursor(byTitle), 'title', 'text')).toEqual(byTitle);
      expect(readCursor(writeCursor(byPrice), 'price', 'bigint')).toEqual(byPrice);
      expect(() => readCursor(writeCursor(byPrice), '-price', 'bigint')).toThrow(refused);
    }),
  );
});

test('CA-7: whatever text is sent as a cursor, the answer is that it is none', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(() => readCursor(text, 'title', 'text')).toThrow(refused);
    }),
  );
});

test('CA-5: what was typed with the keyboard in the other language is understood, both ways', () => {
  expect(swapKeyboard('hsjdl')).toBe('استیم');
  expect(swapKeyboard('سفثشپ')).toBe('steaپ');
  expect(swapKeyboard('سفثشئ')).toBe('steam');
  expect(swapKeyboard('123 ؟')).toBe('123 ؟');
});

test('CA-9: a signed link opens its own file until it ends, and nothing in it can be changed', () => {
  const [secret, key, now] = ['s'.repeat(40), 'private-report.pdf', 1_795_000_000];
  const { expires, signature } = signLink(secret, key, now + 60);
  const opens = (
    ...[mediaKey = key, until = expires, signed = signature, at = now, by = secret]: [
      string?,
      number?,
      string?,
      number?,
      string?,
    ]
  ) => isLinkValid(by, mediaKey, until, signed, at * 1000);
  expect(opens()).toBe(true);
  expect(opens(key, expires, signature, now + 59)).toBe(true);
  expect(opens(key, expires, signature, now + 60)).toBe(false);
  expect(opens('private-other.pdf')).toBe(false);
  expect(opens(key, expires + 3600)).toBe(false);
  expect(opens(key, expires, '')).toBe(false);
  expect(opens(key, expires, `${signature}=`)).toBe(false);
  expect(opens(key, expires, signature, now, 't'.repeat(40))).toBe(false);
});
