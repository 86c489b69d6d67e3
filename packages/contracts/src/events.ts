import { z } from 'zod';
import { AmountRial, Id, Instant, LocalizedText } from './common.ts';
import { event, Role } from './contract.ts';

export const userRegistered = event('user.registered', z.object({ userId: Id, phone: z.string() }));
export const userRoleChanged = event('user.role-changed', z.object({ userId: Id, roles: z.array(Role) }));
export const sessionRevoked = event(
  'session.revoked',
  z.object({
    userId: Id,
    sessionIds: z.array(Id),
    /** `refresh-token-reused`: somebody had a copy of its token, and its owner is told. */
    reason: z.string().default(''),
  }),
);

export const productChanged = event('product.changed', z.object({ productId: Id }));

const OrderRef = { orderId: Id, orderNumber: z.string(), customerId: Id, version: z.int() };
const Contact = z.object({ phone: z.string().optional(), email: z.string().optional() });
const EventLine = z.object({ orderLineId: Id, title: LocalizedText, quantity: z.int(), unitPriceRial: AmountRial });
const SellersShares = z.array(z.object({ sellerId: Id, amountRial: AmountRial })).default([]);
export const orderPlaced = event('order.placed', z.object({ ...OrderRef, totalRial: AmountRial }));
export const orderPaid = event(
  'order.paid',
  z.object({
    ...OrderRef,
    attemptId: Id,
    totalRial: AmountRial,
    contact: Contact,
    lines: z.array(EventLine),
    paidAt: Instant,
  }),
);
export const orderFulfilled = event(
  'order.fulfilled',
  z.object({
    ...OrderRef,
    totalRial: AmountRial,
    /** Within the total. */
    vatRial: AmountRial.default(0),
    /** What the lines of each seller but the shop came to, without VAT; the rest of the total is the shop's. */
    sellers: SellersShares,
    contact: Contact,
    lines: z.array(EventLine),
    fulfilledAt: Instant,
  }),
);
export const orderCancelled = event(
  'order.cancelled',
  z.object({ ...OrderRef, reason: z.enum(['customer', 'failed-step', 'staff']) }),
);
export const orderExpired = event('order.expired', z.object(OrderRef));
/** The money of this captured attempt can't be used for the order (cancelled, or dead and not to be revived): it is the customer's. */
export const orderPaymentRefused = event(
  'order.payment-refused',
  z.object({ orderId: Id, attemptId: Id, customerId: Id }),
);
/** Units of a paid order cannot be delivered: this much of its money is the customer's again. */
export const orderRefundDue = event(
  'order.refund-due',
  z.object({
    ...OrderRef,
    refundRial: AmountRial,
    totalRial: AmountRial,
    /** Of what stays sold: the VAT in it, and what each seller but the shop is owed. */
    vatRial: AmountRial.default(0),
    sellers: SellersShares,
    /** One unit of a delivered order, once for this id; absent for what was not delivered at all. */
    complaintId: Id.optional(),
    /** Who decided that complaint, so that another one is the second person. */
    decidedBy: z.string().optional(),
  }),
);
/** Any other move of an order that its owner's open page should show: review, refunding, part_fulfilled. */
export const orderStatusChanged = event('order.status-changed', z.object({ ...OrderRef, status: z.string() }));

export const paymentCaptured = event(
  'payment.captured',
  z.object({ intentId: Id, attemptId: Id, orderId: Id, customerId: Id, amountRial: AmountRial, capturedAt: Instant }),
);
export const paymentFailed = event(
  'payment.failed',
  z.object({
    attemptId: Id,
    orderId: Id,
    customerId: Id,
    reason: z.string(),
    /** What a person looked for in the bank and did not find, or found gone back; absent where no person had to look. */
    reviewedRial: AmountRial.optional(),
  }),
);
/** Nobody but a person can say what became of this attempt's money. */
export const paymentReviewBegun = event(
  'payment.review-begun',
  z.object({ attemptId: Id, orderId: Id, customerId: Id, amountRial: AmountRial }),
);
/** Money that no order can use went to the customer's wallet. */
export const paymentSurplus = event(
  'payment.surplus',
  z.object({ attemptId: Id, orderId: Id, customerId: Id, amountRial: AmountRial }),
);

/** Money of a bad unit that was decided and does not go back: another person refused it, or it could not be sent. */
export const paymentRefundRefused = event(
  'payment.refund-refused',
  z.object({ orderId: Id, orderNumber: z.string(), customerId: Id, refundRial: AmountRial, complaintId: Id }),
);
export const paymentRefunded = event(
  'payment.refunded',
  z.object({
    orderId: Id,
    orderNumber: z.string(),
    customerId: Id,
    refundRial: AmountRial,
    complaintId: Id.optional(),
    /** Present when a person decided it: where the money went, and whether nothing is left of the order. */
    refundId: Id.optional(),
    method: z.enum(['wallet', 'psp', 'manual']).default('wallet'),
    isWhole: z.boolean().default(false),
  }),
);

export const stockChanged = event(
  'stock.changed',
  z.object({
    variantId: Id,
    availableCount: z.int(),
    /** Whether a supplier can deliver what our own stock lacks. */
    canSupply: z.boolean().default(false),
    at: Instant,
  }),
);
/** Product keys that were bought for a paid line are bound to it. */
export const keysAllocated = event('keys.allocated', z.object({ orderId: Id, orderLineId: Id, count: z.int() }));
/** A person decided that the money of a bad product key goes back. */
export const keyRefundDue = event(
  'key.refund-due',
  z.object({ complaintId: Id, orderId: Id, orderLineId: Id, keyId: Id, decidedBy: z.string().optional() }),
);
/** No supplier could deliver these units of a paid line in time. */
export const supplyFailed = event('supply.failed', z.object({ orderId: Id, orderLineId: Id, missingCount: z.int() }));
