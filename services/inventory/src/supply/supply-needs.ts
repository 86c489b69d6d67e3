import { sql } from 'drizzle-orm';
import { supplyFailed } from '@kelid/contracts/events';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { supplyLine } from './routing.ts';

/** Paid lines that still lack product keys, each leased for a while: two processes never work on one, and one that dies gives them back. */
export async function supplyNeeds(ctx: Context): Promise<number> {
  const seconds = ctx.config.INVENTORY_SUPPLY_MINUTES * 60;
  const { rows } = await ctx.db.execute<{ order_line_id: string; variant_id: string; is_over: boolean }>(sql`
    with due as materialized (select order_line_id from supply_needs where status = 'open' and due_at <= now() order by due_at limit 20 for update skip locked)
    update supply_needs n set due_at = least(now() + interval '30 seconds', greatest(now() + interval '1 second', n.created_at + make_interval(secs => ${seconds})))
    from due where n.order_line_id = due.order_line_id
    returning n.order_line_id, n.variant_id, n.created_at <= now() - make_interval(secs => ${seconds}) as is_over`);
  await Promise.all(
    rows.map(async (need) => {
      const isOver = need.is_over || (await supplyLine(ctx, need.order_line_id, need.variant_id)).isAtCeiling;
      if (isOver) await giveUp(ctx, need.order_line_id);
    }),
  );
  return rows.length;
}

/**
 * Nobody sells it in time, or it has cost enough: the order decides what becomes of its money. While a supplier order lives, its line is not
 * given up; `supply_missing` says what it lacks.
 */
async function giveUp(ctx: Context, orderLineId: string): Promise<void> {
  await ctx.transaction(async (tx) => {
    const { rows } = await tx.execute<{ order_id: string; missing: number }>(sql`
      update supply_needs set status = 'failed', due_at = null where order_line_id = ${orderLineId} and status = 'open'
        and not exists (select from procurements p where p.order_line_id = ${orderLineId} and p.status in ('ordering', 'unknown', 'placed'))
      returning order_id, supply_missing(order_line_id, quantity) as missing`);
    const [need] = rows;
    if (!need) {
      // Its supplier order decides, and wakes it when it ends.
      await tx.execute(
        sql`update supply_needs set due_at = now() + interval '5 minutes' where order_line_id = ${orderLineId} and status = 'open'`,
      );
      return;
    }
    await publish(tx, supplyFailed({ orderId: need.order_id, orderLineId, missingCount: need.missing }));
  });
}
