import { orderCancelled } from '@kelid/contracts/events';
import { orderNotCancellable, orderNotFound } from '@kelid/contracts/orders';
import { requireUser } from '@kelid/service/context';
import { publish } from '@kelid/service/outbox';
import type { Operations } from '../context.ts';
import { findOrder, getOwnOrder, moveOrder } from './orders.ts';
import { showOrder } from './show-order.ts';
import { letGo } from './let-go.ts';

/** Only while it is unpaid: `order_move` decides, and `orders_release_coupons` gives the uses of its coupons back. */
export const cancelOrder: Operations['cancelOrder'] = async (ctx, { orderId, language }) => {
  const { userId } = requireUser(ctx);
  const order = await getOwnOrder(ctx.db, orderId, userId);
  // A capture that arrives at this moment either finds the order cancelled, and its money becomes the customer's, or beats us.
  const isCancelled = await ctx.transaction(async (tx) => {
    const version = await moveOrder(tx, {
      orderId,
      from: ['pending_payment'],
      to: 'cancelled',
      reason: 'by the customer',
      actor: `user:${userId}`,
    });
    if (version === undefined) return false;
    await publish(
      tx,
      orderCancelled({ orderId, orderNumber: order.orderNumber, customerId: userId, version, reason: 'customer' }),
    );
    return true;
  });
  const current = await findOrder(ctx.db, orderId);
  if (!current) throw orderNotFound();
  // Cancelled before is what was asked for: the same answer.
  if (!isCancelled && current.status !== 'cancelled') throw orderNotCancellable({ orderId, status: current.status });
  if (isCancelled) await letGo(ctx, current, 'cancelled');
  return showOrder(ctx.db, current, language);
};
