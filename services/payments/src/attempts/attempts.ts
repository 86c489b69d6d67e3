import type { paymentAttempts } from '../db/schema.ts';

export type AttemptRow = typeof paymentAttempts.$inferSelect;

export function showAttempt(attempt: typeof paymentAttempts.$inferSelect) {
  return {
    id: attempt.id,
    orderId: attempt.orderId,
    customerId: attempt.customerId,
    psp: attempt.psp,
    status: attempt.status,
    amountRial: attempt.amountRial,
    isSurplus: attempt.isSurplus,
    pspReference: attempt.pspReference,
    cardMasked: attempt.cardMasked,
    failureReason: attempt.failureReason,
    createdAt: new Date(attempt.createdAt).toISOString(),
    updatedAt: new Date(attempt.updatedAt).toISOString(),
  };
}
