import { expect, test } from 'vitest';
import { sellersOf } from './sellers.rules.ts';

const line = { sellerId: null, quantity: 2, unitPriceRial: 500_000, discountRial: 0 };

test('each seller but the shop is owed its lines, summed, less their discount; a free line owes nothing', () => {
  const lines = [
    line,
    { ...line, sellerId: 'a', discountRial: 100_000 },
    { ...line, sellerId: 'b', quantity: 1 },
    { ...line, sellerId: 'a', quantity: 1 },
    { ...line, sellerId: 'c', discountRial: 1_000_000 },
  ];
  expect(sellersOf(lines)).toEqual([
    { sellerId: 'a', amountRial: 1_400_000 },
    { sellerId: 'b', amountRial: 500_000 },
  ]);
  expect(sellersOf([line])).toEqual([]);
});
