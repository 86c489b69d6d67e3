import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { getOwnOrder } from './orders.ts';
import { showOrder } from './show-order.ts';

export const getOrder: Operations['getOrder'] = async (ctx, { orderId, language }) => {
  const order = await getOwnOrder(ctx.db, orderId, requireUser(ctx).userId);
  return showOrder(ctx.db, order, language);
};
