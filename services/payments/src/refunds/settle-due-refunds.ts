import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { refunds } from '../db/schema.ts';
import { settleRefund } from './refunding.ts';

/** Takes up refunds whose runner died, and asks again about those whose answer was lost. */
export async function settleDueRefunds(ctx: Context): Promise<number> {
  const due = await ctx.db
    .update(refunds)
    .set({ dueAt: sql`now() + interval '60 seconds'` })
    .where(
      sql`${refunds.id} = any(array(
        select id from ${refunds} where due_at <= now() order by due_at limit 20 for update skip locked))`,
    )
    .returning();
  await Promise.all(due.map((refund) => settleRefund(ctx, refund)));
  return due.length;
}
