import { asc, eq } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';
import { getOwnOrder } from './orders.ts';
import { orderHistory } from '../db/schema.ts';

export const getOrderHistory: Operations['getOrderHistory'] = async (ctx, { orderId }) => {
  const order = await getOwnOrder(ctx.db, orderId, requireUser(ctx).userId);
  const rows = await ctx.db
    .select()
    .from(orderHistory)
    .where(eq(orderHistory.orderId, order.id))
    .orderBy(asc(orderHistory.id));
  return { items: rows.map(({ from, to, reason, at }) => ({ from, to, reason, at: iso(at) })), nextCursor: null };
};
