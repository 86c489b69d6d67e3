import { and, eq } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { paymentIntents } from '../db/schema.ts';

/** A captured intent stays captured: whether its money can be used is for orders to say. */
export const closeIntent: Operations['closeIntent'] = async (ctx, { orderId, status }) => {
  await ctx.db
    .update(paymentIntents)
    .set({ status })
    .where(and(eq(paymentIntents.orderId, orderId), eq(paymentIntents.status, 'open')));
  return undefined;
};
