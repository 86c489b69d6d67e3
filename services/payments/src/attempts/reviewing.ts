import { and, eq, sql } from 'drizzle-orm';
import { paymentFailed, paymentReviewBegun } from '@kelid/contracts/events';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { paymentAttempts } from '../db/schema.ts';
import { type AttemptRow, bankOf, isStill, merged, moveTo } from './attempts.ts';

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
