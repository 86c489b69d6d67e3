import { and, asc, desc, eq, inArray, lt } from 'drizzle-orm';
import type { z } from 'zod';
import { type Language } from '@kelid/contracts/common';
import { type OrderStatus, type StaffOrderSummary } from '@kelid/contracts/orders';
import type { Db } from '@kelid/service/context';
import { iso } from '@kelid/service/instant';
import { pageOf } from '@kelid/service/page';
import { orderLines, orders } from '../db/schema.ts';

/** A page of orders, newest first: UUIDv7 ids sort by time, so the last id is the cursor. */
export async function pageOrders(
  db: Db,
  filter: {
    customerId?: string | undefined;
    status?: OrderStatus | undefined;
    limit: number;
    cursor?: string | undefined;
    language: Language;
  },
): Promise<{ items: z.input<typeof StaffOrderSummary>[]; nextCursor: string | null }> {
  const rows = await db
    .select()
    .from(orders)
    .where(
      and(
        filter.customerId === undefined ? undefined : eq(orders.customerId, filter.customerId),
        filter.status === undefined ? undefined : eq(orders.status, filter.status),
        filter.cursor === undefined ? undefined : lt(orders.id, filter.cursor),
      ),
    )
    .orderBy(desc(orders.id))
    .limit(filter.limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, filter.limit);
  const lines =
    shown.length === 0
      ? []
      : await db
          .select()
          .from(orderLines)
          .where(
            inArray(
              orderLines.orderId,
              shown.map((order) => order.id),
            ),
          )
          .orderBy(asc(orderLines.position));
  return {
    items: shown.map((order) => ({
      id: order.id,
      customerId: order.customerId,
      orderNumber: order.orderNumber,
      status: order.status,
      discountRial: order.discountRial,
      vatRial: order.vatRial,
      feeRial: order.feeRial,
      totalRial: order.totalRial,
      placedAt: iso(order.placedAt),
      lines: lines
        .filter((line) => line.orderId === order.id)
        .map((line) => ({
          id: line.id,
          title: line.title[filter.language],
          quantity: line.quantity,
          image: line.image,
        })),
    })),
    nextCursor,
  };
}
