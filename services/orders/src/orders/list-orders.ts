import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { pageOrders } from './page-orders.ts';

export const listOrders: Operations['listOrders'] = (ctx, input) =>
  pageOrders(ctx.db, { ...input, customerId: requireUser(ctx).userId });
