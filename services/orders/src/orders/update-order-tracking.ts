import { eq } from 'drizzle-orm';
import { orderNotFound } from '@kelid/contracts/orders';
import type { Operations } from '../context.ts';
import { orders } from '../db/schema.ts';

export const updateOrderTracking: Operations['updateOrderTracking'] = async (ctx, { orderId, note }) => {
  const [order] = await ctx.db
    .update(orders)
    .set({ note })
    .where(eq(orders.id, orderId))
    .returning({ note: orders.note });
  if (!order) throw orderNotFound();
  return { orderId, note: order.note };
};
