import { eq, sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { procurements } from '../db/schema.ts';
import { lookFor, lookForTwins } from './look-for-order.ts';
import { move, type Procurement } from './procurement-moves.ts';
import { fetchUnits } from './take-order.ts';

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

/** Goes on with a supplier order whose time has come, whatever it waits for. */
async function followUp(ctx: Context, procurement: Procurement): Promise<void> {
  switch (procurement.status) {
    case 'ordering':
      // Whoever was asking the supplier died or took too long: the order may be there.
      await move(ctx, procurement, 'unknown', 'the answer was lost', { dueAt: sql`now()` });
      return;
    case 'unknown':
    case 'not_placed':
    case 'refused':
      await lookFor(ctx, procurement);
      return;
    case 'placed':
      await fetchUnits(ctx, procurement);
      return;
    case 'received':
      await lookForTwins(ctx, procurement);
      return;
    case 'cancelled':
    case 'review':
      await ctx.db.update(procurements).set({ dueAt: null }).where(eq(procurements.id, procurement.id));
  }
}
