import { asc, eq, getTableColumns, sql } from 'drizzle-orm';
import type { z } from 'zod';
import type { Coupon } from '@kelid/contracts/orders';
import { toLatinDigits } from '@kelid/persian/digits';
import { cleanText } from '@kelid/persian/normalize';
import type { Db, Tx } from '@kelid/service/context';
import { iso } from '@kelid/service/instant';
import type { CouponState } from './coupon.rules.ts';
import { cartCoupons, coupons } from '../db/schema.ts';

export type CouponRow = typeof coupons.$inferSelect;

/** The one form that codes are stored and compared in: people type Persian digits, small letters and blanks. */
export function codeKey(typed: string): string {
  return toLatinDigits(cleanText(typed)).replaceAll(' ', '').toUpperCase();
}

/** A cart's coupons in the order they were put in, which is the order they work in. */
export function listCartCoupons(db: Db | Tx, cartId: string, customerId: string | null): Promise<CouponState[]> {
  return db
    .select(stateFor(customerId))
    .from(cartCoupons)
    .innerJoin(coupons, eq(coupons.id, cartCoupons.couponId))
    .where(eq(cartCoupons.cartId, cartId))
    .orderBy(asc(cartCoupons.addedAt), asc(coupons.id));
}

export async function findCoupon(
  db: Db | Tx,
  code: string,
  customerId: string | null,
): Promise<CouponState | undefined> {
  const [coupon] = await db
    .select(stateFor(customerId))
    .from(coupons)
    .where(eq(coupons.code, codeKey(code)));
  return coupon;
}

function stateFor(customerId: string | null) {
  return {
    ...getTableColumns(coupons),
    customerUsedCount: sql<number>`coalesce((select m.used_count from coupon_customers m where m.coupon_id = coupons.id and m.customer_id = ${customerId}::uuid), 0)`,
    isRunning: sql<boolean>`(coupons.is_active and now() >= coupons.starts_at and (coupons.ends_at is null or now() < coupons.ends_at))`,
    customerId: sql<string | null>`${customerId}::uuid`,
    hasOrdered: sql<boolean>`exists (select from orders o where o.customer_id = ${customerId}::uuid and o.status not in ('cancelled', 'expired', 'refunded'))`,
  };
}

/** `coupon_take` takes one use for an order that is being placed; the SQL state `couponUsedUp` says that there is none (I12). */
export async function takeCoupon(tx: Tx, couponId: string, orderId: string, discountRial: number): Promise<void> {
  await tx.execute(sql`select coupon_take(${couponId}, ${orderId}, ${discountRial})`);
}

/** `order_retake_coupons` takes the uses of an expired order again, all or none; an order that is not expired still has them. */
export async function retakeCoupons(tx: Tx, orderId: string): Promise<boolean> {
  const { rows } = await tx.execute<{ taken: boolean }>(sql`select order_retake_coupons(${orderId}) as taken`);
  return rows[0]?.taken ?? false;
}

export function showCoupon(coupon: CouponRow): z.input<typeof Coupon> {
  return {
    ...coupon,
    startsAt: iso(coupon.startsAt),
    endsAt: iso(coupon.endsAt),
    createdAt: iso(coupon.createdAt),
  };
}
