import { desc, lt } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { showCoupon } from '../db/coupons.ts';
import { idOfCursor } from '../db/queries.ts';
import { coupons } from '../db/schema.ts';

export const listCoupons: Operations['listCoupons'] = async (ctx, { limit, cursor }) => {
  const rows = await ctx.db
    .select()
    .from(coupons)
    .where(cursor === undefined ? undefined : lt(coupons.id, idOfCursor(cursor)))
    .orderBy(desc(coupons.id))
    .limit(limit + 1);
  const shown = rows.slice(0, limit);
  return { items: shown.map(showCoupon), nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
};
