import type { Delivered } from '@kelid/contracts/contract';
import { orderStatusChanged, type paymentRefunded } from '@kelid/contracts/events';
import { consumeOnce } from '@kelid/service/inbox';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { findOrderWithLines, moveOrder, type OrderRow } from '../orders/orders.ts';
import { closeUndelivered } from './fulfilling.ts';

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
