import type { Operations } from '../context.ts';
import { pageOrders } from '../db/queries.ts';

export const listAllOrders: Operations['listAllOrders'] = (ctx, input) => pageOrders(ctx.db, input);
