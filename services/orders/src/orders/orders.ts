import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { type Order, orderNotFound, type OrderStatus, type StaffOrderSummary } from '@kelid/contracts/orders';
import { type Language } from '@kelid/contracts/common';
import type { Db, Tx } from '@kelid/service/context';
import { pageOf } from '@kelid/service/page';
import { coupons, couponUses, orderLines, orders } from '../db/schema.ts';

export type OrderRow = typeof orders.$inferSelect;
export type OrderLineRow = typeof orderLines.$inferSelect;

/** Moves an order if it is in one of these statuses and says when it is due next; answers its new version, or undefined when somebody else moved it. */
export async function moveOrder(
  tx: Tx,
  move: { orderId: string; from: OrderStatus[]; to: OrderStatus; reason: string; actor: string },
): Promise<number | undefined> {
  const from = sql`array[${sql.join(
    move.from.map((status) => sql`${status}`),
    sql`, `,
  )}]::text[]`;
  const { rows } = await tx.execute<{ version: number | null }>(
    sql`select order_move(${move.orderId}, ${from}, ${move.to}, ${move.reason}, ${move.actor}) as version`,
  );
  return rows[0]?.version ?? undefined;
}

export interface OrderWithLines {
  order: OrderRow;
  lines: OrderLineRow[];
}

/** An order and its lines of one moment. */
export async function findOrderWithLines(db: Db | Tx, orderId: string): Promise<OrderWithLines | undefined> {
  const rows = await db
    .select({ order: orders, line: orderLines })
    .from(orders)
    .innerJoin(orderLines, eq(orderLines.orderId, orders.id))
    .where(eq(orders.id, orderId))
    .orderBy(asc(orderLines.position));
  const order = rows[0]?.order;
  return order && { order, lines: rows.map((row) => row.line) };
}

export async function findOrder(db: Db | Tx, orderId: string): Promise<OrderRow | undefined> {
  const [order] = await db.select().from(orders).where(eq(orders.id, orderId));
  return order;
}

/** Another's order and a missing one are the same answer (I25). */
export async function getOwnOrder(db: Db, orderId: string, customerId: string): Promise<OrderRow> {
  const [order] = await db
    .select()
    .from(orders)
    .where(and(eq(orders.id, orderId), eq(orders.customerId, customerId)));
  if (!order) throw orderNotFound();
  return order;
}

/** A line as inventory is asked for it. */
export function stockLine({ id, variantId, quantity, gameAccount }: OrderLineRow) {
  return { orderLineId: id, variantId, quantity, ...(gameAccount ? { gameAccount } : {}) };
}

export function listLines(db: Db | Tx, orderId: string): Promise<OrderLineRow[]> {
  return db.select().from(orderLines).where(eq(orderLines.orderId, orderId)).orderBy(asc(orderLines.position));
}

export function iso(value: string): string;
export function iso(value: string | null): string | null;
export function iso(value: string | null): string | null {
  return value === null ? null : new Date(value).toISOString();
}

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
