import { eq } from 'drizzle-orm';
import { refundNotFound } from '@kelid/contracts/payments';
import type { Context } from '../context.ts';
import { refunds } from '../db/schema.ts';
import { shownSheba, type Viewer } from '../wallet/bank-accounts.ts';

export type RefundRow = typeof refunds.$inferSelect;

export async function findRefund(ctx: Context, id: string): Promise<RefundRow> {
  const [refund] = await ctx.db.select().from(refunds).where(eq(refunds.id, id));
  if (!refund) throw refundNotFound();
  return refund;
}

export function showRefund(refund: RefundRow, ctx: Viewer) {
  const { id, orderId, customerId, amountRial, method, status, isWhole, keyIds, needsApproval } = refund;
  const { reason, requestedBy, approvedBy, reference, failureReason } = refund;
  return {
    id,
    orderId,
    customerId,
    amountRial,
    method,
    status,
    isWhole,
    keyIds,
    sheba: refund.sheba === null ? null : shownSheba(ctx, refund.sheba, undefined, status === 'submitting'),
    needsApproval,
    reason,
    requestedBy,
    approvedBy,
    reference,
    failureReason,
    createdAt: new Date(refund.createdAt).toISOString(),
  };
}
