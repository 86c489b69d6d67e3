import fc from 'fast-check';
import { expect, test } from 'vitest';
import { priceFromRate } from './price-from-rate.ts';
import { isFarFrom, medianRial } from './rate.ts';
import { multiplyRial, partOfRial, splitRial, sumRial } from './rial.ts';

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

const formula = fc.record({
  costMinor: fc.integer({ min: 1, max: 10_000_000 }),
  marginBasisPoints: fc.integer({ min: 0, max: 100_000 }),
  feeRial: fc.integer({ min: 0, max: 1_000_000_000 }),
  stepRial: fc.integer({ min: 1, max: 1_000_000 }).map((tomans) => tomans * 10),
  floorRial: fc.constant(0),
  ceilingRial: fc.constant(null),
});
const rate = fc.integer({ min: 1_000, max: 1_000_000_000 });

test('I27: a price is never below its cost, margin and fees, nor a whole step above them', () => {
  fc.assert(
    fc.property(formula, rate, (parts, rateRial) => {
      const price = BigInt(priceFromRate(parts, rateRial));
      const step = BigInt(parts.stepRial);
      const exact =
        BigInt(parts.costMinor) * BigInt(rateRial) * BigInt(10_000 + parts.marginBasisPoints) +
        BigInt(parts.feeRial) * 1_000_000n;
      return price * 1_000_000n >= exact && (price - step) * 1_000_000n < exact && price % step === 0n;
    }),
  );
});

test('I27: a price follows its rate upwards only, and stays between its floor and its ceiling', () => {
  const bounds = fc.tuple(fc.integer({ min: 10_000, max: 10 ** 10 }), fc.integer({ min: 0, max: 10 ** 10 }));
  fc.assert(
    fc.property(formula, bounds, rate, rate, (parts, [floorRial, room], one, other) => {
      const bounded = { ...parts, floorRial, ceilingRial: floorRial + room };
      const [low, high] = [Math.min(one, other), Math.max(one, other)].map((rial) => priceFromRate(bounded, rial));
      const free = priceFromRate(parts, one);
      const shown = priceFromRate(bounded, one);
      return (
        (low ?? 0) <= (high ?? 0) &&
        shown >= floorRial &&
        shown <= floorRial + room &&
        (shown === free || (free < floorRial && shown === floorRial) || (free > shown && shown === floorRial + room))
      );
    }),
  );
});

test('I27: a price beyond 2^53 Rial, or of parts of a cent, is no price', () => {
  const parts = { marginBasisPoints: 0, feeRial: 0, stepRial: 10, floorRial: 10_000, ceilingRial: 20_000 };
  expect(() => priceFromRate({ ...parts, costMinor: Number.MAX_SAFE_INTEGER }, 1_000)).toThrow(RangeError);
  expect(() => priceFromRate({ ...parts, costMinor: 1.5 }, 1_000_000)).toThrow(RangeError);
});

test('I27: the median of rates has as many below it as above it, whatever their order', () => {
  fc.assert(
    fc.property(fc.array(rate, { minLength: 1, maxLength: 9 }), (rates) => {
      const middle = medianRial(rates) ?? 0;
      const below = rates.filter((value) => value < middle).length;
      const above = rates.filter((value) => value > middle).length;
      return (
        Number.isSafeInteger(middle) &&
        below * 2 <= rates.length &&
        above * 2 <= rates.length &&
        middle === medianRial(rates.toReversed())
      );
    }),
  );
  expect(medianRial([1_000, 1_001])).toBe(1_001);
  expect(medianRial([])).toBeUndefined();
});

test('a rate is far from another by the distance alone, and the limit itself is still near', () => {
  expect([9_850, 10_150].map((rial) => isFarFrom(rial, 10_000, 150))).toEqual([false, false]);
  expect([9_849, 10_151].map((rial) => isFarFrom(rial, 10_000, 150))).toEqual([true, true]);
});

const anyRial = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const anyWeights = fc.array(fc.integer({ min: 0, max: 2 ** 45 }), { minLength: 1, maxLength: 40 });

test('I27: the parts of a split amount add up to it, to the Rial, and each is within one Rial of its exact share', () => {
  fc.assert(
    fc.property(anyRial, anyWeights, (amountRial, weights) => {
      const sum = sumRial(weights);
      fc.pre(sum > 0);
      const parts = splitRial(amountRial, weights);
      return (
        sumRial(parts) === amountRial &&
        parts.every((part, at) => {
          const exact = BigInt(amountRial) * BigInt(weights[at] ?? 0);
          const distance = BigInt(part) * BigInt(sum) - exact;
          return part >= 0 && distance < BigInt(sum) && distance > -BigInt(sum);
        })
      );
    }),
  );
});

test('I27: a discount of at most all the goods takes from no line more than the line is worth', () => {
  fc.assert(
    fc.property(anyWeights, fc.nat({ max: 10_000 }), (weights, basisPoints) => {
      const discountRial = partOfRial(sumRial(weights), basisPoints);
      return splitRial(discountRial, weights).every((part, at) => part <= (weights[at] ?? 0));
    }),
  );
});

test('I27: a part in basis points is rounded once, half up, beyond where a float would be right', () => {
  expect([partOfRial(50, 900), partOfRial(49, 100), partOfRial(50, 100), partOfRial(0, 900)]).toEqual([5, 0, 1, 0]);
  expect(partOfRial(Number.MAX_SAFE_INTEGER, 10_000)).toBe(Number.MAX_SAFE_INTEGER);
  for (const wrong of [0.5, -1, Number.NaN, 2 ** 53])
    expect(() => partOfRial(wrong, 900), String(wrong)).toThrow(RangeError);
  expect(() => splitRial(1, [0, 0])).toThrow(RangeError);
  expect(() => splitRial(-1, [1])).toThrow(RangeError);
});
