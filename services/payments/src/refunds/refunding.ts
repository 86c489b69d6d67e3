import { and, eq, sql } from 'drizzle-orm';
import { failpoint } from '@kelid/service/failpoint';
import { actorName } from '@kelid/service/context';
import { type AttemptRow, bankOf } from '../attempts/attempts.ts';
import type { Context } from '../context.ts';
import { paymentAttempts, refunds } from '../db/schema.ts';
import type { AskedAttempt, AskedRefund, PspProvider, RefundAnswer } from '../providers/psp.ts';
import { rethrowOwnAffair } from '../refusals.ts';
import type { RefundRow } from './refunds.ts';

/**
 * Takes an approved refund to its end, as far as it goes now. Whoever calls (the request, the second person, the sweep after a crash):
 * each step is one conditional statement, and a PSP is asked at most once.
 */
export async function runRefund(ctx: Context, refund: RefundRow): Promise<void> {
  // What was paid back is not looked at any more. A key that was seen meanwhile changes who may decide this.
  const { isWithdrawn } = await ctx.peers.inventory.withdrawKeys({
    orderId: refund.orderId,
    revealedMax: refund.revealedCount,
    ...(refund.isWhole ? {} : { keyIds: refund.keyIds }),
  });
  if (!isWithdrawn) {
    await dropRefund(ctx, refund, 'failed', 'a product key was seen meanwhile');
    return;
  }
  if (refund.method === 'wallet') {
    await finishRefund(ctx, refund, refund.id, 'to the wallet');
    return;
  }
  const isByHand = refund.method === 'manual';
  const [submitting] = await ctx.db
    .update(refunds)
    .set({
      ...moveRefund(ctx, 'submitting', isByHand ? 'waits for the transfer' : 'asking the PSP'),
      submittedAt: sql`now()`,
      dueAt: isByHand ? null : sql`now() + interval '60 seconds'`,
    })
    .where(and(eq(refunds.id, refund.id), eq(refunds.status, 'approved')))
    .returning();
  if (!submitting || isByHand) return;

  failpoint('payments.refund-submitting');
  const { attempt, provider } = await attemptOf(ctx, submitting);
  const answer = await askOnce(ctx, provider, attempt, askedRefund(submitting));
  failpoint('payments.refund-sent'); // CP16
  if (answer.kind === 'done') {
    // Kept before the books are written: should that fail, some PSPs can be asked about the refund by nothing else.
    await ctx.db.update(refunds).set({ reference: answer.reference }).where(eq(refunds.id, submitting.id));
    await finishRefund(ctx, submitting, answer.reference, 'the PSP gave it back');
  } else if (answer.kind === 'refused')
    await dropRefund(ctx, submitting, 'failed', `refused by the PSP: ${answer.pspCode}`);
  else await waitForInquiry(ctx, submitting);
}

/** A refund whose outcome nobody knows is inquired about, never sent again (CP16). After a day a person looks. */
export async function settleRefund(ctx: Context, refund: RefundRow): Promise<void> {
  if (refund.status === 'approved') {
    await runRefund(ctx, refund); // Its runner died before any PSP was asked.
    return;
  }
  const { attempt, provider } = await attemptOf(ctx, refund);
  const outcome = await inquire(provider, attempt, askedRefund(refund));
  if (outcome === 'done')
    await finishRefund(ctx, refund, refund.reference ?? refund.id, 'the PSP says that it went back');
  else if (outcome === 'not-done') await dropRefund(ctx, refund, 'failed', 'the PSP says that nothing went back');
  else await waitForInquiry(ctx, refund);
}

/** All of a payment that is fresh is reversed, which costs nothing; anything else is a refund. */
export function wayBack(
  provider: PspProvider,
  attempt: Pick<AttemptRow, 'amountRial' | 'redirectedAt'>,
  amountRial: number,
  now: Date,
): 'reverse' | 'refund' | undefined {
  const { reverseWindowMinutes = 0 } = provider.facts;
  // Paid at some moment after it left for the bank: two minutes are kept for the way.
  const ageMinutes = (now.getTime() - new Date(attempt.redirectedAt ?? 0).getTime()) / 60_000;
  if (provider.reverse && amountRial === attempt.amountRial && ageMinutes < reverseWindowMinutes - 2) return 'reverse';
  return provider.refund ? 'refund' : undefined;
}

async function askOnce(ctx: Context, provider: PspProvider, attempt: AskedAttempt & AttemptRow, refund: AskedRefund) {
  const way = wayBack(provider, attempt, refund.amountRial, ctx.now());
  const refused: RefundAnswer = { kind: 'refused', pspCode: 'too late to reverse' };
  if (way === 'reverse') return (await provider.reverse?.(attempt)) ?? refused;
  return (await provider.refund?.(attempt, refund)) ?? refused;
}

/** Where a PSP has no word for refunds, the payment's own state tells of one of all of it; of a part it tells nothing. */
async function inquire(provider: PspProvider, attempt: AskedAttempt & AttemptRow, refund: AskedRefund) {
  if (provider.inquireRefund) return provider.inquireRefund(attempt, refund);
  if (refund.amountRial !== attempt.amountRial) return 'unknown';
  return (await provider.inquire(attempt)) === 'reversed' ? 'done' : 'unknown';
}

async function attemptOf(ctx: Context, refund: RefundRow) {
  const [attempt] = await ctx.db
    .select()
    .from(paymentAttempts)
    .where(eq(paymentAttempts.id, refund.attemptId ?? ''));
  if (!attempt?.pspToken) throw new Error('The attempt of this refund is gone');
  return { attempt: { ...attempt, pspToken: attempt.pspToken }, provider: bankOf(ctx, attempt) };
}

function askedRefund({ id, refundNo, amountRial, reference }: RefundRow): AskedRefund {
  return { refundId: id, refundNo, amountRial, ...(reference === null ? {} : { reference }) };
}

/** The columns of each move, which `payouts_on_move` checks and keeps in the history (PA-11). */
export function moveRefund(ctx: Pick<Context, 'actor'>, status: RefundRow['status'], cause: string) {
  return { status, movedBy: actorName(ctx), moveCause: cause, updatedAt: sql`now()` };
}

/** Ends a refund, once: `payments_finish_refund` posts it and tells of it. */
export async function finishRefund(ctx: Context, { id }: RefundRow, reference: string, cause: string) {
  const { rows } = await ctx.db
    .execute<{ is_done: boolean }>(
      sql`select payments_finish_refund(${id}, ${reference}, ${actorName(ctx)}, ${cause}) as is_done`,
    )
    .catch(rethrowOwnAffair);
  if (rows[0]?.is_done) ctx.wakeRelay();
  return rows[0]?.is_done ?? false;
}

/** Gives up a refund, once: `payments_drop_refund` frees what it had reserved. */
export async function dropRefund(ctx: Context, { id }: RefundRow, status: 'failed' | 'rejected', cause: string) {
  const { rows } = await ctx.db
    .execute<{ is_done: boolean }>(
      sql`select payments_drop_refund(${id}, ${status}, ${actorName(ctx)}, ${cause}) as is_done`,
    )
    .catch(rethrowOwnAffair);
  if (rows[0]?.is_done) ctx.wakeRelay();
  return rows[0]?.is_done ?? false;
}

/** Seconds until a PSP is asked again about a refund whose answer was lost; hourly in the end. */
function inquiryDelaySeconds(inquiryCount: number): number {
  return [10, 30, 60, 300, 900][inquiryCount] ?? 3_600;
}

async function waitForInquiry(ctx: Context, refund: RefundRow): Promise<void> {
  const isOld = ctx.now().getTime() - new Date(refund.submittedAt ?? refund.createdAt).getTime() > 86_400_000;
  const delaySeconds = inquiryDelaySeconds(refund.inquiryCount);
  // The table of moves has no way from submitting to review: it was unknown first.
  const status = isOld && refund.status === 'unknown' ? 'review' : 'unknown';
  await ctx.db
    .update(refunds)
    .set({
      ...moveRefund(ctx, status, status === 'review' ? 'unknown for a day' : 'no answer of the PSP'),
      inquiryCount: sql`${refunds.inquiryCount} + 1`,
      dueAt: status === 'review' ? null : sql`now() + make_interval(secs => ${delaySeconds})`,
    })
    .where(and(eq(refunds.id, refund.id), eq(refunds.status, refund.status)));
  if (status === 'review')
    ctx.log.error(
      { refundId: refund.id, orderId: refund.orderId, alarm: 'refund-review' },
      'nobody knows whether a refund went back',
    );
}
