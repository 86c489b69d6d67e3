import { and, eq, isNull, sql } from 'drizzle-orm';
import { orderExpired, orderStatusChanged } from '@kelid/contracts/events';
import type { Tx } from '@kelid/service/context';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { findOrder, moveOrder, type OrderRow } from '../orders/orders.ts';
import { orders } from '../db/schema.ts';
import { letGo } from '../orders/let-go.ts';

/**
 * Brings an unpaid order to where its money is, whatever was told of it and in whatever order: into review while only a person can
 * say, out of it when all is explained. After a move payments is asked once more, for news that overtook this one.
 */
export async function followMoney(ctx: Context, orderId: string): Promise<void> {
  for (let look = 1; look <= 2; look += 1) {
    const order = await findOrder(ctx.db, orderId);
    if (!order || order.paidAttemptId !== null) return;
    const { state } = await ctx.peers.payments.getOrderMoney({ orderId });
    let isMoved = false;
    if (state === 'review')
      isMoved = await ctx.transaction((tx) => beginReview(tx, order, ['pending_payment', 'expired']));
    if (state === 'settled') isMoved = await endReview(ctx, order);
    if (!isMoved) return;
  }
}

export async function beginReview(
  tx: Tx,
  { id: orderId, orderNumber, customerId }: OrderRow,
  from: ('pending_payment' | 'expired')[],
): Promise<boolean> {
  const reason = 'the bank has not said what became of its payment';
  const version = await moveOrder(tx, { orderId, from, to: 'review', reason, actor: 'service:payments' });
  if (version !== undefined)
    await publish(tx, orderStatusChanged({ orderId, orderNumber, customerId, version, status: 'review' }));
  return version !== undefined;
}

/** Its money is not there, or is the customer's: it may be paid again while its stock is held, and is over after that. */
async function endReview(ctx: Context, order: OrderRow): Promise<boolean> {
  const { id: orderId, orderNumber, customerId } = order;
  const to = await ctx.transaction(async (tx) => {
    const [unpaid] = await tx
      .select({ isHeld: sql<boolean>`${orders.holdExpiresAt} > now() and ${orders.reservationRound} = 1` })
      .from(orders)
      .where(and(eq(orders.id, orderId), eq(orders.status, 'review'), isNull(orders.paidAttemptId)))
      .for('no key update');
    if (!unpaid) return undefined;
    const status = unpaid.isHeld ? 'pending_payment' : 'expired';
    const version = await moveOrder(tx, {
      orderId,
      from: ['review'],
      to: status,
      reason: 'the payment in review did not pay it',
      actor: 'service:payments',
    });
    if (version === undefined) throw new Error('The order moved although its row was locked');
    const ref = { orderId, orderNumber, customerId, version };
    await publish(tx, unpaid.isHeld ? orderStatusChanged({ ...ref, status }) : orderExpired(ref));
    // What a revival held is let go with the rest.
    if (!unpaid.isHeld)
      await tx
        .update(orders)
        .set({ holdExpiresAt: sql`least(${orders.holdExpiresAt}, now())` })
        .where(eq(orders.id, orderId));
    return status;
  });
  if (to === 'expired') await letGo(ctx, order, 'expired');
  return to !== undefined;
}
