import { and, eq, isNull, ne, sql } from 'drizzle-orm';
import { secondPersonNeeded, transferAmountDiffers, transferDecided } from '@kelid/contracts/payments';
import { failpoint } from '@kelid/service/failpoint';
import type { Operations } from '../context.ts';
import { findTransfer, showTransfer } from '../db/queries.ts';
import { paymentAttempts, transfers } from '../db/schema.ts';
import { actorName, fail, openStatuses, payableStatuses, settleAttempt } from '../settling.ts';

/** The word of staff is the proof that this payment's verify reads; it is written together with their decision, and settled after that. */
export const decideTransfer: Operations['decideTransfer'] = async (
  ctx,
  { attemptId, isApproved, seenRial, reason },
) => {
  const { transfer, attempt } = await findTransfer(ctx, attemptId);
  const me = actorName(ctx);
  const isOpen = and(eq(transfers.attemptId, attemptId), eq(transfers.status, 'submitted'));
  const decided = { decidedAt: sql`now()`, reason };
  if (!isApproved) {
    const [rejected] = await ctx.db
      .update(transfers)
      .set({ ...decided, status: 'rejected' })
      .where(isOpen)
      .returning();
    if (!rejected) throw transferDecided({ status: transfer.status });
    await fail(ctx, attempt, openStatuses, 'transfer not found in the bank');
    return showTransfer(await findTransfer(ctx, attemptId));
  }
  if (seenRial !== attempt.amountRial) throw transferAmountDiffers({ amountRial: attempt.amountRial });
  const needsTwo = attempt.amountRial > ctx.config.PAYMENTS_TWO_PEOPLE_ABOVE_RIAL;
  if (needsTwo && transfer.approvedBy === null) {
    await ctx.db
      .update(transfers)
      .set({ approvedBy: me, reason, seenRial })
      .where(and(isOpen, isNull(transfers.approvedBy)));
    return showTransfer(await findTransfer(ctx, attemptId));
  }
  const approved = await ctx.transaction(async (tx) => {
    const [row] = await tx
      .update(transfers)
      .set({ ...decided, seenRial, status: 'approved', ...(needsTwo ? { confirmedBy: me } : { approvedBy: me }) })
      .where(and(isOpen, needsTwo ? ne(transfers.approvedBy, me) : undefined))
      .returning();
    if (!row) return undefined;
    const proof = { paidRial: String(seenRial), reference: row.trackingNumber };
    const [due] = await tx
      .update(paymentAttempts)
      .set({ proof, dueAt: sql`now()` })
      .where(eq(paymentAttempts.id, attemptId))
      .returning();
    return due;
  });
  if (!approved) {
    if (transfer.status === 'submitted' && transfer.approvedBy === me) throw secondPersonNeeded();
    throw transferDecided({ status: transfer.status });
  }
  failpoint('payments.transfer-approved'); // The sweep goes on from here.
  await settleAttempt(ctx, approved, payableStatuses);
  return showTransfer(await findTransfer(ctx, attemptId));
};
