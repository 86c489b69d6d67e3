import { createHmac } from 'node:crypto';
import { and, eq, getTableColumns, inArray, type SQL, sql } from 'drizzle-orm';
import { paymentFailed, paymentReviewBegun } from '@kelid/contracts/events';
import { failpoint } from '@kelid/service/failpoint';
import { sqlState, violatedConstraint } from '@kelid/service/database';
import { publish } from '@kelid/service/outbox';
import { sqlStates } from '@kelid/service/sqlstates';
import type { AttemptStatus } from '@kelid/contracts/payments';
import { actorName } from '@kelid/service/context';
import type { Context } from '../context.ts';
import { paymentAttempts, paymentIntents } from '../db/schema.ts';
import type { CallbackHint, PspProvider, VerifyAnswer } from '../providers/psp.ts';
import { openStatuses, payableStatuses } from './attempt-status.rules.ts';
import { isWindowOpen, nextInquirySeconds, type VerifyClock, verifyDelaySeconds } from './schedule.rules.ts';

export type AttemptRow = typeof paymentAttempts.$inferSelect;
/** With the ages that decide when its bank is asked again, by the database's clock. */
export type AgedAttempt = AttemptRow & { redirectedSecondsAgo: number; chargedSecondsAgo: number };

export const agedColumns = {
  ...getTableColumns(paymentAttempts),
  redirectedSecondsAgo: sql<number>`coalesce(extract(epoch from now() - redirected_at), 0)::float8`,
  chargedSecondsAgo: sql<number>`coalesce(extract(epoch from now() - coalesce(charged_before, redirected_at)), 0)::float8`,
};
/** Why an attempt failed whose order nobody can pay any more. */
export const orderDead = 'order-dead';
/** Why an attempt stays unknown that its bank says is paid, without saying what. */
const takenReason = 'verified without details';

/** What is known already stays: a callback adds to it. */
export function merged(proof: Record<string, string>) {
  return sql`${paymentAttempts.proof} || ${JSON.stringify(proof)}::jsonb`;
}

/** The columns of each move: its status, and for the history who made it and why (PA-11). */
export function moveTo(ctx: Pick<Context, 'actor'>, status: AttemptStatus, cause: string) {
  return { status, movedBy: actorName(ctx), moveCause: cause, updatedAt: sql`now()` };
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
export function isStill(attempt: AttemptRow, from: AttemptStatus[]) {
  return and(
    eq(paymentAttempts.id, attempt.id),
    inArray(paymentAttempts.status, from),
    eq(paymentAttempts.verifyCount, attempt.verifyCount),
  );
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

function clockOf(ctx: Context, attempt: AgedAttempt): VerifyClock {
  const { redirectedSecondsAgo, chargedSecondsAgo } = attempt;
  return {
    redirectedSecondsAgo,
    chargedSecondsAgo,
    windowSeconds: bankOf(ctx, attempt).facts.verifyWindowMinutes * 60,
  };
}

/** Within the window verify is asked again; after it the PSP's own record is, hourly, and on the second day a person. */
export async function settleUnknown(ctx: Context, attempt: AgedAttempt): Promise<void> {
  const provider = bankOf(ctx, attempt);
  const isOld = attempt.chargedSecondsAgo > 86_400;
  await closeUnwantedPage(ctx, attempt);
  if (isWindowOpen(clockOf(ctx, attempt))) {
    await settleAttempt(ctx, attempt, ['unknown']);
    return;
  }
  if (attempt.failureReason === takenReason) {
    await toReview(ctx, attempt, takenReason);
    return;
  }
  const answer = provider.facts.isAskedByVerify
    ? 'paid'
    : attempt.pspToken === null
      ? 'failed'
      : await provider.inquire({ ...attempt, pspToken: attempt.pspToken });
  if (answer === 'failed' || answer === 'reversed') {
    const reason = answer === 'failed' ? 'failed-at-the-bank' : 'reversed at the bank';
    await fail(ctx, attempt, ['unknown'], reason, { to: answer });
    return;
  }
  // Paid: there is nothing to wait for. Verified: our own verify took it, and asking again answers "before".
  if (answer === 'paid' || answer === 'verified') await settleAttempt(ctx, attempt, ['unknown']);
  const [still] = await ctx.db
    .update(paymentAttempts)
    .set({ dueAt: sql`now() + interval '1 hour'` })
    .where(and(eq(paymentAttempts.id, attempt.id), eq(paymentAttempts.status, 'unknown')))
    .returning();
  // Where even that is not answered, such as a settle that the bank does not do, a person looks in the end.
  if (still && isOld) await toReview(ctx, still, 'unknown for a day');
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

/** Its order is told, so that nobody pays again and nothing is closed while only a person can say where the money is. */
export async function toReview(
  ctx: Context,
  attempt: AttemptRow,
  reason: string,
  takenReference?: string,
): Promise<void> {
  const { reviewMinutes } = bankOf(ctx, attempt).facts;
  const mayGoBack = takenReference !== undefined && reviewMinutes !== undefined;
  const isMoved = await ctx.transaction(async (tx) => {
    const [moved] = await tx
      .update(paymentAttempts)
      .set({
        ...moveTo(ctx, 'review', reason),
        failureReason: reason,
        dueAt: mayGoBack ? sql`redirected_at + make_interval(mins => ${reviewMinutes})` : null,
        ...(mayGoBack ? { proof: merged({ takenReference }) } : {}),
      })
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

/** Ends a review without money: its order goes on, and its customer hears what was found; not why, which is written for staff. */
export async function endReview(
  ctx: Context,
  attemptId: string,
  to: 'failed' | 'reversed',
  reason: string,
): Promise<AttemptRow | undefined> {
  const ended = await ctx.transaction(async (tx) => {
    const [row] = await tx
      .update(paymentAttempts)
      .set({ ...moveTo(ctx, to, reason), failureReason: reason, dueAt: null })
      .where(and(eq(paymentAttempts.id, attemptId), eq(paymentAttempts.status, 'review')))
      .returning();
    if (!row) return undefined;
    const { orderId, customerId, amountRial: reviewedRial } = row;
    const found = to === 'reversed' ? 'gone back to the card' : 'not in the bank';
    await publish(tx, paymentFailed({ attemptId, orderId, customerId, reason: found, reviewedRial }));
    return row;
  });
  if (ended) ctx.wakeRelay();
  return ended;
}

/** Nobody pays on the page of a dead order by mistake. What was paid there already is settled as ever: an expired order may come back by it. */
async function closeUnwantedPage(ctx: Context, attempt: AttemptRow): Promise<void> {
  const { pspToken } = attempt;
  const bank = bankOf(ctx, attempt);
  if (!bank.closePage || pspToken === null) return;
  const [intent] = await ctx.db
    .select({ status: paymentIntents.status })
    .from(paymentIntents)
    .where(eq(paymentIntents.id, attempt.intentId));
  if (intent?.status === 'expired' || intent?.status === 'cancelled') await bank.closePage({ ...attempt, pspToken });
}

/** Asks the PSP about an attempt whose browser did not come back, or came back with a no; a hint, never proof of money. */
export async function inquireAttempt(ctx: Context, attempt: AttemptRow, redirectedSecondsAgo: number): Promise<void> {
  const provider = bankOf(ctx, attempt);
  if (provider.facts.isAskedByVerify) {
    await settleAttempt(ctx, attempt, [attempt.status], undefined, true);
    return;
  }
  await closeUnwantedPage(ctx, attempt);
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
  // A question without an answer is no answer: at the window's end there would be no time for the next one.
  const isSilent = answer === 'unknown' && provider.facts.isFound;
  const scheduled = nextInquirySeconds(redirectedSecondsAgo);
  const next = isSilent && scheduled !== undefined ? Math.min(60, scheduled) : scheduled;
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
