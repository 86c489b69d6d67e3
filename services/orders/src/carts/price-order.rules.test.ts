import { multiplyRial, partOfRial, sumRial } from '@kelid/money/rial';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CouponState } from '../coupons/coupon.rules.ts';
import { priceOrder } from './price-order.rules.ts';
import { badUnitRial, undeliveredRial, unitsPaidRial } from '../fulfilling/refunds.rules.ts';

const noCoupon: CouponState = {
  id: 'a',
  code: 'NOWRUZ',
  percentBasisPoints: null,
  discountMaxRial: null,
  amountRial: null,
  isFirstOrderOnly: false,
  productIds: [],
  categoryIds: [],
  customerIds: [],
  orderMinRial: 0,
  isStackable: false,
  usesMax: null,
  customerUsesMax: null,
  usedCount: 0,
  customerUsedCount: 0,
  isRunning: true,
  customerId: null,
  hasOrdered: false,
};
const noRules = { vatBasisPoints: 0, feeRial: 0, feeFreeFromRial: undefined };
const steam = { variantId: 'v1', productId: 'steam', categoryIds: ['gift-cards', 'games'] };
const line = (unitPriceRial: number, quantity = 1, subject = steam) => ({ ...subject, unitPriceRial, quantity });

const anyProduct = fc.constantFrom('steam', 'xbox', 'psn');
const anyLine = fc.record({
  variantId: fc.uuid(),
  productId: anyProduct,
  categoryIds: fc.subarray(['gift-cards', 'games']),
  unitPriceRial: fc.integer({ min: 10_000, max: 2_000_000_000 }),
  quantity: fc.integer({ min: 1, max: 20 }),
});
const anyCoupon = fc
  .record({
    value: fc.oneof(
      fc.record({
        percentBasisPoints: fc.integer({ min: 1, max: 10_000 }),
        discountMaxRial: fc.option(fc.integer({ min: 1, max: 100_000_000 })),
      }),
      fc.record({ amountRial: fc.integer({ min: 1, max: 10_000_000_000 }) }),
    ),
    productIds: fc.subarray(['steam', 'xbox']),
    categoryIds: fc.subarray(['gift-cards']),
    orderMinRial: fc.constantFrom(0, 5_000_000),
    isStackable: fc.boolean(),
    isRunning: fc.boolean(),
  })
  .map(({ value, ...rules }): CouponState => ({ ...noCoupon, ...rules, ...value }));
const anyRules = fc.record({
  vatBasisPoints: fc.integer({ min: 0, max: 10_000 }),
  feeRial: fc.integer({ min: 0, max: 10_000_000 }),
  feeFreeFromRial: fc.option(fc.integer({ min: 0, max: 100_000_000 }), { nil: undefined }),
});
const anyOrder = fc.record({
  lines: fc.array(anyLine, { minLength: 1, maxLength: 30 }),
  coupons: fc.array(anyCoupon, { maxLength: 4 }),
  rules: anyRules,
});

test('CK-6 I13: whatever the cart, the coupons and the rates are, an order adds up to the Rial in whole amounts of 0 and more', () => {
  fc.assert(
    fc.property(anyOrder, ({ lines, coupons, rules }) => {
      const price = priceOrder(lines, coupons, rules);
      const goodsRial = sumRial(lines.map((one) => multiplyRial(one.unitPriceRial, one.quantity)));
      expect(price.totalRial).toBe(goodsRial - price.discountRial + price.vatRial + price.feeRial);
      expect(sumRial(price.lines.map((one) => one.discountRial))).toBe(price.discountRial);
      expect(sumRial(price.coupons.map((one) => one.discountRial))).toBe(price.discountRial);
      expect(sumRial(price.lines.map((one) => one.vatRial))).toBe(price.vatRial);
      for (const one of price.lines) {
        const leftRial = one.unitPriceRial * one.quantity - one.discountRial;
        expect(one.discountRial).toBeGreaterThanOrEqual(0);
        expect(leftRial).toBeGreaterThanOrEqual(0);
        expect(one.vatRial).toBe(partOfRial(leftRial, rules.vatBasisPoints));
      }
      for (const { discountRial, reason } of price.coupons) {
        expect(Number.isInteger(discountRial)).toBe(true);
        expect(reason === null ? discountRial > 0 : discountRial === 0).toBe(true);
      }
      // Banks take 10,000 Rial or more; what costs nothing goes to none.
      expect(price.totalRial === 0 || price.totalRial >= 10_000).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('CK-4: no coupon takes more than it says, from nothing that it is not for', () => {
  fc.assert(
    fc.property(anyOrder, ({ lines, coupons, rules }) => {
      const price = priceOrder(lines, coupons.slice(0, 1), rules);
      const [used] = price.coupons;
      if (!used) return;
      const { coupon, discountRial } = used;
      const isFor = (one: (typeof lines)[number]) =>
        (coupon.productIds.length === 0 && coupon.categoryIds.length === 0) ||
        coupon.productIds.includes(one.productId) ||
        one.categoryIds.some((id) => coupon.categoryIds.includes(id));
      const eligibleRial = sumRial(lines.filter(isFor).map((one) => one.unitPriceRial * one.quantity));
      expect(discountRial).toBeLessThanOrEqual(
        coupon.amountRial ?? partOfRial(eligibleRial, coupon.percentBasisPoints ?? 0),
      );
      expect(discountRial).toBeLessThanOrEqual(coupon.discountMaxRial ?? eligibleRial);
      for (const one of price.lines) if (!isFor(one)) expect(one.discountRial).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test('CK-6 I11: the units of an order, bad or never delivered, in whatever order they go back, give back what was paid, to the Rial', () => {
  const anyFate = fc.infiniteStream(fc.constantFrom('bad', 'missing', 'bad-before-the-end'));
  fc.assert(
    fc.property(anyOrder, anyFate, ({ lines, coupons, rules }, fates) => {
      const price = priceOrder(lines, coupons, rules);
      const units = price.lines.map((one) => Array.from({ length: one.quantity }, () => fates.next().value));
      const paidLines = price.lines.map((one, at) => ({
        ...one,
        id: String(at),
        refundedCount: 0,
        deliveredCount: (units[at] ?? []).filter((fate) => fate !== 'missing').length,
      }));
      const order = { status: 'part_fulfilled', feeRial: price.feeRial };
      const back: number[] = [];
      const refund = (fate: string) => {
        for (const [at, one] of paidLines.entries())
          for (const unit of units[at] ?? [])
            if (unit === fate) {
              one.refundedCount += 1;
              back.push(badUnitRial(order, paidLines, one.id));
            }
      };
      refund('bad-before-the-end');
      const missingOf = new Map(paidLines.map((one) => [one.id, one.quantity - one.deliveredCount]));
      const isWhole = [...missingOf.values()].every((count) => count === 0);
      order.status = isWhole ? 'fulfilled' : 'refunding';
      if (!isWhole) back.push(undeliveredRial(order, paidLines, missingOf));
      expect(sumRial(back)).toBeLessThanOrEqual(price.totalRial);
      refund('bad');
      // Bad units of a whole order that all went back before it was delivered leave no later unit for the fee to go with.
      const isFeeKept = isWhole && units.flat().every((fate) => fate === 'bad-before-the-end');
      expect(sumRial(back)).toBe(price.totalRial - (isFeeKept ? price.feeRial : 0));
    }),
    { numRuns: 500 },
  );
});

test('CK-4 CK-6: ten per cent with a cap, then VAT on what is left, then the fee', () => {
  const coupon = { ...noCoupon, percentBasisPoints: 1000, discountMaxRial: 300_000 };
  const rules = { vatBasisPoints: 900, feeRial: 50_000, feeFreeFromRial: 10_000_000 };
  expect(priceOrder([line(2_000_000)], [coupon], rules)).toMatchObject({
    discountRial: 200_000,
    vatRial: 162_000,
    feeRial: 50_000,
    totalRial: 2_012_000,
  });
  expect(priceOrder([line(2_000_000, 5)], [coupon], rules)).toMatchObject({ discountRial: 300_000, feeRial: 50_000 });
  // The threshold is of what is paid for the goods.
  expect(priceOrder([line(10_300_000)], [coupon], rules)).toMatchObject({ discountRial: 300_000, feeRial: 0 });
  expect(priceOrder([line(10_299_999)], [coupon], rules)).toMatchObject({ discountRial: 300_000, feeRial: 50_000 });
});

test('CK-4: coupons that allow each other work one after another on what is left; one that does not is told so', () => {
  const half = { ...noCoupon, percentBasisPoints: 5000, isStackable: true };
  const alone = { ...half, isStackable: false };
  const lines = [line(8_000_000)];
  expect(priceOrder(lines, [half, half], noRules).coupons.map((one) => one.discountRial)).toEqual([
    4_000_000, 2_000_000,
  ]);
  expect(priceOrder(lines, [half, alone], noRules).coupons.map((one) => one.reason)).toEqual([null, 'not_stackable']);
  expect(priceOrder(lines, [alone, half], noRules)).toMatchObject({ discountRial: 4_000_000 });
  const four = priceOrder(lines, [half, half, half, half], noRules);
  expect(four.coupons.map((one) => one.reason)).toEqual([null, null, null, 'not_stackable']);
});

test('CK-4: a coupon for a product or a category leaves the rest of the cart alone, and says when it finds nothing', () => {
  const xbox = { variantId: 'v2', productId: 'xbox', categoryIds: ['consoles'] };
  const lines = [line(3_000_000), line(5_000_000, 1, xbox)];
  const whole = { ...noCoupon, percentBasisPoints: 10_000 };
  const discounts = (coupon: CouponState) => priceOrder(lines, [coupon], noRules).lines.map((one) => one.discountRial);
  expect(discounts({ ...whole, productIds: ['xbox'] })).toEqual([0, 5_000_000]);
  expect(discounts({ ...whole, categoryIds: ['games'] })).toEqual([3_000_000, 0]);
  expect(priceOrder(lines, [{ ...whole, productIds: ['psn'] }], noRules).coupons[0]?.reason).toBe('no_matching_item');
  expect(priceOrder(lines, [{ ...whole, orderMinRial: 8_000_001 }], noRules).coupons[0]?.reason).toBe('below_minimum');
});

test('A67: a coupon for all the goods leaves nothing to pay, and no fee; one that leaves less than a bank takes leaves 10,000 Rial', () => {
  const rules = { vatBasisPoints: 900, feeRial: 50_000, feeFreeFromRial: undefined };
  const free = priceOrder([line(3_000_000)], [{ ...noCoupon, percentBasisPoints: 10_000 }], rules);
  expect(free).toMatchObject({ discountRial: 3_000_000, vatRial: 0, feeRial: 0, totalRial: 0 });
  const almost = priceOrder([line(3_000_000)], [{ ...noCoupon, amountRial: 2_999_000 }], noRules);
  expect(almost).toMatchObject({ discountRial: 2_990_000, totalRial: 10_000 });
});

test('CK-6: what was paid for a line goes back unit by unit and adds up', () => {
  const paid = { quantity: 3, unitPriceRial: 1_000_000, discountRial: 100_000, vatRial: 261_000 };
  expect(unitsPaidRial(paid)).toEqual([1_053_667, 1_053_667, 1_053_666]);
});
