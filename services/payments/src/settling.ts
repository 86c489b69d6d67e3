import { createHmac } from 'node:crypto';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { paymentFailed, paymentReviewBegun } from '@kelid/contracts/events';
import { failpoint } from '@kelid/service/failpoint';
import { sqlState, violatedConstraint } from '@kelid/service/database';
import { publish } from '@kelid/service/outbox';
import type { AttemptStatus } from '@kelid/contracts/payments';
import type { Context } from './context.ts';
import { paymentAttempts, paymentIntents } from './db/schema.ts';
import { nextInquirySeconds, verifyDelaySeconds } from './domain/schedule.ts';
import type { CallbackHint, PspProvider, VerifyAnswer } from './providers/psp.ts';

export type AttemptRow = typeof paymentAttempts.$inferSelect;

export const openStatuses: AttemptStatus[] = ['redirected', 'returned', 'unknown'];
/** A late success of an attempt that we gave up is looked at like any other: the money may be there. */
export const payableStatuses: AttemptStatus[] = [...openStatuses, 'failed', 'abandoned'];

/** What is known already stays: a callback adds to it. */
function merged(proof: Record<string, string>) {
  return sql`${paymentAttempts.proof} || ${JSON.stringify(proof)}::jsonb`;
}

/** The columns of each move: its status, and for the history who made it and why (PA-11). */
export function moveTo(ctx: Pick<Context, 'actor'>, status: AttemptStatus, cause: string) {
  return { status, movedBy: actorName(ctx), moveCause: cause, updatedAt: sql`now()` };
}

export function actorName({ actor }: Pick<Context, 'actor'>): string {
  if (actor.kind === 'guest') return 'guest';
  return actor.kind === 'user' ? `user:${actor.userId}` : `service:${actor.name}`;
}

/**
 * Settles one attempt with its PSP, whoever calls: the callback, the sweep, both at once, ten of each. `verifying` is committed before
 * the PSP is asked; only the call that made that move asks. What the PSP answers is an input; our own rows decide.
 */
export async function settleAttempt(
  ctx: Context,
  attempt: AttemptRow,
  from: AttemptStatus[] = openStatuses,
  proof?: Record<string, string>,
): Promise<void> {
  const [intent] = await ctx.db
    .select({ status: paymentIntents.status })
    .from(paymentIntents)
    .where(eq(paymentIntents.id, attempt.intentId));
  // Money for a dead order is better not taken: unverified, it goes back by itself. Once a verify was sent it may be taken already.
  let mayRevive = intent?.status === 'open';
  if (intent?.status === 'expired')
    mayRevive = (await ctx.peers.orders.reviveOrder({ orderId: attempt.orderId })).isPayable;
  const isDead = intent?.status === 'cancelled' || (intent?.status === 'expired' && !mayRevive);
  if (isDead && attempt.verifyCount === 0 && !bankOf(ctx, attempt).facts.takesAtOnce) {
    await fail(ctx, attempt, ['redirected', 'returned', 'unknown'], 'order-dead');
    return;
  }

  const [claimed] = await ctx.db
    .update(paymentAttempts)
    .set({
      ...moveTo(ctx, 'verifying', 'verify'),
      failureReason: null,
      verifyCount: sql`${paymentAttempts.verifyCount} + 1`,
      ...(proof ? { proof: merged(proof) } : {}),
      dueAt: sql`now() + interval '30 seconds'`,
    })
    .where(isStill(attempt, from))
    .returning();
  if (!claimed?.pspToken) return; // Another call is settling it, or has.
  failpoint('payments.verifying-committed'); // CP7
  // Which payment, and how much, comes from our row alone; of the callback only what the PSP itself calls its proof.
  const answer = await askBank(ctx, { ...claimed, pspToken: claimed.pspToken });
  failpoint('payments.verified'); // CP8
  await record(ctx, claimed, answer, mayRevive);
}

/** Looks at an attempt because a browser or a PSP's server says so: only what the PSP then answers counts. */
export async function followHint(
  ctx: Context,
  attempt: AttemptRow,
  { claimsSuccess, proof }: Pick<CallbackHint, 'claimsSuccess' | 'proof'>,
): Promise<void> {
  if (attempt.status === 'captured' || attempt.status === 'review') return;
  if (claimsSuccess) {
    await settleAttempt(ctx, attempt, payableStatuses, proof);
    return;
  }
  if (attempt.status !== 'redirected') return;
  const [returned] = await ctx.db
    .update(paymentAttempts)
    .set({
      ...moveTo(ctx, 'returned', 'came back without success'),
      ...(proof ? { proof: merged(proof) } : {}),
      dueAt: sql`now() + interval '10 seconds'`,
    })
    .where(and(eq(paymentAttempts.id, attempt.id), eq(paymentAttempts.status, 'redirected')))
    .returning();
  if (returned) await inquireAttempt(ctx, returned, 0);
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

/** The bank of an attempt. What the wallet paid was never at one. */
export function bankOf(ctx: Context, { psp }: AttemptRow): PspProvider {
  const bank = psp === 'wallet' ? undefined : ctx.psps[psp];
  if (!bank) throw new Error(`There is no bank ${psp}`);
  return bank;
}

/** The guard of each move: nobody has moved the attempt or asked the PSP again since this row was read. */
function isStill(attempt: AttemptRow, from: AttemptStatus[]) {
  return and(
    eq(paymentAttempts.id, attempt.id),
    inArray(paymentAttempts.status, from),
    eq(paymentAttempts.verifyCount, attempt.verifyCount),
  );
}

async function record(ctx: Context, attempt: AttemptRow, answer: VerifyAnswer, mayRevive: boolean): Promise<void> {
  switch (answer.kind) {
    case 'approved':
      if (answer.wasVerifiedBefore && attempt.verifyCount === 1) {
        // Verified before we ever asked: not our lost answer. Somebody else holds our credentials, or auto-verify is on.
        await toReview(ctx, attempt, 'verified-before-we-asked');
        return;
      }
      await capture(ctx, attempt, answer, mayRevive);
      return;
    case 'declined':
      await fail(ctx, attempt, ['verifying'], `declined ${answer.pspCode}`);
      return;
    case 'mismatch':
      await toReview(ctx, attempt, `amount-mismatch ${answer.pspCode}`);
      return;
    case 'unknown':
      await ctx.db
        .update(paymentAttempts)
        .set({
          ...moveTo(ctx, 'unknown', 'verify not answered'),
          dueAt: sql`now() + make_interval(secs => ${verifyDelaySeconds(attempt.verifyCount)})`,
        })
        .where(isStill(attempt, ['verifying']));
  }
}

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
    if (sqlState(error) !== '23505' || violatedConstraint(error) !== 'payment_attempts_reference') throw error;
    // The PSP named a receipt that has already paid for something here (A48 to A50).
    await toReview(ctx, attempt, 'reference-used-before');
  }
}

/** A definite no, unless a later verify is on its way: that one's answer counts. The customer may try again. */
export async function fail(
  ctx: Context,
  attempt: AttemptRow,
  from: AttemptStatus[],
  reason: string,
  to: 'failed' | 'reversed' = 'failed',
): Promise<void> {
  await ctx.transaction(async (tx) => {
    const [failed] = await tx
      .update(paymentAttempts)
      .set({ ...moveTo(ctx, to, reason), failureReason: reason, dueAt: null })
      .where(isStill(attempt, from))
      .returning();
    if (!failed) return;
    const { id: attemptId, orderId, customerId } = failed;
    await publish(tx, paymentFailed({ attemptId, orderId, customerId, reason }));
  });
}

/** Its order is told, so that nobody pays again and nothing is closed while only a person can say where the money is. */
export async function toReview(ctx: Context, attempt: AttemptRow, reason: string): Promise<void> {
  const isMoved = await ctx.transaction(async (tx) => {
    const [moved] = await tx
      .update(paymentAttempts)
      .set({ ...moveTo(ctx, 'review', reason), failureReason: reason, dueAt: null })
      .where(isStill(attempt, ['verifying', 'unknown']))
      .returning();
    if (!moved) return false; // A later verify has told meanwhile: what this one found is explained by that.
    const { id: attemptId, orderId, customerId, amountRial } = moved;
    await publish(tx, paymentReviewBegun({ attemptId, orderId, customerId, amountRial }));
    return true;
  });
  if (!isMoved) return;
  ctx.wakeRelay();
  ctx.log.error(
    { attemptId: attempt.id, orderId: attempt.orderId, psp: attempt.psp, reason, alarm: 'payment-review' },
    'a payment needs a person',
  );
}

/** Asks the PSP about an attempt whose browser did not come back, or came back with a no; a hint, never proof of money. */
export async function inquireAttempt(ctx: Context, attempt: AttemptRow, redirectedSecondsAgo: number): Promise<void> {
  const provider = bankOf(ctx, attempt);
  const answer =
    attempt.pspToken === null ? 'failed' : await provider.inquire({ ...attempt, pspToken: attempt.pspToken });
  if (answer === 'paid' || answer === 'verified') {
    await settleAttempt(ctx, attempt);
    return;
  }
  if (answer === 'failed' || answer === 'reversed') {
    await fail(
      ctx,
      attempt,
      ['redirected', 'returned'],
      attempt.status === 'returned' ? 'cancelled-at-the-bank' : 'failed-at-the-bank',
    );
    return;
  }
  const next = nextInquirySeconds(redirectedSecondsAgo);
  const isOver = next === undefined && redirectedSecondsAgo > provider.facts.verifyWindowMinutes * 60;
  await ctx.db
    .update(paymentAttempts)
    .set(
      isOver
        ? { ...moveTo(ctx, 'abandoned', 'never came back'), dueAt: null }
        : { dueAt: sql`now() + make_interval(secs => ${next ?? 300})` },
    )
    .where(isStill(attempt, ['redirected', 'returned']));
}
