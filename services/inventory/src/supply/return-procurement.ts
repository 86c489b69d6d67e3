import { and, eq, sql } from 'drizzle-orm';
import { supplyFailed } from '@kelid/contracts/events';
import { procurementNotFound, procurementNotReturnable } from '@kelid/contracts/inventory';
import { publish } from '@kelid/service/outbox';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { procurements } from '../db/schema.ts';

/**
 * For an order that turned out to be fraud before its codes were fetched (3.26). The line is given up first: from then on nobody buys for
 * it. What the supplier does not take back after all is fetched a day later, and goes to stock. `supply_missing` says how many units the
 * line lacks.
 */
export const returnProcurement: Operations['returnProcurement'] = async (ctx, { procurementId, reason }) => {
  const [procurement] = await ctx.db
    .select()
    .from(procurements)
    .where(and(eq(procurements.id, procurementId), eq(procurements.status, 'placed')));
  const supplier = procurement && ctx.suppliers.get(procurement.supplier);
  if (!procurement?.supplierOrderId || !supplier) throw procurementNotFound();
  if (supplier.facts.returnHours === 0) throw procurementNotReturnable();
  const orderId = await ctx.transaction(async (tx) => {
    const [held] = await tx
      .update(procurements)
      .set({
        orderLineId: null,
        reason: `given back: ${reason}`,
        fetchAfter: sql`now() + make_interval(hours => ${supplier.facts.returnHours + 1})`,
        dueAt: sql`now() + interval '10 seconds'`,
      })
      .where(
        sql`${and(eq(procurements.id, procurementId), eq(procurements.status, 'placed'))} and settled_count = 0 and fetch_after > now()`,
      )
      .returning({ id: procurements.id });
    if (!held) throw procurementNotReturnable('Its codes are fetched, or being fetched');
    if (procurement.orderLineId === null) return null;
    const { rows } = await tx.execute<{ order_id: string; missing: number }>(sql`
      update supply_needs set status = 'failed', due_at = null where order_line_id = ${procurement.orderLineId} and status = 'open'
      returning order_id, supply_missing(order_line_id, quantity) as missing`);
    const [need] = rows;
    if (!need) return null;
    const { orderLineId } = procurement;
    await publish(tx, supplyFailed({ orderId: need.order_id, orderLineId, missingCount: need.missing }));
    return need.order_id;
  });
  const answer = await supplier.giveBack(procurement.supplierOrderId);
  ctx.log.warn(
    { procurementId, supplier: procurement.supplier, actor: actorName(ctx), reason, status: answer },
    'a supplier order is given back',
  );
  if (answer === 'refused') throw procurementNotReturnable();
  return { procurementId, orderId };
};
