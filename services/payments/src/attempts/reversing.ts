import { and, eq, sql } from 'drizzle-orm';
import { sqlState } from '@kelid/service/database';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Context } from '../context.ts';
import { paymentAttempts } from '../db/schema.ts';
import { type AgedAttempt, agedColumns, bankOf, merged } from './attempts.ts';
import { endReview } from './reviewing.ts';

/**
 * Another amount than ours goes back to its card while its bank still takes a reversal, when no person has said that it was found. The row
 * says so before the bank is asked, and takes the bank's reference: from then on the money is nobody's here, neither by a decision nor by
 * another attempt that names the same receipt. An answer that was lost is asked for, and the reversal repeated, until the bank's time is over.
 */
export async function reverseReviewed(ctx: Context, due: AgedAttempt): Promise<void> {
  const bank = bankOf(ctx, due);
  const { reverseWindowMinutes = 0 } = bank.facts;
  // It was charged after it left for the bank and before we first heard of it: until then a reversal may still be taken.
  const isWindowOpen = due.chargedSecondsAgo < reverseWindowMinutes * 60;
  const wasAsked = due.proof['reversing'] !== undefined;
  const attempt = wasAsked ? due : isWindowOpen ? await begin(ctx, due) : undefined;
  const pspReference = attempt?.pspReference ?? null;
  if (!attempt?.pspToken || !bank.reverse || pspReference === null) {
    await leaveToPerson(ctx, due, 'it was not reversed');
    return;
  }
  const asked = { ...attempt, pspToken: attempt.pspToken, pspReference };
  if (wasAsked) {
    const refund = { refundId: attempt.id, refundNo: attempt.attemptNo, amountRial: attempt.amountRial };
    if ((await bank.inquireRefund?.(asked, refund)) === 'done') {
      await endReview(ctx, attempt.id, 'reversed', 'another amount, which went back to the card');
      return;
    }
    if (!isWindowOpen) {
      await leaveToPerson(ctx, attempt, 'nobody knows whether it was reversed');
      return;
    }
  }
  const answer = await bank.reverse(asked);
  if (answer.kind === 'done')
    await endReview(ctx, attempt.id, 'reversed', 'another amount, which went back to the card');
  else if (answer.kind === 'refused') await leaveToPerson(ctx, attempt, `refused ${answer.pspCode}`);
}

/** Only where no person has found it, not even the first of two. */
async function begin(ctx: Context, { id, proof }: AgedAttempt): Promise<AgedAttempt | undefined> {
  const pspReference = proof['takenReference'];
  if (pspReference === undefined) return undefined;
  try {
    const [begun] = await ctx.db
      .update(paymentAttempts)
      .set({ pspReference, proof: merged({ reversing: '1' }), dueAt: sql`now() + interval '30 seconds'` })
      .where(and(inReview(id), sql`not ${paymentAttempts.proof} ? 'foundBy'`))
      .returning(agedColumns);
    return begun;
  } catch (error) {
    if (sqlState(error) === sqlStates.uniqueViolation) return undefined; // This receipt has paid for something here.
    throw error;
  }
}

async function leaveToPerson(ctx: Context, { id, orderId, psp }: AgedAttempt, why: string): Promise<void> {
  await ctx.db
    .update(paymentAttempts)
    .set({ pspReference: null, proof: sql`${paymentAttempts.proof} - 'reversing'`, dueAt: null })
    .where(inReview(id));
  ctx.log.error({ attemptId: id, orderId, psp, reason: why, alarm: 'payment-review' }, 'a payment needs a person');
}

function inReview(attemptId: string) {
  return and(eq(paymentAttempts.id, attemptId), eq(paymentAttempts.status, 'review'));
}
