import { eq, sql } from 'drizzle-orm';
import { orderPaid } from '@kelid/contracts/events';
import type { Tx } from '@kelid/service/context';
import { publish } from '@kelid/service/outbox';
import { iso } from '@kelid/service/instant';
import { moveOrder, type OrderLineRow, type OrderWithLines } from '../orders/orders.ts';
import { orders } from '../db/schema.ts';

/**
 * The one step to `paid`, for captured money and for an order that costs nothing. The caller holds the order's row and has seen that it
 * may be paid; `orders_check_move` lets one attempt pay it.
 */
export async function markPaid(
  tx: Tx,
  { order, lines }: OrderWithLines,
  { attemptId, reason, actor }: { attemptId: string; reason: string; actor: string },
): Promise<void> {
  const { id: orderId, orderNumber, customerId, totalRial, contact } = order;
  const [paid] = await tx
    .update(orders)
    .set({ paidAttemptId: attemptId, paidAt: sql`now()` })
    .where(eq(orders.id, orderId))
    .returning({ paidAt: orders.paidAt });
  const version = await moveOrder(tx, {
    orderId,
    from: ['pending_payment', 'expired', 'review'],
    to: 'paid',
    reason,
    actor,
  });
  if (version === undefined || !paid?.paidAt) throw new Error('The order moved although its row was locked');
  const paidAt = iso(paid.paidAt);
  const eventLines = lines.map(eventLine);
  await publish(
    tx,
    orderPaid({ orderId, orderNumber, customerId, version, attemptId, totalRial, contact, lines: eventLines, paidAt }),
  );
}

export function eventLine(line: OrderLineRow) {
  return { orderLineId: line.id, title: line.title, quantity: line.quantity, unitPriceRial: line.unitPriceRial };
}
