import { expect, test } from 'vitest';
import { toPersianDigits } from './digits.ts';
import { formatDate, formatTime, jalaliParts } from './jalali.ts';
import { cleanText, searchKey } from './normalize.ts';
import { maskPhone, parseIranianMobile } from './phone.ts';
import { parseSheba } from './sheba.ts';
import { tehranTime } from './tehran.ts';
import { formatToman } from './toman.ts';

test('two spellings of one Persian word have one search key', () => {
  expect(searchKey('كتاب علي')).toBe(searchKey('کتاب علی'));
  expect(searchKey('می‌روم')).toBe('میروم');
  expect(searchKey('١٢٬٣٤٥')).toBe('12345');
  expect(searchKey('آیتونز')).toBe('ایتونز');
  expect(searchKey('Counter-Strike 2')).toBe('counter strike 2');
});

test('what is shown keeps the half-space and loses only what nobody sees', () => {
  expect(cleanText('  می\u200C\u200Cروم\u200F ')).toBe('می\u200Cروم');
});

test('A09: every spelling of a mobile number is one number', () => {
  const spellings = [
    '+989120000000',
    '00989120000000',
    '989120000000',
    '9120000000',
    '09120000000',
    '۰۹۱۲۰۰۰۰۰۰۰',
    '٠٩١٢٠٠٠٠٠٠٠',
    '0912 000 00 00',
    '0912-000-0000',
    '\u200F0912 000 0000\u200E',
  ];
  expect(new Set(spellings.map(parseIranianMobile))).toEqual(new Set(['+989120000000']));
});

test('A08: landlines, short, long and foreign numbers are no mobile numbers of Iran', () => {
  for (const text of [
    '02100000000',
    '0912000000',
    '091200000000',
    '+9809120000000',
    '+19120000000',
    '9'.repeat(300),
    '',
  ])
    expect(parseIranianMobile(text)).toBeUndefined();
});

test('amounts are shown in Toman and the ten-fold Rial is never lost', () => {
  expect(formatToman(12_345_670, 'fa')).toBe('۱٬۲۳۴٬۵۶۷ تومان');
  expect(formatToman(12_345, 'en')).toBe('1,234.5 Toman');
  expect(toPersianDigits('K7 20')).toBe('K۷ ۲۰');
  expect(maskPhone('+989121234567')).toBe('0912***4567');
});

test.each([
  ['2023-03-20T20:30:00Z', '1402/1/1'],
  ['2024-03-19T20:29:59Z', '1402/12/29'],
  ['2024-03-19T20:30:00Z', '1403/1/1'],
  ['2025-03-20T20:29:59Z', '1403/12/30'],
  ['2025-03-20T20:30:00Z', '1404/1/1'],
  ['2025-09-22T12:00:00Z', '1404/6/31'],
  ['2025-12-21T20:30:00Z', '1404/10/1'],
  ['2026-03-20T20:29:59Z', '1404/12/29'],
  ['2026-03-20T20:30:00Z', '1405/1/1'],
  ['2027-03-20T20:30:00Z', '1406/1/1'],
])('%s is %s in Tehran', (instant, jalali) => {
  const { year, month, day } = jalaliParts(instant);
  expect(`${year}/${month}/${day}`).toBe(jalali);
});

test.each([
  ['2026-01-05T20:29:59Z', '2026-01-05 23:59:59'],
  ['2026-01-05T20:30:00Z', '2026-01-06 00:00:00'],
  ['2026-12-31T20:30:01Z', '2027-01-01 00:00:01'],
  // No summer time since 2022.
  ['2026-06-30T05:34:09Z', '2026-06-30 09:04:09'],
])('at %s a clock in Tehran shows %s', (instant, shown) => {
  const { year, month, day, hour, minute, second } = tehranTime(Date.parse(instant));
  expect(`${year}-${month}-${day} ${hour}:${minute}:${second}`).toBe(shown);
});

test('days and hours are shown as Iranians read them', () => {
  expect(formatDate('2026-11-20T12:00:00Z', 'fa')).toBe('۲۹ آبان ۱۴۰۵');
  expect(formatTime('2026-11-20T12:05:00Z', 'fa')).toBe('۱۵:۳۵');
});

test('a Sheba is known by its check digits, however it was typed', () => {
  const valid = [
    'IR200170000000000123456789',
    'IR430120000000000000000001',
    'IR570560123456789012345678',
    'IR750620000000000987654321',
    'IR030151111111111111111111',
    'IR400780000000000000000000',
  ];
  for (const sheba of valid) expect(parseSheba(sheba)).toBe(sheba);
  expect(parseSheba('ir20 0170 0000 0000 0123 4567 89')).toBe(valid[0]);
  expect(parseSheba('۲۰۰۱۷۰۰۰۰۰۰۰۰۰۰۱۲۳۴۵۶۷۸۹')).toBe(valid[0]);
  for (const wrong of [
    'IR123456789012345678901234',
    'IR210170000000000123456789',
    'IR20017000000000012345678',
    '',
    'IR',
  ])
    expect(parseSheba(wrong)).toBeUndefined();
});
