import { and, eq, isNull, ne, sql } from 'drizzle-orm';
import { secondPersonNeeded, transferAmountDiffers, transferChanged, transferDecided } from '@kelid/contracts/payments';
import { failpoint } from '@kelid/service/failpoint';
import { actorName } from '@kelid/service/context';
import { openStatuses, payableStatuses } from '../attempts/attempt-status.rules.ts';
import type { AttemptRow } from '../attempts/attempts.ts';
import { fail, settleAttempt } from '../attempts/settling.ts';
import type { Context, Operations } from '../context.ts';
import { paymentAttempts, transfers } from '../db/schema.ts';
import { rethrowOwnAffair } from '../refusals.ts';
import { findTransfer, showTransfer } from './transfers.ts';

/** The word of staff is the proof that this payment's verify reads; it is written together with their decision, and settled after that. */
export const decideTransfer: Operations['decideTransfer'] = async (ctx, decision) => {
  const { attemptId, isApproved, seenRial } = decision;
  const { transfer, attempt } = await findTransfer(ctx, attemptId);
  if (isApproved && seenRial !== attempt.amountRial) throw transferAmountDiffers({ amountRial: attempt.amountRial });
  const needsTwo = attempt.amountRial > ctx.config.PAYMENTS_TWO_PEOPLE_ABOVE_RIAL;
  if (!isApproved) await reject(ctx, decision, attempt);
  else if (needsTwo && transfer.approvedBy === null) await approveAsFirst(ctx, decision);
  else await approve(ctx, decision, needsTwo);
  return showTransfer(await findTransfer(ctx, attemptId));
};

type Decision = Parameters<Operations['decideTransfer']>[1];

async function reject(ctx: Context, decision: Decision, attempt: AttemptRow): Promise<void> {
  const [rejected] = await ctx.db
    .update(transfers)
    .set({ ...decided(ctx, decision), status: 'rejected' })
    .where(isAsSeen(decision))
    .returning()
    .catch(rethrowOwnAffair);
  if (!rejected) throw await whyNot(ctx, decision);
  await fail(ctx, attempt, openStatuses, 'transfer not found in the bank');
}

/** Above the amount that one may approve alone, the first word is kept. */
async function approveAsFirst(ctx: Context, decision: Decision): Promise<void> {
  const { reason, seenRial } = decision;
  const [said] = await ctx.db
    .update(transfers)
    .set({ approvedBy: actorName(ctx), reason, seenRial })
    .where(and(isAsSeen(decision), isWhole(decision), isNull(transfers.approvedBy)))
    .returning()
    .catch(rethrowOwnAffair);
  if (!said) throw await whyNot(ctx, decision);
}

async function approve(ctx: Context, decision: Decision, needsTwo: boolean): Promise<void> {
  const { attemptId, seenRial } = decision;
  const me = actorName(ctx);
  const approved = await ctx
    .transaction(async (tx) => {
      const [row] = await tx
        .update(transfers)
        .set({
          ...decided(ctx, decision),
          seenRial,
          status: 'approved',
          ...(needsTwo ? { confirmedBy: me } : { approvedBy: me }),
        })
        .where(and(isAsSeen(decision), isWhole(decision), needsTwo ? ne(transfers.approvedBy, me) : undefined))
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
  if (!approved) throw await whyNot(ctx, decision);
  failpoint('payments.transfer-approved'); // The sweep goes on from here.
  await settleAttempt(ctx, approved, payableStatuses);
}

function decided(ctx: Context, { reason }: Decision) {
  return { decidedBy: actorName(ctx), decidedAt: sql`now()`, reason };
}

/** What was looked up is what is decided: the customer may have named another transfer since. */
function isAsSeen({ attemptId, trackingNumber }: Decision) {
  return and(
    eq(transfers.attemptId, attemptId),
    eq(transfers.status, 'submitted'),
    eq(transfers.trackingNumber, trackingNumber),
  );
}

function isWhole({ attemptId, seenRial }: Decision) {
  return sql`exists (select from payment_attempts a where a.id = ${attemptId} and a.amount_rial = ${seenRial})`;
}

async function whyNot(ctx: Context, { attemptId, trackingNumber }: Decision) {
  const { transfer } = await findTransfer(ctx, attemptId);
  if (transfer.status !== 'submitted') return transferDecided({ status: transfer.status });
  return transfer.trackingNumber === trackingNumber ? secondPersonNeeded() : transferChanged();
}
