import { createHmac } from 'node:crypto';
import { eq, type SQL, sql } from 'drizzle-orm';
import { paymentFailed } from '@kelid/contracts/events';
import type { AttemptStatus } from '@kelid/contracts/payments';
import { sqlState, violatedConstraint } from '@kelid/service/database';
import { failpoint } from '@kelid/service/failpoint';
import { publish } from '@kelid/service/outbox';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Context } from '../context.ts';
import { paymentAttempts, paymentIntents } from '../db/schema.ts';
import type { VerifyAnswer } from '../providers/psp.ts';
import { openStatuses } from './attempt-status.rules.ts';
import { type AgedAttempt, agedColumns, type AttemptRow, bankOf, isStill, merged, moveTo } from './attempts.ts';
import { toReview } from './reviewing.ts';
import { isWindowOpen, nextInquirySeconds, type VerifyClock, verifyDelaySeconds } from './schedule.rules.ts';

/** Why an attempt failed whose order nobody can pay any more. */
export const orderDead = 'order-dead';
/** Why an attempt stays unknown that its bank says is paid, without saying what. */
export const takenReason = 'verified without details';

/**
 * Settles one attempt with its PSP, whoever calls: the callback, the sweep, both at once, ten of each. `verifying` is committed before
 * the PSP is asked; only the call that made that move asks. What the PSP answers is an input; our own rows decide.
 */
export async function settleAttempt(
  ctx: Context,
  attempt: AttemptRow,
  from: AttemptStatus[] = openStatuses,
  proof?: Record<string, string>,
  /** Nobody says that it is paid: its bank can be asked in no other way. */
  isLook = false,
): Promise<void> {
  const [intent] = await ctx.db
    .select({ status: paymentIntents.status })
    .from(paymentIntents)
    .where(eq(paymentIntents.id, attempt.intentId));
  // Money for a dead order is better not taken: unverified, it goes back by itself. Once a verify was sent it may be taken already.
  let mayRevive = intent?.status === 'open';
  if (intent?.status === 'expired' && !isLook)
    mayRevive = (await ctx.peers.orders.reviveOrder({ orderId: attempt.orderId })).isPayable;
  const isDead =
    intent?.status === 'cancelled' || (intent?.status === 'expired' && !mayRevive) || (isLook && !mayRevive);
  const isUntaken = attempt.verifyCount === attempt.refusedCount;
  const bank = bankOf(ctx, attempt);
  if (isDead && isUntaken && !bank.facts.takesAtOnce) {
    const dueAt = bank.letGo ? sql`now()` : null;
    await fail(ctx, attempt, ['redirected', 'returned', 'unknown'], orderDead, { dueAt });
    return;
  }

  const [claimed] = await ctx.db
    .update(paymentAttempts)
    .set({
      ...moveTo(ctx, 'verifying', 'verify'),
      failureReason: null,
      // While an answer is missing the card may have been charged before that question; else it was not before this one.
      chargedBefore: sql`case when ${paymentAttempts.status} in ('verifying', 'unknown') then coalesce(${paymentAttempts.chargedBefore}, now()) else now() end`,
      verifyCount: sql`${paymentAttempts.verifyCount} + 1`,
      ...(proof ? { proof: merged(proof) } : {}),
      dueAt: sql`now() + interval '30 seconds'`,
    })
    .where(isStill(attempt, from))
    .returning(agedColumns);
  if (!claimed?.pspToken) return; // Another call is settling it, or has.
  failpoint('payments.verifying-committed'); // CP7
  // Which payment, and how much, comes from our row alone; of the callback only what the PSP itself calls its proof.
  const answer = await askBank(ctx, { ...claimed, pspToken: claimed.pspToken });
  failpoint('payments.verified'); // CP8
  if (answer.kind === 'declined') await refuse(ctx, claimed, answer.pspCode, attempt.status, isLook);
  else await record(ctx, claimed, answer, mayRevive);
}

/** A definite no. Where only verify can ask, the page may still be open, so the bank is asked again until its window is over. */
async function refuse(
  ctx: Context,
  claimed: AgedAttempt,
  pspCode: string,
  before: AttemptStatus,
  isLook: boolean,
): Promise<void> {
  const next = bankOf(ctx, claimed).facts.isAskedByVerify
    ? nextInquirySeconds(claimed.redirectedSecondsAgo, true)
    : undefined;
  const dueAt = next === undefined ? null : sql`now() + make_interval(secs => ${next})`;
  const refused = { refusedCount: claimed.verifyCount, dueAt };
  // The customer is at the bank, or has not come back: nothing has failed yet.
  if (isLook && before === 'redirected' && next !== undefined)
    await ctx.db
      .update(paymentAttempts)
      .set({ ...moveTo(ctx, 'redirected', 'not paid yet'), ...refused })
      .where(isStill(claimed, ['verifying']));
  else await fail(ctx, claimed, ['verifying'], `declined ${pspCode}`, { ...refused, isNews: before !== 'failed' });
}

/** Verifies by the bank's own proof where it tells one. It is written down first: a verify whose answer is lost is repeated with it. */
async function askBank(ctx: Context, claimed: AttemptRow & { pspToken: string }): Promise<VerifyAnswer> {
  const bank = bankOf(ctx, claimed);
  const found = await bank.findProof?.(claimed);
  if (found?.kind !== 'found') return found ?? bank.verify(claimed);
  const proof = { ...claimed.proof, ...found.proof };
  const [kept] = await ctx.db
    .update(paymentAttempts)
    .set({ proof })
    .where(isStill(claimed, ['verifying']))
    .returning({ id: paymentAttempts.id });
  // Without a row another call has taken over and knows it by itself.
  return kept ? bank.verify({ ...claimed, proof }) : { kind: 'unknown' };
}

async function record(
  ctx: Context,
  attempt: AgedAttempt,
  answer: Exclude<VerifyAnswer, { kind: 'declined' }>,
  mayRevive: boolean,
): Promise<void> {
  const clock = clockOf(ctx, attempt);
  switch (answer.kind) {
    case 'approved':
      if (answer.wasVerifiedBefore && attempt.verifyCount - attempt.refusedCount === 1) {
        // Verified before we ever asked: not our lost answer. Somebody else holds our credentials, or auto-verify is on.
        await toReview(ctx, attempt, 'verified-before-we-asked');
        return;
      }
      await capture(ctx, attempt, answer, mayRevive);
      return;
    case 'mismatch':
      await toReview(ctx, attempt, `amount-mismatch ${answer.pspCode}`, answer.takenReference);
      return;
    case 'unknown':
      if (answer.isTaken && !isWindowOpen(clock)) {
        await toReview(ctx, attempt, takenReason);
        return;
      }
      await ctx.db
        .update(paymentAttempts)
        .set({
          ...moveTo(ctx, 'unknown', answer.isTaken ? takenReason : 'verify not answered'),
          failureReason: answer.isTaken ? takenReason : null,
          dueAt: sql`now() + make_interval(secs => ${verifyDelaySeconds(attempt.verifyCount, clock)})`,
        })
        .where(isStill(attempt, ['verifying']));
  }
}

export function clockOf(ctx: Context, attempt: AgedAttempt): VerifyClock {
  const { redirectedSecondsAgo, chargedSecondsAgo } = attempt;
  return {
    redirectedSecondsAgo,
    chargedSecondsAgo,
    windowSeconds: bankOf(ctx, attempt).facts.verifyWindowMinutes * 60,
  };
}

/** `payments_capture` alone records money: the attempt, the ledger and the event in one statement. */
async function capture(
  ctx: Context,
  attempt: AttemptRow,
  answer: Extract<VerifyAnswer, { kind: 'approved' }>,
  mayRevive: boolean,
): Promise<void> {
  const cardHash =
    answer.cardHash === null
      ? null
      : createHmac('sha256', ctx.config.PAYMENTS_CARD_HASH_SECRET).update(answer.cardHash).digest('hex');
  try {
    const { rows } = await ctx.db.execute<{ is_surplus: boolean }>(
      sql`select is_surplus from payments_capture(${attempt.id}, ${answer.reference}, ${answer.cardMasked}, ${cardHash}, ${mayRevive})`,
    );
    if (rows.length === 0) return; // Recorded by another call.
    ctx.wakeRelay();
    if (rows[0]?.is_surplus)
      ctx.log.warn(
        { attemptId: attempt.id, orderId: attempt.orderId, amountRial: attempt.amountRial },
        'money that no order can use went to the wallet',
      );
    failpoint('payments.captured'); // CP9
  } catch (error) {
    if (sqlState(error) !== sqlStates.uniqueViolation || violatedConstraint(error) !== 'payment_attempts_reference')
      throw error;
    // The PSP named a receipt that has already paid for something here (A48 to A50).
    await toReview(ctx, attempt, 'reference-used-before');
  }
}

interface FailOptions {
  to?: 'failed' | 'reversed';
  /** False for what its customer was told before. */
  isNews?: boolean;
  refusedCount?: number;
  dueAt?: SQL | null;
}

/** A definite no, unless a later verify is on its way: that one's answer counts. The customer may try again. */
export async function fail(
  ctx: Context,
  attempt: AttemptRow,
  from: AttemptStatus[],
  reason: string,
  { to = 'failed', isNews = true, ...more }: FailOptions = {},
): Promise<void> {
  await ctx.transaction(async (tx) => {
    const [failed] = await tx
      .update(paymentAttempts)
      .set({ ...moveTo(ctx, to, reason), failureReason: reason, dueAt: null, ...more })
      .where(isStill(attempt, from))
      .returning();
    if (!failed || !isNews) return;
    const { id: attemptId, orderId, customerId } = failed;
    await publish(tx, paymentFailed({ attemptId, orderId, customerId, reason }));
  });
}
