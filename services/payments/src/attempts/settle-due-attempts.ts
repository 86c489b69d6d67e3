import { and, eq, inArray, sql } from 'drizzle-orm';
import { Psp } from '@kelid/contracts/payments';
import type { Context } from '../context.ts';
import { paymentAttempts } from '../db/schema.ts';
import { type AgedAttempt, agedColumns, bankOf } from './attempts.ts';
import { inquireAttempt, settleUnknown } from './inquiring.ts';
import { letGo } from './letting-go.ts';
import { reverseReviewed } from './reversing.ts';
import { fail, orderDead, settleAttempt } from './settling.ts';

/** Looks at each attempt whose time has come, so that no payment hangs on a browser coming back. */
export async function settleDueAttempts(ctx: Context): Promise<number> {
  const due = await ctx.db
    .update(paymentAttempts)
    .set({ dueAt: sql`now() + interval '30 seconds'` })
    .where(
      sql`${paymentAttempts.id} = any(array(
        select id from ${paymentAttempts} where due_at <= now() order by due_at limit 20 for update skip locked))`,
    )
    .returning(agedColumns);
  await Promise.all(due.map((attempt) => settleOne(ctx, attempt)));
  return due.length;
}

/** The row is as it was when its time had come: a callback that claims it in the meantime is not taken for a runner that died. */
async function settleOne(ctx: Context, attempt: AgedAttempt): Promise<void> {
  switch (attempt.status) {
    case 'requesting':
      // The customer was never sent to the bank, so no money can move (CP5).
      await fail(ctx, attempt, ['requesting'], 'request not answered');
      return;
    case 'redirected':
    case 'returned':
      await inquireAttempt(ctx, attempt, attempt.redirectedSecondsAgo);
      return;
    case 'verifying':
      await settleAttempt(ctx, attempt, ['verifying']); // Its runner died (CP7, CP8).
      return;
    case 'unknown':
      await settleUnknown(ctx, attempt);
      return;
    case 'failed':
    case 'abandoned':
      if (attempt.failureReason === orderDead && bankOf(ctx, attempt).letGo) {
        await letGo(ctx, attempt);
        return;
      }
      if (bankOf(ctx, attempt).facts.isAskedByVerify) {
        // A no of the browser, or an early one of the bank, is not the last word while the bank's window is open.
        await settleAttempt(ctx, attempt, [attempt.status], undefined, true);
        return;
      }
      // Only a signed message makes a given-up attempt due again, and whoever received it may have died.
      await settleAttempt(ctx, attempt, [attempt.status]);
      await ctx.db
        .update(paymentAttempts)
        .set({ dueAt: null })
        .where(and(eq(paymentAttempts.id, attempt.id), eq(paymentAttempts.status, attempt.status)));
      return;
    case 'review':
      await reverseReviewed(ctx, attempt);
      return;
    case 'created':
    case 'captured':
    case 'reversed':
      await ctx.db.update(paymentAttempts).set({ dueAt: null }).where(eq(paymentAttempts.id, attempt.id));
  }
}

/** Paid at the bank, not known here: the PSP's own list finds what no browser brought back, within a minute. */
export async function settleUnverified(ctx: Context): Promise<number> {
  for (const psp of Psp.options) {
    const tokens = (await ctx.psps[psp]?.listUnverified(ctx.signal)) ?? [];
    if (tokens.length === 0) continue;
    // A browser that is on its way back settles its own attempt; this is for those that are not.
    const attempts = await ctx.db
      .select()
      .from(paymentAttempts)
      .where(
        and(
          eq(paymentAttempts.psp, psp),
          inArray(paymentAttempts.pspToken, tokens),
          inArray(paymentAttempts.status, ['redirected', 'returned']),
          sql`${paymentAttempts.redirectedAt} < now() - interval '20 seconds'`,
        ),
      );
    for (const attempt of attempts) await settleAttempt(ctx, attempt);
  }
  return 0;
}
