import type { Delivered } from '@kelid/contracts/contract';
import {
  type keyRefundDue,
  type keysAllocated,
  orderRefundDue,
  orderStatusChanged,
  type paymentRefunded,
  type supplyFailed,
} from '@kelid/contracts/events';
import { eq, sql } from 'drizzle-orm';
import { consumeOnce } from '@kelid/service/inbox';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { findOrderWithLines, moveOrder, type OrderRow } from '../orders/orders.ts';
import { orderLines } from '../db/schema.ts';
import { badUnitRial } from './refunds.rules.ts';
import { closeUndelivered, fulfill } from '../paying/paying.ts';

/** Inventory says that it goes on: it is asked for the whole again, so the order of such news does not matter. */
export async function onKeysAllocated(ctx: Context, event: Delivered<typeof keysAllocated>): Promise<void> {
  await fulfill(ctx, event.data.orderId);
}

export async function onSupplyFailed(ctx: Context, event: Delivered<typeof supplyFailed>): Promise<void> {
  await fulfill(ctx, event.data.orderId);
}

/** A product key was bad, and a person decided that its money goes back: what was paid for its unit is the customer's again. */
export async function onKeyRefundDue(ctx: Context, event: Delivered<typeof keyRefundDue>): Promise<void> {
  const { orderId, orderLineId, complaintId, decidedBy } = event.data;
  await consumeOnce(ctx, event.id, 'orders', async (tx) => {
    // Units of two lines at the same moment would each find that something is left, and nobody would give the fee back.
    await tx.execute(sql`select 1 from orders where id = ${orderId} for no key update`);
    const counted = await tx
      .update(orderLines)
      .set({ refundedCount: sql`${orderLines.refundedCount} + 1` })
      .where(
        sql`${eq(orderLines.id, orderLineId)} and ${eq(orderLines.orderId, orderId)} and ${orderLines.refundedCount} < ${orderLines.deliveredCount}`,
      )
      .returning({ id: orderLines.id });
    const found = counted.length > 0 && (await findOrderWithLines(tx, orderId));
    if (!found) throw new Error('The line of this refund is not here, or all its units were refunded');
    const { orderNumber, customerId, version, totalRial } = found.order;
    const refundRial = badUnitRial(found.order, found.lines, orderLineId);
    // A unit that a coupon paid for whole was free.
    if (refundRial > 0)
      await publish(
        tx,
        orderRefundDue({ orderId, orderNumber, customerId, version, refundRial, totalRial, complaintId, decidedBy }),
      );
  });
}

/** The money of what could not be delivered is in the wallet: the order is closed. A second word of it finds nothing to move. */
export async function onPaymentRefunded(ctx: Context, event: Delivered<typeof paymentRefunded>): Promise<void> {
  const { orderId, complaintId, refundId, isWhole } = event.data;
  // One unit of a delivered order was refunded after a complaint: that closes nothing.
  if (complaintId !== undefined) return;
  const found = await findOrderWithLines(ctx.db, orderId);
  if (!found) return;
  const { order, lines } = found;
  if (refundId !== undefined) {
    await closeRefunded(ctx, order, refundId, isWhole ? 'refunded' : 'part_refunded');
    return;
  }
  const isPartDelivered = lines.some((line) => line.deliveredCount > 0);
  const by = { reason: 'refunded to the wallet', actor: 'service:payments' };
  await ctx.transaction((tx) => closeUndelivered(tx, order, isPartDelivered, by));
}

/** Staff gave money of a delivered order back: once for each refund, however often it is told. */
async function closeRefunded(
  ctx: Context,
  order: OrderRow,
  refundId: string,
  status: 'refunded' | 'part_refunded',
): Promise<void> {
  const { id: orderId, orderNumber, customerId } = order;
  await consumeOnce(ctx, refundId, 'refunds', async (tx) => {
    const move = { orderId, actor: 'service:payments', reason: 'refunded by staff' };
    const begun = await moveOrder(tx, { ...move, from: ['fulfilled', 'part_refunded'], to: 'refunding' });
    if (begun === undefined) return;
    const version = await moveOrder(tx, { ...move, from: ['refunding'], to: status });
    if (version === undefined) throw new Error('The order moved although its row was locked');
    await publish(tx, orderStatusChanged({ orderId, orderNumber, customerId, version, status }));
  });
}
