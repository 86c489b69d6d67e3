import { sql } from 'drizzle-orm';
import { ownAffair } from '@kelid/contracts/common';
import { orderCancelled, orderStatusChanged } from '@kelid/contracts/events';
import { orderMoveRefused, orderNotFound, type OrderStatus } from '@kelid/contracts/orders';
import { actorName, requireUser } from '@kelid/service/context';
import { publish } from '@kelid/service/outbox';
import type { Operations } from '../context.ts';
import { findOrder, isUnpaidReview, moveOrder } from './orders.ts';
import { letGo } from './let-go.ts';

const from: Record<'review' | 'fulfilling' | 'cancelled', OrderStatus[]> = {
  review: ['paid', 'fulfilling', 'part_fulfilled'],
  fulfilling: ['review'],
  cancelled: ['pending_payment'],
};

/** The moves that a person decides, by `order_move`. An illegal one changes nothing and is logged with who tried it (OR-3). */
export const updateOrderStatus: Operations['updateOrderStatus'] = async (ctx, { orderId, status, reason }) => {
  const order = await findOrder(ctx.db, orderId);
  if (!order) throw orderNotFound();
  const isMoved = await ctx.transaction(async (tx) => {
    const { rows: others } = await tx.execute(
      sql`select id from orders where id = ${orderId} and customer_id <> ${requireUser(ctx).userId} for no key update`,
    );
    if (others.length === 0) throw ownAffair(); // A64
    // Whether it is paid is decided where its payment is, and nothing is delivered before that.
    if (isUnpaidReview(order)) return false;
    const version = await moveOrder(tx, {
      orderId,
      from: from[status],
      to: status,
      reason,
      actor: actorName(ctx),
    });
    if (version === undefined) return false;
    const ref = { orderId, orderNumber: order.orderNumber, customerId: order.customerId, version };
    await publish(
      tx,
      status === 'cancelled' ? orderCancelled({ ...ref, reason: 'staff' }) : orderStatusChanged({ ...ref, status }),
    );
    return true;
  });
  if (!isMoved) {
    ctx.log.warn(
      { orderId, from: order.status, to: status, actor: actorName(ctx) },
      'an illegal move of an order was refused',
    );
    throw orderMoveRefused({ from: order.status, to: status });
  }
  if (status === 'cancelled') await letGo(ctx, order, 'cancelled');
  return { orderId, status };
};
