import { orderNotFound } from '@kelid/contracts/orders';
import type { Operations } from '../context.ts';
import { findOrderWithLines } from '../orders/orders.ts';
import { revive } from './reviving.ts';

/** Asked before late money is verified: money that cannot be used is better left to go back by itself. Its coupons are tried by `order_retake_coupons`. */
export const reviveOrder: Operations['reviveOrder'] = async (ctx, { orderId }) => {
  const found = await findOrderWithLines(ctx.db, orderId);
  if (!found) throw orderNotFound();
  const { order } = found;
  if (order.status === 'pending_payment') return { isPayable: true, status: order.status };
  return { isPayable: await revive(ctx, found), status: order.status };
};
