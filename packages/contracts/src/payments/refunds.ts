import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, ownAffair, page } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { Reason, secondPersonNeeded } from './deciding.ts';
import { intentNotFound } from './intents.ts';

/** To the wallet at once; back to the card through the PSP; or by hand to a bank account. */
export const RefundMethod = z.enum(['wallet', 'psp', 'manual']);
export type RefundMethod = z.infer<typeof RefundMethod>;
export const RefundStatus = z.enum([
  'requested',
  'approved',
  'submitting',
  'unknown',
  'succeeded',
  'failed',
  'rejected',
  'review',
]);
export type RefundStatus = z.infer<typeof RefundStatus>;
/** As people type it, with or without spaces. */
export const Sheba = z.string().max(40);
export const refundTooLarge = problem('payments.refund-too-large', {
  status: 409,
  title: 'More than is left of what was paid for this order',
  data: z.object({ refundableRial: z.int() }),
});
export const refundTooEarly = problem('payments.refund-too-early', {
  status: 409,
  title: 'This order is not delivered yet; its undelivered units are refunded through the order',
});
export const refundNotFound = problem('payments.refund-not-found', { status: 404, title: 'There is no such refund' });
export const refundMoveRefused = problem('payments.refund-move-refused', {
  status: 409,
  title: 'This refund is not in a state for that',
  data: z.object({ status: z.string() }),
});
export const refundMethodUnavailable = problem('payments.refund-method-unavailable', {
  status: 409,
  title: 'The PSP of this order cannot give this amount back; choose another method',
});
export const Refund = z.object({
  id: Id,
  orderId: Id,
  customerId: Id,
  amountRial: AmountRial,
  method: RefundMethod,
  status: RefundStatus,
  isWhole: z.boolean(),
  /** The product keys that close with a refund of a part; a whole one closes all that were not seen. */
  keyIds: z.array(Id),
  /** Where a manual transfer goes: whole for who has to make it, else the ends of it. */
  sheba: z.string().nullable(),
  needsApproval: z.boolean(),
  reason: z.string(),
  requestedBy: z.string(),
  approvedBy: z.string().nullable(),
  reference: z.string().nullable(),
  failureReason: z.string().nullable(),
  createdAt: Instant,
});

export const refundOperations = {
  requestRefund: operation({
    method: 'POST',
    path: '/admin/orders/{orderId}/refund',
    summary:
      'Gives all that is left of a delivered order back, or a part, and closes the product keys that it pays for; above 50,000,000 Rial of the order in all, after a look at a key, for much more than the closed keys cost, or to an unchecked account another person approves',
    access: ['admin', 'support'],
    status: 201,
    idempotent: true,
    checksSession: true,
    input: z.object({
      orderId: Id,
      /** Absent: all that is left. */
      amountRial: AmountRial.min(1).optional(),
      method: RefundMethod,
      /** The unseen product keys that this money is for; absent: as many as it pays for, where none of the order was seen. */
      keyIds: z.array(Id).max(5_000).optional(),
      /** Where a manual transfer goes. */
      sheba: Sheba.optional(),
      reason: Reason,
    }),
    output: Refund,
    problems: [intentNotFound, refundTooLarge, refundTooEarly, refundMethodUnavailable, ownAffair],
  }),
  decideRefund: operation({
    method: 'POST',
    path: '/admin/refunds/{refundId}/decision',
    summary: 'The second person approves or refuses a refund; never who asked for it',
    access: ['admin'],
    checksSession: true,
    input: z.object({ refundId: Id, isApproved: z.boolean(), reason: Reason }),
    output: Refund,
    problems: [refundNotFound, refundMoveRefused, secondPersonNeeded, ownAffair],
  }),
  recordRefundTransfer: operation({
    method: 'POST',
    path: '/admin/refunds/{refundId}/transfer',
    summary: "Says that a manual refund was sent, with the bank's reference; or what became of one in review",
    access: ['admin'],
    checksSession: true,
    input: z.object({
      refundId: Id,
      wasSent: z.boolean().default(true),
      reference: z.string().trim().min(4).max(60),
    }),
    output: Refund,
    problems: [refundNotFound, refundMoveRefused, ownAffair],
  }),
  listRefunds: operation({
    method: 'GET',
    path: '/admin/refunds',
    summary: 'Refunds by a decision of staff, newest first',
    access: ['admin', 'support'],
    showsCustomers: true,
    checksSession: true,
    input: z.object({ orderId: Id.optional(), status: RefundStatus.optional(), limit: Limit, cursor: IdCursor }),
    output: page(Refund),
  }),
};
