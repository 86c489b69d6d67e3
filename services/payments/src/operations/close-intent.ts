import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';

/** A captured intent stays captured: whether its money can be used is for orders to say. What was held of the wallet is free again. */
export const closeIntent: Operations['closeIntent'] = async (ctx, { orderId, status }) => {
  await ctx.db.execute(sql`select payments_close_intent(${orderId}, ${status})`);
  return undefined;
};
