import { expect, test } from 'vitest';
import { pageOf } from './page.ts';

const rows = [
  { id: 'c', orderId: '3' },
  { id: 'b', orderId: '2' },
  { id: 'a', orderId: '1' },
];

test('a page with a row too many goes on after the last row that it shows', () => {
  expect(pageOf(rows, 2)).toEqual({ items: rows.slice(0, 2), nextCursor: 'b' });
  expect(pageOf(rows, 2, ({ orderId }) => orderId)).toEqual({ items: rows.slice(0, 2), nextCursor: '2' });
});

test('the last page has no cursor, full or not', () => {
  expect(pageOf(rows, 3)).toEqual({ items: rows, nextCursor: null });
  expect(pageOf(rows, 20)).toEqual({ items: rows, nextCursor: null });
  expect(pageOf([], 20)).toEqual({ items: [], nextCursor: null });
});
