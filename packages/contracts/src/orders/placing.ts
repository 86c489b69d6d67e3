import { z } from 'zod';
import { AmountRial, Id, RetryAfter } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { Psp, StartedAttempt } from '../payments.ts';
import { cartEmpty, cartLimit, cartNotFound, variantNotFound } from './carts.ts';
import { OrderStatus } from './orders.ts';

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
export const checkoutFailed = problem('orders.checkout-failed', {
  status: 503,
  title: 'The order could not be completed; nothing was reserved or charged',
  data: RetryAfter,
});
export const couponNotUsable = problem('orders.coupon-not-usable', {
  status: 409,
  title: 'A code in the cart no longer applies; look at the new total',
  data: z.object({ totalRial: z.int() }),
});

export const placingOperations = {
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
};
