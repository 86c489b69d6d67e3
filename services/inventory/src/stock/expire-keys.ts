import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';

/** Product keys past their own date leave stock by themselves, and `inventory_tell_stock` has their variants counted. */
export async function expireKeys(ctx: Context): Promise<number> {
  const { rows } = await ctx.db.execute<{ variant_id: string }>(sql`
    with due as materialized (select id from product_keys where status = 'available' and expires_at <= now() limit 500 for update skip locked),
    gone as (update product_keys k set status = 'expired' from due where k.id = due.id returning k.variant_id)
    select variant_id, inventory_tell_stock(variant_id, -count(*)::int) from gone group by 1`);
  return rows.length;
}
