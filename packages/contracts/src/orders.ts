import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, ownAffair, page, Quantity, RetryAfter } from './common.ts';
import { contract, operation, problem } from './contract.ts';
import { listBreachesOf, settleBreachOf } from './monitoring.ts';
import { gameAccountUnknown } from './inventory.ts';
import { GameAccount, ShownGameAccount } from './game-account.ts';
import {
  keyRefundDue,
  keysAllocated,
  paymentCaptured,
  paymentFailed,
  paymentRefunded,
  paymentReviewBegun,
  paymentSurplus,
  supplyFailed,
} from './events.ts';
import { paymentBeingChecked, paymentInReview, Psp, pspUnavailable, StartedAttempt } from './payments.ts';

export const OrderStatus = z.enum([
  'placing',
  'pending_payment',
  'paid',
  'fulfilling',
  'part_fulfilled',
  'fulfilled',
  'cancelled',
  'expired',
  'review',
  'refunding',
  'part_refunded',
  'refunded',
]);
export type OrderStatus = z.infer<typeof OrderStatus>;
export const LineStatus = z.enum(['pending', 'securing', 'delivered', 'refunded']);

export const variantNotFound = problem('orders.variant-not-found', {
  status: 404,
  title: 'This item is not sold here',
});
export const cartItemNotFound = problem('orders.cart-item-not-found', {
  status: 404,
  title: 'No such item in the cart',
});
export const cartNotFound = problem('orders.cart-not-found', { status: 404, title: 'No such cart' });
export const cartEmpty = problem('orders.cart-empty', { status: 409, title: 'The cart is empty' });
export const cartLimit = problem('orders.cart-limit', {
  status: 422,
  title: 'That is more than one order may hold',
  data: z.object({ quantityMax: z.int() }),
});
export const outOfStock = problem('orders.out_of_stock', {
  status: 409,
  title: 'Some items have just sold out',
  data: z.object({ variantIds: z.array(z.string()) }),
});
export const dayLimitReached = problem('orders.limit_reached', {
  status: 409,
  title: 'That is above what you may buy in a day',
  data: z.object({ limitRial: z.int() }),
});
export const quoteExpired = problem('orders.quote_expired', {
  status: 409,
  title: 'Prices have changed; look at the cart again',
  data: z.object({ totalRial: z.int() }),
});
export const tooManyPendingOrders = problem('orders.too-many-pending', {
  status: 429,
  title: 'Pay or cancel your unpaid orders first',
  data: z.object({ pendingMax: z.int() }),
});
export const unpaidWait = problem('orders.unpaid-wait', {
  status: 429,
  title: 'Several orders were left unpaid; wait before the next one',
  data: RetryAfter,
});
export const orderNotFound = problem('orders.not-found', { status: 404, title: 'No such order' });
export const orderNotCancellable = problem('orders.not-cancellable', {
  status: 409,
  title: 'Only an unpaid order can be cancelled',
  data: z.object({ orderId: z.string(), status: OrderStatus }),
});
export const orderNotPayable = problem('orders.not-payable', {
  status: 409,
  title: 'This order no longer awaits a payment',
  data: z.object({ orderId: z.string(), status: OrderStatus }),
});
export const orderMoveRefused = problem('orders.move-refused', {
  status: 409,
  title: 'An order cannot go from there to here',
  data: z.object({ from: OrderStatus, to: OrderStatus }),
});
export const checkoutFailed = problem('orders.checkout-failed', {
  status: 503,
  title: 'The order could not be completed; nothing was reserved or charged',
  data: RetryAfter,
});

/** The one answer to a code that is unknown, over, used up or not this customer's, so that guessing teaches nothing (A61). */
export const couponRefused = problem('orders.coupon-refused', { status: 422, title: 'This code cannot be used' });
export const couponNotStackable = problem('orders.coupon-not-stackable', {
  status: 422,
  title: 'These codes cannot be used together; take the other one out first',
});
export const couponNotUsable = problem('orders.coupon-not-usable', {
  status: 409,
  title: 'A code in the cart no longer applies; look at the new total',
  data: z.object({ totalRial: z.int() }),
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
const CouponCode = z.string().min(1).max(60);

export const CartItem = z.object({
  id: Id,
  variantId: Id,
  productSlug: z.string(),
  quantity: z.int(),
  title: z.string(),
  variantTitle: z.string(),
  region: z.string(),
  platform: z.string(),
  image: z.string().nullable(),
  unitPriceRial: AmountRial,
  lineTotalRial: AmountRial,
  /** Where a top-up goes. */
  gameAccount: ShownGameAccount.nullable(),
});
export const Cart = z.object({
  id: Id,
  items: z.array(CartItem),
  itemCount: z.int(),
  /** The codes that were put in. One with a reason takes nothing off and must be taken out before checkout. */
  coupons: z.array(
    z.object({
      code: z.string(),
      discountRial: AmountRial,
      reason: CouponReason.nullable(),
      orderMinRial: AmountRial,
    }),
  ),
  discountRial: AmountRial,
  vatRial: AmountRial,
  feeRial: AmountRial,
  totalRial: AmountRial,
  priceHeldUntil: Instant.nullable(),
  problems: z.array(
    z.object({
      code: z.enum(['out_of_stock', 'price_changed', 'not_sold', 'account_needed']),
      itemId: Id,
      action: z.enum(['remove', 'accept']),
    }),
  ),
  /** For guests: the value of X-Cart-Token, also sent as a header. */
  cartToken: z.string().nullable(),
});

export const OrderLine = z.object({
  id: Id,
  variantId: Id,
  productSlug: z.string(),
  title: z.string(),
  variantTitle: z.string(),
  region: z.string(),
  platform: z.string(),
  image: z.string().nullable(),
  quantity: z.int(),
  unitPriceRial: AmountRial,
  status: LineStatus,
  deliveredCount: z.int(),
  /** Where a top-up goes, with the nickname that was shown before paying. */
  gameAccount: ShownGameAccount.nullable(),
  /** A pre-order is delivered from this day. */
  releasesOn: z.iso.date().nullable(),
});
export const Order = z.object({
  id: Id,
  orderNumber: z.string(),
  status: OrderStatus,
  lines: z.array(OrderLine),
  coupons: z.array(z.object({ code: z.string(), discountRial: AmountRial })),
  discountRial: AmountRial,
  vatRial: AmountRial,
  feeRial: AmountRial,
  totalRial: AmountRial,
  contact: z.object({ phone: z.string().optional(), email: z.string().optional() }),
  note: z.string().nullable(),
  placedAt: Instant,
  holdExpiresAt: Instant.nullable(),
  paidAt: Instant.nullable(),
  fulfilledAt: Instant.nullable(),
});
export const OrderSummary = Order.pick({
  id: true,
  orderNumber: true,
  status: true,
  totalRial: true,
  placedAt: true,
}).extend({
  lines: z.array(OrderLine.pick({ id: true, title: true, quantity: true, image: true })),
});
/** An order in the lists of staff. */
export const StaffOrderSummary = OrderSummary.extend({
  customerId: Id,
  discountRial: AmountRial,
  vatRial: AmountRial,
  feeRial: AmountRial,
});

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
const Lang = { language: z.enum(['fa', 'en']).default('fa') };

export const ordersContract = contract(
  'orders',
  {
    listOrderBreaches: listBreachesOf('orders'),
    settleOrderBreach: settleBreachOf('orders'),
    getCart: operation({
      method: 'GET',
      path: '/cart',
      summary: 'The cart of this customer, or of this X-Cart-Token',
      access: ['public'],
      isPersonal: true,
      input: z.object({ ...Lang }),
      output: Cart,
      problems: [cartNotFound],
    }),
    addCartItem: operation({
      method: 'POST',
      path: '/cart/items',
      summary: 'Adds to the cart; the same variant again adds to its quantity',
      access: ['public'],
      isPersonal: true,
      input: z.object({ variantId: Id, quantity: Quantity, gameAccount: GameAccount.optional(), ...Lang }),
      output: Cart,
      problems: [variantNotFound, cartLimit, cartNotFound, gameAccountUnknown],
    }),
    updateCartItem: operation({
      method: 'PATCH',
      path: '/cart/items/{itemId}',
      summary: 'Sets a quantity',
      access: ['public'],
      isPersonal: true,
      input: z.object({ itemId: Id, quantity: Quantity, ...Lang }),
      output: Cart,
      problems: [cartItemNotFound, cartLimit, cartNotFound],
    }),
    deleteCartItem: operation({
      method: 'DELETE',
      path: '/cart/items/{itemId}',
      summary: 'Takes an item out',
      access: ['public'],
      isPersonal: true,
      input: z.object({ itemId: Id, ...Lang }),
      output: Cart,
      problems: [cartItemNotFound, cartNotFound],
    }),
    putCartCoupon: operation({
      method: 'PUT',
      path: '/cart/coupon',
      summary: 'Puts a code into the cart; beside another one only where both may be used together',
      access: ['public'],
      isPersonal: true,
      limitPerMinute: 30,
      input: z.object({ code: CouponCode, ...Lang }),
      output: Cart,
      problems: [cartNotFound, cartEmpty, couponRefused, couponNotStackable],
    }),
    deleteCartCoupon: operation({
      method: 'DELETE',
      path: '/cart/coupon',
      summary: 'Takes one code out of the cart, or all of them',
      access: ['public'],
      isPersonal: true,
      input: z.object({ code: CouponCode.optional(), ...Lang }),
      output: Cart,
      problems: [cartNotFound],
    }),
    checkout: operation({
      method: 'POST',
      path: '/checkout',
      summary: 'Turns the cart into an order with reserved stock and a payment to go to',
      access: ['customer'],
      status: 201,
      idempotent: true,
      checksSession: true,
      input: z.object({
        psp: Psp,
        /** Pays from the wallet first, as far as it goes; the bank is asked for the rest. */
        useWallet: z.boolean().default(false),
        contact: z
          .object({ phone: z.string().max(40).optional(), email: z.email().max(200).optional() })
          .strict()
          .optional(),
        /** What the shopper saw. Another total is a 409 with the new one, never a surprise at the bank. */
        expectedTotalRial: AmountRial.optional(),
      }),
      output: z.object({
        orderId: Id,
        orderNumber: z.string(),
        status: OrderStatus,
        totalRial: AmountRial,
        payment: StartedAttempt.nullable(),
      }),
      problems: [
        cartEmpty,
        outOfStock,
        quoteExpired,
        couponNotUsable,
        dayLimitReached,
        cartLimit,
        tooManyPendingOrders,
        unpaidWait,
        checkoutFailed,
        cartNotFound,
        variantNotFound,
      ],
    }),
    payOrder: operation({
      method: 'POST',
      path: '/orders/{orderId}/pay',
      summary: 'A new try to pay an unpaid order',
      access: ['customer'],
      idempotent: true,
      checksSession: true,
      input: z.object({ orderId: Id, psp: Psp }),
      output: StartedAttempt,
      problems: [orderNotFound, orderNotPayable, paymentBeingChecked, paymentInReview, pspUnavailable],
    }),
    listOrders: operation({
      method: 'GET',
      path: '/orders',
      summary: "The customer's orders, newest first",
      access: ['customer'],
      input: z.object({ limit: Limit, cursor: IdCursor, status: OrderStatus.optional(), ...Lang }),
      output: page(OrderSummary),
    }),
    getOrder: operation({
      method: 'GET',
      path: '/orders/{orderId}',
      summary: 'One own order',
      access: ['customer'],
      input: z.object({ orderId: Id, ...Lang }),
      output: Order,
      problems: [orderNotFound],
    }),
    getOrderHistory: operation({
      method: 'GET',
      path: '/orders/{orderId}/history',
      summary: 'Each move of an own order',
      access: ['customer'],
      input: z.object({ orderId: Id }),
      output: z.object({
        items: z.array(z.object({ from: OrderStatus.nullable(), to: OrderStatus, reason: z.string(), at: Instant })),
        nextCursor: z.null(),
      }),
      problems: [orderNotFound],
    }),
    cancelOrder: operation({
      method: 'POST',
      path: '/orders/{orderId}/cancel',
      summary: 'Cancels an unpaid order and gives its stock back',
      access: ['customer'],
      input: z.object({ orderId: Id, ...Lang }),
      output: Order,
      problems: [orderNotFound, orderNotCancellable],
    }),
    listAllOrders: operation({
      method: 'GET',
      path: '/admin/orders',
      summary: 'Orders of everybody, newest first',
      access: ['admin', 'support'],
      showsCustomers: true,
      input: z.object({ limit: Limit, cursor: IdCursor, status: OrderStatus.optional(), ...Lang }),
      output: page(StaffOrderSummary),
    }),
    updateOrderStatus: operation({
      method: 'PATCH',
      path: '/admin/orders/{orderId}/status',
      summary: 'A move that a person decides: into review, out of review, cancel',
      access: ['admin'],
      checksSession: true,
      input: z.object({
        orderId: Id,
        status: z.enum(['review', 'fulfilling', 'cancelled']),
        reason: z.string().min(3).max(500),
      }),
      output: z.object({ orderId: Id, status: OrderStatus }),
      problems: [orderNotFound, orderMoveRefused, ownAffair],
    }),
    updateOrderTracking: operation({
      method: 'PUT',
      path: '/admin/orders/{orderId}/tracking',
      summary: 'A line that the owner sees on the order page',
      access: ['admin', 'support'],
      checksSession: true,
      input: z.object({ orderId: Id, note: z.string().max(500).nullable() }),
      output: z.object({ orderId: Id, note: z.string().nullable() }),
      problems: [orderNotFound],
    }),
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
    // Between services.
    getPaidUnits: operation({
      method: 'GET',
      path: '/internal/orders/{orderId}/units',
      summary: 'What was paid for each unit of an order, with its share of discount and VAT; the fee is of none',
      access: ['internal'],
      input: z.object({ orderId: Id }),
      output: z.object({ lines: z.array(z.object({ orderLineId: Id, unitsRial: z.array(AmountRial) })) }),
      problems: [orderNotFound],
    }),
    reviveOrder: operation({
      method: 'POST',
      path: '/internal/orders/{orderId}/revive',
      summary:
        'Before late money is verified: reserves the stock of an expired order again, or says that it cannot be used',
      access: ['internal'],
      input: z.object({ orderId: Id }),
      output: z.object({ isPayable: z.boolean(), status: OrderStatus }),
      problems: [orderNotFound],
    }),
  },
  paymentCaptured,
  paymentFailed,
  paymentReviewBegun,
  paymentSurplus,
  paymentRefunded,
  keysAllocated,
  supplyFailed,
  keyRefundDue,
);
