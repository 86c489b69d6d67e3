import { and, eq, sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { paymentAttempts, paymentIntents } from '../db/schema.ts';
import type { CallbackHint } from '../providers/psp.ts';
import { payableStatuses } from './attempt-status.rules.ts';
import { type AgedAttempt, type AttemptRow, bankOf, isStill, merged, moveTo } from './attempts.ts';
import { toReview } from './reviewing.ts';
import { isWindowOpen, nextInquirySeconds } from './schedule.rules.ts';
import { clockOf, fail, settleAttempt, takenReason } from './settling.ts';

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

/** Asks the PSP about an attempt whose browser did not come back, or came back with a no; a hint, never proof of money. */
export async function inquireAttempt(ctx: Context, attempt: AttemptRow, redirectedSecondsAgo: number): Promise<void> {
  const provider = bankOf(ctx, attempt);
  if (provider.facts.isAskedByVerify) {
    await settleAttempt(ctx, attempt, [attempt.status], undefined, true);
    return;
  }
  await closeUnwantedPage(ctx, attempt);
  const answer =
    attempt.pspToken === null
      ? 'failed'
      : await provider.inquire({ ...attempt, pspToken: attempt.pspToken }, ctx.signal);
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
      : await provider.inquire({ ...attempt, pspToken: attempt.pspToken }, ctx.signal);
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
