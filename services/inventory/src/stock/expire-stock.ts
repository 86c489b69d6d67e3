import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';

/** Holds whose time is over go back to stock. The statement that ends the hold decides, so a fulfilment at the same moment is safe. */
export async function expireReservations(ctx: Context): Promise<number> {
  const { rows } = await ctx.db.execute<{ gone: boolean }>(sql`
    with due as materialized (select id from reservations where status = 'held' and expires_at <= now() order by expires_at limit 50 for update skip locked)
    select inventory_let_go(id, 'expired') as gone from due`);
  return rows.filter((row) => row.gone).length;
}

/** Product keys past their own date leave stock by themselves. */
export async function expireKeys(ctx: Context): Promise<number> {
  const { rows } = await ctx.db.execute<{ variant_id: string }>(sql`
    with due as materialized (select id from product_keys where status = 'available' and expires_at <= now() limit 500 for update skip locked),
    gone as (update product_keys k set status = 'expired' from due where k.id = due.id returning k.variant_id)
    select variant_id, inventory_tell_stock(variant_id, -count(*)::int) from gone group by 1`);
  return rows.length;
}
