import { and, eq, isNull, ne, sql } from 'drizzle-orm';
import { secondPersonNeeded, transferAmountDiffers, transferChanged, transferDecided } from '@kelid/contracts/payments';
import { failpoint } from '@kelid/service/failpoint';
import { actorName } from '@kelid/service/context';
import { openStatuses, payableStatuses } from '../attempts/attempt-status.rules.ts';
import { fail, settleAttempt } from '../attempts/settling.ts';
import type { Context, Operations } from '../context.ts';
import { paymentAttempts, transfers } from '../db/schema.ts';
import { rethrowOwnAffair } from '../refusals.ts';
import { findTransfer, showTransfer } from './transfers.ts';

/** The word of staff is the proof that this payment's verify reads; it is written together with their decision, and settled after that. */
export const decideTransfer: Operations['decideTransfer'] = async (
  ctx,
  { attemptId, isApproved, trackingNumber, seenRial, reason },
) => {
  const { transfer, attempt } = await findTransfer(ctx, attemptId);
  const me = actorName(ctx);
  // What was looked up is what is decided: the customer may have named another transfer since.
  const isAsSeen = and(
    eq(transfers.attemptId, attemptId),
    eq(transfers.status, 'submitted'),
    eq(transfers.trackingNumber, trackingNumber),
  );
  const decided = { decidedBy: me, decidedAt: sql`now()`, reason };
  if (!isApproved) {
    const [rejected] = await ctx.db
      .update(transfers)
      .set({ ...decided, status: 'rejected' })
      .where(isAsSeen)
      .returning()
      .catch(rethrowOwnAffair);
    if (!rejected) throw await whyNot(ctx, attemptId, trackingNumber);
    await fail(ctx, attempt, openStatuses, 'transfer not found in the bank');
    return showTransfer(await findTransfer(ctx, attemptId));
  }
  if (seenRial !== attempt.amountRial) throw transferAmountDiffers({ amountRial: attempt.amountRial });
  const isWhole = sql`exists (select from payment_attempts a where a.id = ${attemptId} and a.amount_rial = ${seenRial})`;
  const needsTwo = attempt.amountRial > ctx.config.PAYMENTS_TWO_PEOPLE_ABOVE_RIAL;
  if (needsTwo && transfer.approvedBy === null) {
    const [said] = await ctx.db
      .update(transfers)
      .set({ approvedBy: me, reason, seenRial })
      .where(and(isAsSeen, isWhole, isNull(transfers.approvedBy)))
      .returning()
      .catch(rethrowOwnAffair);
    if (!said) throw await whyNot(ctx, attemptId, trackingNumber);
    return showTransfer(await findTransfer(ctx, attemptId));
  }
  const approved = await ctx
    .transaction(async (tx) => {
      const [row] = await tx
        .update(transfers)
        .set({ ...decided, seenRial, status: 'approved', ...(needsTwo ? { confirmedBy: me } : { approvedBy: me }) })
        .where(and(isAsSeen, isWhole, needsTwo ? ne(transfers.approvedBy, me) : undefined))
        .returning();
      if (!row) return undefined;
      const proof = { paidRial: String(seenRial), reference: row.trackingNumber };
      const [due] = await tx
        .update(paymentAttempts)
        .set({ proof, dueAt: sql`now()` })
        .where(eq(paymentAttempts.id, attemptId))
        .returning();
      return due;
    })
    .catch(rethrowOwnAffair);
  if (!approved) throw await whyNot(ctx, attemptId, trackingNumber);
  failpoint('payments.transfer-approved'); // The sweep goes on from here.
  await settleAttempt(ctx, approved, payableStatuses);
  return showTransfer(await findTransfer(ctx, attemptId));
};

async function whyNot(ctx: Context, attemptId: string, trackingNumber: string) {
  const { transfer } = await findTransfer(ctx, attemptId);
  if (transfer.status !== 'submitted') return transferDecided({ status: transfer.status });
  return transfer.trackingNumber === trackingNumber ? secondPersonNeeded() : transferChanged();
}
