import { and, eq, sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { procurements } from '../db/schema.ts';
import type { SuppliedOrder } from '../providers/supplier.ts';
import { end, inSeconds, type Procurement } from './procurement-moves.ts';
import { chargedCents, takePlaced } from './take-order.ts';

/** When an order whose answer was lost is asked for, in seconds after the order; believed missing only after all of them. */
export const lookSeconds = [5, 30, 120];
/** How long one that is believed missing is watched for. */
export const watchHours = 24;

export async function lookFor(ctx: Context, procurement: Procurement): Promise<void> {
  const supplier = ctx.suppliers.get(procurement.supplier);
  if (!supplier) return;
  const answer = await supplier.find(procurement.id, new Date(procurement.createdAt), ctx.signal);
  if (answer.kind === 'found') {
    const [order, ...again] = answer.orders;
    if (order) await takePlaced(ctx, procurement, order);
    // The supplier took one reference twice: what can't be given back is ours, and goes to stock.
    for (const extra of again) await adopt(ctx, procurement, extra);
    return;
  }
  if (answer.kind === 'unknown') {
    await ctx.db
      .update(procurements)
      .set({ dueAt: inSeconds(15) })
      .where(eq(procurements.id, procurement.id));
    return;
  }
  if (procurement.status === 'refused') {
    await ctx.db.update(procurements).set({ dueAt: null }).where(eq(procurements.id, procurement.id));
    return;
  }
  if (procurement.status === 'not_placed') {
    const isOver = procurement.watchUntil === null || new Date(procurement.watchUntil) <= ctx.now();
    await ctx.db
      .update(procurements)
      .set({ dueAt: isOver ? null : inSeconds(600) })
      .where(eq(procurements.id, procurement.id));
    return;
  }
  const looks = procurement.lookCount + 1;
  const next = lookSeconds[looks];
  if (next !== undefined) {
    const after = sql`greatest(now(), ${procurements.createdAt} + make_interval(secs => ${next}))`;
    await ctx.db
      .update(procurements)
      .set({ lookCount: looks, dueAt: after })
      .where(and(eq(procurements.id, procurement.id), eq(procurements.status, 'unknown')));
    return;
  }
  await end(ctx, procurement, 'not_placed', 'the supplier knows of no such order', {
    dueAt: inSeconds(600),
    watchUntil: sql`now() + make_interval(hours => ${watchHours})`,
  });
}

/** A last look after everything came: whether the supplier made two orders of one. */
export async function lookForTwins(ctx: Context, procurement: Procurement): Promise<void> {
  const answer = await ctx.suppliers
    .get(procurement.supplier)
    ?.find(procurement.id, new Date(procurement.createdAt), ctx.signal);
  if (answer?.kind === 'found')
    for (const order of answer.orders)
      if (order.supplierOrderId !== procurement.supplierOrderId) await adopt(ctx, procurement, order);
  const isOver = answer?.kind !== 'unknown' || procurement.lookCount >= 20;
  await ctx.db
    .update(procurements)
    .set({ dueAt: isOver ? null : inSeconds(300), lookCount: procurement.lookCount + 1 })
    .where(and(eq(procurements.id, procurement.id), eq(procurements.status, 'received')));
}

/** A second order under one of our references: kept as one of its own. What is being given back is not fetched, or it could not be. */
async function adopt(ctx: Context, procurement: Procurement, order: SuppliedOrder): Promise<void> {
  const supplier = ctx.suppliers.get(procurement.supplier);
  const isReturning =
    supplier !== undefined &&
    supplier.facts.returnHours > 0 &&
    (await supplier.giveBack(order.supplierOrderId)) === 'asked';
  await ctx.db.execute(sql`
    insert into procurements (id, need_line_id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, at_risk_cents, status, reason, supplier_order_id, unit_price_cents, fetch_after, due_at)
    select uuidv7(), need_line_id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, greatest(quantity::bigint * unit_max_cents, ${chargedCents(order)}),
      'placed', 'taken twice by the supplier', ${order.supplierOrderId}, ${order.unitPriceCents},
      now() + make_interval(hours => ${isReturning ? 25 : 0}), now() + interval '10 seconds'
    from procurements where id = ${procurement.id} on conflict do nothing`);
  ctx.log.error(
    { procurementId: procurement.id, supplier: procurement.supplier, alarm: 'supplier-twice' },
    'a supplier took one reference twice',
  );
}
