import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { procurements } from '../db/schema.ts';
import { followUp } from './procuring.ts';

/** Supplier orders whose time has come, leased as needs are. */
export async function followProcurements(ctx: Context): Promise<number> {
  const due = await ctx.db
    .update(procurements)
    .set({ dueAt: sql`now() + interval '60 seconds'` })
    .where(
      sql`id = any(array(select id from procurements where due_at <= now() order by due_at limit 20 for update skip locked))`,
    )
    .returning();
  await Promise.all(due.map((procurement) => followUp(ctx, procurement)));
  return due.length;
}
