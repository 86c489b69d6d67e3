import { and, eq } from 'drizzle-orm';
import { transferNotFound } from '@kelid/contracts/payments';
import { openStatuses } from '../attempts/attempt-status.rules.ts';
import type { Context } from '../context.ts';
import { paymentAttempts, paymentIntents, transfers } from '../db/schema.ts';

/** Named transfers with their attempts. */
export function selectTransfers(ctx: Context) {
  return ctx.db
    .select({ transfer: transfers, attempt: paymentAttempts })
    .from(transfers)
    .innerJoin(paymentAttempts, eq(paymentAttempts.id, transfers.attemptId));
}

export async function findTransfer(ctx: Context, attemptId: string) {
  const [found] = await selectTransfers(ctx).where(eq(transfers.attemptId, attemptId));
  if (!found) throw transferNotFound();
  return found;
}

export function showTransfer({ transfer, attempt }: Awaited<ReturnType<typeof findTransfer>>) {
  const { attemptId, customerId, status, trackingNumber, cardLast4, approvedBy, reason, submittedAt } = transfer;
  return {
    attemptId,
    customerId,
    status,
    trackingNumber,
    cardLast4,
    approvedBy,
    reason,
    orderId: attempt.orderId,
    amountRial: attempt.amountRial,
    submittedAt: new Date(submittedAt).toISOString(),
  };
}

/** A payment from card to card, named or not; another's is not there at all (I25). */
export async function getOwnTransfer(ctx: Context, attemptId: string, customerId: string) {
  const [found] = await ctx.db
    .select({ attempt: paymentAttempts, kind: paymentIntents.kind, transfer: transfers })
    .from(paymentAttempts)
    .innerJoin(paymentIntents, eq(paymentIntents.id, paymentAttempts.intentId))
    .leftJoin(transfers, eq(transfers.attemptId, paymentAttempts.id))
    .where(
      and(
        eq(paymentAttempts.id, attemptId),
        eq(paymentAttempts.customerId, customerId),
        eq(paymentAttempts.psp, 'card-to-card'),
      ),
    );
  if (!found) throw transferNotFound();
  return found;
}

export function showOwnTransfer(ctx: Context, found: Awaited<ReturnType<typeof getOwnTransfer>>) {
  const { attempt, kind, transfer } = found;
  const isOpen = openStatuses.includes(attempt.status);
  return {
    attemptId: attempt.id,
    orderId: attempt.orderId,
    kind,
    amountRial: attempt.amountRial,
    cardNumber: ctx.config.PAYMENTS_CARD_NUMBER ?? '',
    cardHolder: ctx.config.PAYMENTS_CARD_HOLDER ?? '',
    status: transfer?.status ?? (isOpen ? ('waiting' as const) : ('over' as const)),
    trackingNumber: transfer?.trackingNumber ?? null,
    cardLast4: transfer?.cardLast4 ?? null,
  };
}
