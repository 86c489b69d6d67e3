import type { CouponReason } from '@kelid/contracts/orders';
import { multiplyRial, partOfRial, splitRial, sumRial } from '@kelid/money/rial';
import type { PricedLine } from './quote.rules.ts';

/** Banks take no less; a total of 0 goes to no bank. */
const payableMinRial = 10_000;
const couponsMax = 3;

/** A coupon's rules, and what is known of its uses by this shopper at this moment. */
export interface CouponState {
  id: string;
  code: string;
  percentBasisPoints: number | null;
  discountMaxRial: number | null;
  amountRial: number | null;
  isFirstOrderOnly: boolean;
  productIds: string[];
  categoryIds: string[];
  customerIds: string[];
  orderMinRial: number;
  isStackable: boolean;
  usesMax: number | null;
  customerUsesMax: number | null;
  usedCount: number;
  customerUsedCount: number;
  /** Switched on, begun and not over. */
  isRunning: boolean;
  /** Null while nobody is signed in. */
  customerId: string | null;
  hasOrdered: boolean;
}

/** What a cart's line is, for coupons that are not for everything. */
export interface LineSubject {
  productId: string;
  categoryIds: string[];
}

export interface PriceRules {
  vatBasisPoints: number;
  feeRial: number;
  feeFreeFromRial: number | undefined;
}

/** Whether a code may be told to be a coupon at all; whatever it is, a guesser hears the same (A61). */
export function isUsable(coupon: CouponState): boolean {
  return refusalOf(coupon) === undefined;
}

function refusalOf(coupon: CouponState): CouponReason | undefined {
  const { customerId, customerIds, usesMax, customerUsesMax } = coupon;
  if (!coupon.isRunning) return 'ended';
  if (customerIds.length > 0 && (customerId === null || !customerIds.includes(customerId))) return 'not_yours';
  if (coupon.isFirstOrderOnly && coupon.hasOrdered) return 'not_yours';
  if (usesMax !== null && coupon.usedCount >= usesMax) return 'used_up';
  if (customerUsesMax !== null && coupon.customerUsedCount >= customerUsesMax) return 'used_up';
  return undefined;
}

/** One coupon to an order, or up to three where each allows the others. */
export function mayStack(
  coupon: Pick<CouponState, 'isStackable'>,
  others: Pick<CouponState, 'isStackable'>[],
): boolean {
  return others.length === 0 || (others.length < couponsMax && [coupon, ...others].every((one) => one.isStackable));
}

/**
 * The one place where an order's amounts come from: goods less discount, plus VAT, plus fee. Coupons work one after another, as they were
 * put in, each on what the ones before it have left; VAT is rounded once for each line; the fee is for orders that cost something. What
 * would leave less than a bank takes is discounted so far that the goods still cost 10,000 Rial: no coupon gives more than it says.
 */
export function priceOrder<Line extends PricedLine & LineSubject>(
  lines: Line[],
  coupons: CouponState[],
  rules: PriceRules,
) {
  const goodsRial = sumRial(lines.map(amountOf));
  const price = priceWithin(lines, coupons, rules, goodsRial);
  if (price.totalRial === 0 || price.totalRial >= payableMinRial) return price;
  return priceWithin(lines, coupons, rules, Math.max(0, goodsRial - payableMinRial));
}

function priceWithin<Line extends PricedLine & LineSubject>(
  lines: Line[],
  coupons: CouponState[],
  rules: PriceRules,
  discountMaxRial: number,
) {
  const goodsRial = sumRial(lines.map(amountOf));
  const leftRial = lines.map(amountOf);
  const shown: { coupon: CouponState; discountRial: number; reason: CouponReason | null }[] = [];
  for (const coupon of coupons) {
    const used = shown.filter((one) => one.reason === null);
    const refusal =
      refusalOf(coupon) ??
      (mayStack(
        coupon,
        used.map((one) => one.coupon),
      )
        ? undefined
        : 'not_stackable') ??
      (goodsRial < coupon.orderMinRial ? 'below_minimum' : undefined);
    const eligibleRial = lines.map((line, at) => (isFor(coupon, line) ? (leftRial[at] ?? 0) : 0));
    const stillRial = discountMaxRial - sumRial(used.map((one) => one.discountRial));
    const discountRial = refusal ? 0 : Math.min(discountOf(coupon, sumRial(eligibleRial)), stillRial);
    for (const [at, part] of splitRial(discountRial, eligibleRial).entries()) leftRial[at] = (leftRial[at] ?? 0) - part;
    const reason =
      refusal ??
      (discountRial > 0 ? null : lines.some((line) => isFor(coupon, line)) ? 'no_discount' : 'no_matching_item');
    shown.push({ coupon, discountRial, reason });
  }
  const netRial = sumRial(leftRial);
  const priced = lines.map((line, at) => ({
    ...line,
    discountRial: amountOf(line) - (leftRial[at] ?? 0),
    vatRial: partOfRial(leftRial[at] ?? 0, rules.vatBasisPoints),
  }));
  const isFeeFree = netRial === 0 || (rules.feeFreeFromRial !== undefined && netRial >= rules.feeFreeFromRial);
  const feeRial = isFeeFree ? 0 : rules.feeRial;
  const vatRial = sumRial(priced.map((line) => line.vatRial));
  return {
    lines: priced,
    coupons: shown,
    discountRial: goodsRial - netRial,
    vatRial,
    feeRial,
    totalRial: sumRial([netRial, vatRial, feeRial]),
  };
}

function amountOf({ unitPriceRial, quantity }: PricedLine): number {
  return multiplyRial(unitPriceRial, quantity);
}

function isFor({ productIds, categoryIds }: CouponState, line: LineSubject): boolean {
  if (productIds.length === 0 && categoryIds.length === 0) return true;
  return productIds.includes(line.productId) || line.categoryIds.some((id) => categoryIds.includes(id));
}

function discountOf({ percentBasisPoints, amountRial, discountMaxRial }: CouponState, eligibleRial: number): number {
  if (percentBasisPoints === null) return Math.min(amountRial ?? 0, eligibleRial);
  return Math.min(partOfRial(eligibleRial, percentBasisPoints), discountMaxRial ?? eligibleRial);
}
