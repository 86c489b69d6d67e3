import { and, desc, eq, lt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { refunds } from '../db/schema.ts';
import { showRefund } from './refunds.ts';

export const listRefunds: Operations['listRefunds'] = async (ctx, { orderId, status, limit, cursor }) => {
  const rows = await ctx.db
    .select()
    .from(refunds)
    .where(
      and(
        orderId === undefined ? undefined : eq(refunds.orderId, orderId),
        status === undefined ? undefined : eq(refunds.status, status),
        cursor === undefined ? undefined : lt(refunds.id, cursor),
      ),
    )
    .orderBy(desc(refunds.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return {
    items: shown.map((refund) => showRefund(refund, ctx)),
    nextCursor,
  };
};
