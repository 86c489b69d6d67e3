import { desc, lt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { showCoupon } from './coupons.ts';
import { coupons } from '../db/schema.ts';

export const listCoupons: Operations['listCoupons'] = async (ctx, { limit, cursor }) => {
  const rows = await ctx.db
    .select()
    .from(coupons)
    .where(cursor === undefined ? undefined : lt(coupons.id, cursor))
    .orderBy(desc(coupons.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return { items: shown.map(showCoupon), nextCursor };
};
