import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { buyAhead } from './routing.ts';

/** Variants below their target stock, as `supply_stock_short` counts it; what is ordered now is looked at again in the next round. */
export async function keepStock(ctx: Context): Promise<number> {
  const { rows } = await ctx.db.execute<{ variant_id: string }>(sql`
    select distinct variant_id from supplier_offers where is_enabled and not allows_pre_order and target_stock_count > 0 and supply_stock_short(variant_id) > 0 limit 10`);
  await Promise.all(rows.map((row) => buyAhead(ctx, row.variant_id)));
  return 0;
}
