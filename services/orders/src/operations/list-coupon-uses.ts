import { and, desc, eq, lt } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { idOfCursor, iso } from '../db/queries.ts';
import { couponUses, orders } from '../db/schema.ts';

export const listCouponUses: Operations['listCouponUses'] = async (ctx, { couponId, limit, cursor }) => {
  const rows = await ctx.db
    .select({
      orderId: orders.id,
      orderNumber: orders.orderNumber,
      orderStatus: orders.status,
      customerId: couponUses.customerId,
      discountRial: couponUses.discountRial,
      usedAt: couponUses.usedAt,
      releasedAt: couponUses.releasedAt,
    })
    .from(couponUses)
    .innerJoin(orders, eq(orders.id, couponUses.orderId))
    .where(
      and(
        eq(couponUses.couponId, couponId),
        cursor === undefined ? undefined : lt(couponUses.orderId, idOfCursor(cursor)),
      ),
    )
    .orderBy(desc(couponUses.orderId))
    .limit(limit + 1);
  const shown = rows.slice(0, limit);
  return {
    items: shown.map((use) => ({ ...use, usedAt: iso(use.usedAt), releasedAt: iso(use.releasedAt) })),
    nextCursor: rows.length > limit ? (shown.at(-1)?.orderId ?? null) : null,
  };
};
