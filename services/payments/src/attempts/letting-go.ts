import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { paymentAttempts } from '../db/schema.ts';
import { type AgedAttempt, bankOf, isStill } from './attempts.ts';

/** By then every bank has freed by itself what it held on a card. */
const heldAtMostSeconds = 8 * 86_400;

/** Frees what a dead order's payment holds on its card, asked until the bank says that it is so. */
export async function letGo(ctx: Context, attempt: AgedAttempt): Promise<void> {
  const { pspToken, redirectedSecondsAgo } = attempt;
  const became =
    pspToken === null ? 'gone' : ((await bankOf(ctx, attempt).letGo?.({ ...attempt, pspToken })) ?? 'gone');
  const isOver = became !== 'unknown' || redirectedSecondsAgo > heldAtMostSeconds;
  const next = redirectedSecondsAgo > 86_400 ? 3_600 : 60;
  await ctx.db
    .update(paymentAttempts)
    .set({ dueAt: isOver ? null : sql`now() + make_interval(secs => ${next})` })
    .where(isStill(attempt, ['failed', 'abandoned']));
  if (isOver && became !== 'gone')
    ctx.log.error(
      { attemptId: attempt.id, orderId: attempt.orderId, psp: attempt.psp, status: became, alarm: 'payment-contested' },
      'money of a dead order needs a person',
    );
}
