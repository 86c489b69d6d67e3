import type { Operations } from '../context.ts';
import { pageOrders } from './page-orders.ts';

export const listAllOrders: Operations['listAllOrders'] = (ctx, input) => pageOrders(ctx.db, input);
