import { expect, test } from 'vitest';
import { soldOf } from './sellers.rules.ts';

const line = { id: 'own', sellerId: null, quantity: 2, unitPriceRial: 500_000, discountRial: 0, vatRial: 100_001 };

test('each seller but the shop is owed its lines, summed, less their discount; a free line owes nothing', () => {
  const lines = [
    line,
    { ...line, id: 'a1', sellerId: 'a', discountRial: 100_000 },
    { ...line, id: 'b', sellerId: 'b', quantity: 1 },
    { ...line, id: 'a2', sellerId: 'a', quantity: 1 },
    { ...line, id: 'c', sellerId: 'c', discountRial: 1_000_000, vatRial: 0 },
  ];
  expect(soldOf(lines)).toEqual({
    vatRial: 400_004,
    sellers: [
      { sellerId: 'a', amountRial: 1_400_000 },
      { sellerId: 'b', amountRial: 500_000 },
    ],
  });
  expect(soldOf([line])).toEqual({ vatRial: 100_001, sellers: [] });
});

test('units that never came owe nobody, and their VAT is nobody’s', () => {
  const lines = [line, { ...line, id: 'a', sellerId: 'a', quantity: 3, discountRial: 1 }];
  const missing = new Map([
    ['own', 1],
    ['a', 2],
  ]);
  expect(soldOf(lines, missing)).toEqual({
    vatRial: 50_001 + 33_334,
    sellers: [{ sellerId: 'a', amountRial: 500_000 }],
  });
  expect(soldOf(lines, new Map(lines.map(({ id, quantity }) => [id, quantity])))).toEqual({ vatRial: 0, sellers: [] });
});
