import { sql } from 'drizzle-orm';
import { supplyFailed } from '@kelid/contracts/events';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { procurements, supplierOffers } from '../db/schema.ts';
import { followUp } from './procuring.ts';
import { buyAhead, supplyLine, writeQuote } from './routing.ts';

// Each job leases its rows for a while: two processes never work on one row, and a process that dies gives its rows back.

/** Paid lines that still lack product keys. */
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

/** Nobody sells it in time, or it has cost enough: the order decides what becomes of its money. While a supplier order lives, its line is not given up. */
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

/** Supplier orders whose time has come. */
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

/** Prices and stock of what suppliers sell, asked again when they are old. */
export async function refreshQuotes(ctx: Context): Promise<number> {
  const due = await ctx.db
    .update(supplierOffers)
    .set({ dueAt: sql`now() + make_interval(secs => ${ctx.config.INVENTORY_QUOTE_SECONDS})` })
    .where(
      sql`(variant_id, supplier) in (select variant_id, supplier from supplier_offers where is_enabled and due_at <= now() order by due_at limit 10 for update skip locked)`,
    )
    .returning();
  await Promise.all(
    due.map(async (offer) => {
      const supplier = ctx.suppliers.get(offer.supplier);
      if (supplier?.isUp()) await writeQuote(ctx, offer, await supplier.quote(offer.productRef, offer.allowsPreOrder));
    }),
  );
  return due.length;
}

/** Variants below their target stock; what is ordered now is looked at again in the next round. */
export async function keepStock(ctx: Context): Promise<number> {
  const { rows } = await ctx.db.execute<{ variant_id: string }>(sql`
    select distinct variant_id from supplier_offers where is_enabled and not allows_pre_order and target_stock_count > 0 and supply_stock_short(variant_id) > 0 limit 10`);
  await Promise.all(rows.map((row) => buyAhead(ctx, row.variant_id)));
  return 0;
}

/** What is left of each prepaid balance; alarmed once an hour while it is low. */
export async function watchBalances(ctx: Context): Promise<number> {
  for (const [name, supplier] of ctx.suppliers) {
    const balance = await supplier.balance();
    if (balance.kind === 'unknown') continue;
    const isLow = balance.cents < ctx.config.INVENTORY_BALANCE_ALARM_CENTS;
    const { rows } = await ctx.db.execute<{ is_told: boolean }>(sql`
      insert into supplier_states as known (supplier, balance_cents, balance_at, balance_alarm_at) values (${name}, ${balance.cents}, now(), case when ${isLow} then now() end)
      on conflict (supplier) do update set balance_cents = excluded.balance_cents, balance_at = now(),
        balance_alarm_at = case when ${isLow} and coalesce(known.balance_alarm_at < now() - interval '1 hour', true) then now() else known.balance_alarm_at end
      returning balance_alarm_at = now() as is_told`);
    if (rows[0]?.is_told)
      ctx.log.error(
        { supplier: name, balanceCents: balance.cents, alarm: 'supplier-balance-low' },
        'a supplier account is running out',
      );
  }
  return 0;
}
