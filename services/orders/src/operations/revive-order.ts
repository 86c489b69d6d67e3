import { orderNotFound } from '@kelid/contracts/orders';
import type { Operations } from '../context.ts';
import { findOrder } from '../db/queries.ts';
import { reserveAgain } from '../paying.ts';

/** Asked before late money is verified: money that cannot be used is better left to go back by itself. */
export const reviveOrder: Operations['reviveOrder'] = async (ctx, { orderId }) => {
  const order = await findOrder(ctx.db, orderId);
  if (!order) throw orderNotFound();
  if (order.status === 'pending_payment') return { isPayable: true, status: order.status };
  if (order.status !== 'expired') return { isPayable: false, status: order.status };
  return { isPayable: await reserveAgain(ctx, order), status: order.status };
};
