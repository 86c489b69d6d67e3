import { eq, sql } from 'drizzle-orm';
import { couponLimitUsed, couponNotFound } from '@kelid/contracts/orders';
import type { Operations } from '../context.ts';
import { showCoupon } from './coupons.ts';
import { coupons } from '../db/schema.ts';

/** No limit goes below what is used: the row lock keeps `coupon_count_use` waiting meanwhile. */
export const updateCoupon: Operations['updateCoupon'] = async (ctx, { couponId, ...changes }) =>
  ctx.transaction(async (tx) => {
    // Whoever uses the coupon holds this row, so the counts below stay as they are read.
    const [current] = await tx.select().from(coupons).where(eq(coupons.id, couponId)).for('no key update');
    if (!current) throw couponNotFound();
    const { usesMax, customerUsesMax } = changes;
    if (typeof usesMax === 'number' && usesMax < current.usedCount)
      throw couponLimitUsed({ usedCount: current.usedCount });
    if (typeof customerUsesMax === 'number') {
      const { rows } = await tx.execute<{ count: number }>(
        sql`select coalesce(max(used_count), 0) as count from coupon_customers where coupon_id = ${couponId}`,
      );
      const usedCount = rows[0]?.count ?? 0;
      if (customerUsesMax < usedCount) throw couponLimitUsed({ usedCount });
    }
    if (Object.values(changes).every((change) => change === undefined)) return showCoupon(current);
    const [coupon] = await tx.update(coupons).set(changes).where(eq(coupons.id, couponId)).returning();
    if (!coupon) throw new Error('The coupon left although its row was locked');
    return showCoupon(coupon);
  });
