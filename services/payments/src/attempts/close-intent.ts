import type { Operations } from '../context.ts';
import { closeIntentOf } from './letting-go.ts';

/** A captured intent stays captured: whether its money can be used is for orders to say. What was held of the wallet is free again. */
export const closeIntent: Operations['closeIntent'] = async (ctx, { orderId, status }) => {
  await closeIntentOf(ctx, orderId, status);
  return undefined;
};
