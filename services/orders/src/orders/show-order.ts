import { asc, eq } from 'drizzle-orm';
import type { z } from 'zod';
import { type Language } from '@kelid/contracts/common';
import { type Order } from '@kelid/contracts/orders';
import type { Db } from '@kelid/service/context';
import { iso } from '@kelid/service/instant';
import { coupons, couponUses } from '../db/schema.ts';
import { listLines, type OrderLineRow, type OrderRow } from './orders.ts';

/** An own order as its page shows it. */
export async function showOrder(db: Db, order: OrderRow, language: Language): Promise<z.input<typeof Order>> {
  const [lines, used] = await Promise.all([
    listLines(db, order.id),
    db
      .select({ code: coupons.code, discountRial: couponUses.discountRial })
      .from(couponUses)
      .innerJoin(coupons, eq(coupons.id, couponUses.couponId))
      .where(eq(couponUses.orderId, order.id))
      .orderBy(asc(coupons.code)),
  ]);
  return {
    id: order.id,
    orderNumber: order.orderNumber,
    status: order.status,
    lines: lines.map((line) => showLine(line, order, language)),
    coupons: used,
    discountRial: order.discountRial,
    vatRial: order.vatRial,
    feeRial: order.feeRial,
    totalRial: order.totalRial,
    contact: order.contact,
    note: order.note,
    placedAt: iso(order.placedAt),
    holdExpiresAt: order.status === 'pending_payment' ? iso(order.holdExpiresAt) : null,
    paidAt: iso(order.paidAt),
    fulfilledAt: iso(order.fulfilledAt),
  };
}

function showLine(line: OrderLineRow, order: OrderRow, language: Language) {
  const isPaid =
    order.paidAttemptId !== null && ['paid', 'fulfilling', 'part_fulfilled', 'review'].includes(order.status);
  return {
    id: line.id,
    variantId: line.variantId,
    productSlug: line.productSlug,
    title: line.title[language],
    variantTitle: line.variantTitle[language],
    region: line.region,
    platform: line.platform,
    image: line.image,
    quantity: line.quantity,
    unitPriceRial: line.unitPriceRial,
    status:
      line.deliveredCount === line.quantity
        ? ('delivered' as const)
        : isPaid
          ? ('securing' as const)
          : ('pending' as const),
    deliveredCount: line.deliveredCount,
    gameAccount: line.gameAccount,
    releasesOn: line.releasesOn,
  };
}
