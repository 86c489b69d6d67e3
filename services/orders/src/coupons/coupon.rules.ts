import type { CouponReason } from '@kelid/contracts/orders';
import { partOfRial } from '@kelid/money/rial';

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

/** Whether a code may be told to be a coupon at all; whatever it is, a guesser hears the same (A61). */
export function isUsable(coupon: CouponState): boolean {
  return refusalOf(coupon) === undefined;
}

/** Why it takes nothing off, whatever it is used on; undefined when it may. */
export function refusalOf(coupon: CouponState): CouponReason | undefined {
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

export function isFor({ productIds, categoryIds }: CouponState, line: LineSubject): boolean {
  if (productIds.length === 0 && categoryIds.length === 0) return true;
  return productIds.includes(line.productId) || line.categoryIds.some((id) => categoryIds.includes(id));
}

/** What it takes off goods of this much that it is for. */
export function discountOf(
  { percentBasisPoints, amountRial, discountMaxRial }: CouponState,
  eligibleRial: number,
): number {
  if (percentBasisPoints === null) return Math.min(amountRial ?? 0, eligibleRial);
  return Math.min(partOfRial(eligibleRial, percentBasisPoints), discountMaxRial ?? eligibleRial);
}
