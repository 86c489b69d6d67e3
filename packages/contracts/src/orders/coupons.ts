import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, page } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { OrderStatus } from './orders.ts';

/** The one answer to a code that is unknown, over, used up or not this customer's, so that guessing teaches nothing (A61). */
export const couponRefused = problem('orders.coupon-refused', { status: 422, title: 'This code cannot be used' });
export const couponNotStackable = problem('orders.coupon-not-stackable', {
  status: 422,
  title: 'These codes cannot be used together; take the other one out first',
});
export const couponNotFound = problem('orders.coupon-not-found', { status: 404, title: 'No such coupon' });
export const couponCodeTaken = problem('orders.coupon-code-taken', {
  status: 409,
  title: 'There is a coupon with this code',
});
export const couponLimitUsed = problem('orders.coupon-limit-used', {
  status: 409,
  title: 'A limit cannot be below what is already used',
  data: z.object({ usedCount: z.int() }),
});

/** Why a code in the cart takes nothing off now. */
export const CouponReason = z.enum([
  'ended',
  'used_up',
  'not_yours',
  'not_stackable',
  'below_minimum',
  'no_matching_item',
  'no_discount',
]);
export type CouponReason = z.infer<typeof CouponReason>;
/** As typed; it is compared in upper case and with Latin digits. */
export const CouponCode = z.string().min(1).max(60);
const CouponRules = {
  /** Basis points of the goods it is for (1000 is 10 %); null for a fixed amount. */
  percentBasisPoints: z.int().min(1).max(10_000).nullable().default(null),
  /** The most that the percentage takes off. */
  discountMaxRial: AmountRial.min(1).nullable().default(null),
  /** A fixed amount; null for a percentage. */
  amountRial: AmountRial.min(1).nullable().default(null),
  isFirstOrderOnly: z.boolean().default(false),
  /** Empty lists mean all. A category means all below it too. */
  productIds: z.array(Id).max(200).default([]),
  categoryIds: z.array(Id).max(50).default([]),
  customerIds: z.array(Id).max(1000).default([]),
  /** Of the goods, before any discount. */
  orderMinRial: AmountRial.default(0),
  /** May be used beside others that say the same, up to three. */
  isStackable: z.boolean().default(false),
  startsAt: Instant.optional().describe('now, when left out'),
};
const CouponLimits = {
  isActive: z.boolean(),
  endsAt: Instant.nullable(),
  usesMax: z.int().min(1).nullable(),
  customerUsesMax: z.int().min(1).nullable(),
};
export const Coupon = z.object({
  id: Id,
  code: z.string(),
  percentBasisPoints: z.int().nullable(),
  discountMaxRial: AmountRial.nullable(),
  amountRial: AmountRial.nullable(),
  isFirstOrderOnly: z.boolean(),
  productIds: z.array(Id),
  categoryIds: z.array(Id),
  customerIds: z.array(Id),
  orderMinRial: AmountRial,
  isStackable: z.boolean(),
  startsAt: Instant,
  ...CouponLimits,
  usedCount: z.int(),
  createdAt: Instant,
});

export const couponOperations = {
  createCoupon: operation({
    method: 'POST',
    path: '/admin/coupons',
    summary: 'Makes a coupon: a percentage or a fixed amount, for whom, for what, how often, until when',
    access: ['admin', 'internal'],
    checksSession: true,
    status: 201,
    input: z.object({
      code: CouponCode,
      ...CouponRules,
      isActive: CouponLimits.isActive.default(true),
      endsAt: CouponLimits.endsAt.default(null),
      usesMax: CouponLimits.usesMax.default(null),
      customerUsesMax: CouponLimits.customerUsesMax.default(null),
    }),
    output: Coupon,
    problems: [couponCodeTaken],
  }),
  listCoupons: operation({
    method: 'GET',
    path: '/admin/coupons',
    summary: 'Coupons, newest first, with how often each is used',
    access: ['admin'],
    showsCustomers: true,
    checksSession: true,
    input: z.object({ limit: Limit, cursor: IdCursor }),
    output: page(Coupon),
  }),
  listCouponUses: operation({
    method: 'GET',
    path: '/admin/coupons/{couponId}/uses',
    summary: 'The orders that used a coupon, newest first; a released use came back when its order died',
    access: ['admin'],
    showsCustomers: true,
    checksSession: true,
    input: z.object({ couponId: Id, limit: Limit, cursor: IdCursor }),
    output: page(
      z.object({
        orderId: Id,
        orderNumber: z.string(),
        orderStatus: OrderStatus,
        customerId: Id,
        discountRial: AmountRial,
        usedAt: Instant,
        releasedAt: Instant.nullable(),
      }),
    ),
  }),
  updateCoupon: operation({
    method: 'PATCH',
    path: '/admin/coupons/{couponId}',
    summary: 'Switches a coupon on or off, gives it another end or other limits; what it takes off never changes',
    access: ['admin'],
    checksSession: true,
    input: z.object({ couponId: Id, ...z.object(CouponLimits).partial().shape }),
    output: Coupon,
    problems: [couponNotFound, couponLimitUsed],
  }),
};
