import fc from 'fast-check';
import { expect, test } from 'vitest';
import { priceFromRate } from './price-from-rate.ts';
import { multiplyRial, sumRial } from './rial.ts';

test('I27: Rial beyond 2^53 or in fractions stop the request instead of being rounded', () => {
  expect(() => multiplyRial(Number.MAX_SAFE_INTEGER, 2)).toThrow(RangeError);
  expect(() => sumRial([Number.MAX_SAFE_INTEGER, 1])).toThrow(RangeError);
  expect(() => multiplyRial(1.5, 2)).toThrow(RangeError);
  expect(sumRial([])).toBe(0);
});

test('I27: sums and products are exact wherever they are answered', () => {
  fc.assert(
    fc.property(
      fc.nat(2 ** 31),
      fc.integer({ min: 1, max: 20 }),
      (unit, quantity) => multiplyRial(unit, quantity) === sumRial(Array(quantity).fill(unit)),
    ),
  );
});

test('a price is never below its cost and margin, nor a whole step above it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 10_000, max: 5_000_000 }),
      fc.integer({ min: 0, max: 5_000 }),
      (costMinor, rateRial, marginBasisPoints) => {
        const price = BigInt(priceFromRate({ costMinor, rateRial, marginBasisPoints, stepRial: 10_000 }));
        const exact = BigInt(costMinor) * BigInt(rateRial) * BigInt(10_000 + marginBasisPoints);
        return price * 1_000_000n >= exact && (price - 10_000n) * 1_000_000n < exact && price % 10_000n === 0n;
      },
    ),
  );
});
