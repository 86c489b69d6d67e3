import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';

/** Holds whose time is over go back to stock. `inventory_let_go`, which ends the hold, decides, so a fulfilment at the same moment is safe. */
export async function expireReservations(ctx: Context): Promise<number> {
  const { rows } = await ctx.db.execute<{ gone: boolean }>(sql`
    with due as materialized (select id from reservations where status = 'held' and expires_at <= now() order by expires_at limit 50 for update skip locked)
    select inventory_let_go(id, 'expired') as gone from due`);
  return rows.filter((row) => row.gone).length;
}
