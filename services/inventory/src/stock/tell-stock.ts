import { sql } from 'drizzle-orm';
import { stockChanged } from '@kelid/contracts/events';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';

const batchMax = 5_000;

/**
 * Tells each touched variant's available count, and whether it can be bought (`supply_can`), once however many orders touched it. Counting
 * comes after the touches are taken, in a statement of its own: it sees every change whose touch was taken, and a change that commits later
 * leaves a touch of its own. So the event with the latest `at` is right, which a count made inside each buyer's transaction would not be.
 */
export async function tellStock(ctx: Context): Promise<number> {
  return ctx.transaction(async (tx) => {
    const { rows: touches } = await tx.execute<{ variant_id: string }>(sql`
      with pick as materialized (select id from stock_touches order by id limit ${batchMax} for update skip locked)
      delete from stock_touches t using pick where t.id = pick.id returning t.variant_id`);
    if (touches.length === 0) return 0;
    const variantIds = [...new Set(touches.map((touch) => touch.variant_id))];
    const { rows: counts } = await tx.execute<{
      variant_id: string;
      available_count: number;
      can_supply: boolean;
      at: string;
    }>(sql`
      select variant_id, to_char(statement_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
        (select count(*)::int from product_keys k where k.variant_id = touched.variant_id and k.status = 'available') as available_count, supply_can(touched.variant_id, 1) as can_supply
      from unnest(${sql.param(variantIds)}::uuid[]) as touched(variant_id)`);
    await publish(
      tx,
      ...counts.map((row) =>
        stockChanged({
          variantId: row.variant_id,
          availableCount: row.available_count,
          canSupply: row.can_supply,
          at: row.at,
        }),
      ),
    );
    // Only a full batch is followed by the next at once: the pause between is what makes many sales one event.
    return touches.length === batchMax ? touches.length : 0;
  });
}
