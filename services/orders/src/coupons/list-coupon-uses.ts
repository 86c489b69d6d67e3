import { and, desc, eq, lt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';
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
    .where(and(eq(couponUses.couponId, couponId), cursor === undefined ? undefined : lt(couponUses.orderId, cursor)))
    .orderBy(desc(couponUses.orderId))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit, ({ orderId }) => orderId);
  return {
    items: shown.map((use) => ({ ...use, usedAt: iso(use.usedAt), releasedAt: iso(use.releasedAt) })),
    nextCursor,
  };
};
