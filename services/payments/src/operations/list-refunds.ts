import { and, desc, eq, lt } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { checkCursor, showRefund } from '../db/queries.ts';
import { refunds } from '../db/schema.ts';

export const listRefunds: Operations['listRefunds'] = async (ctx, { orderId, status, limit, cursor }) => {
  checkCursor(cursor);
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
  const shown = rows.slice(0, limit);
  return {
    items: shown.map((refund) => showRefund(refund, ctx)),
    nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null,
  };
};
