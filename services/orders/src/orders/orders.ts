import { and, asc, eq, sql } from 'drizzle-orm';
import { orderNotFound, type OrderStatus } from '@kelid/contracts/orders';
import type { Db, Tx } from '@kelid/service/context';
import { orderLines, orders } from '../db/schema.ts';

export type OrderRow = typeof orders.$inferSelect;
export type OrderLineRow = typeof orderLines.$inferSelect;

/**
 * `order_move`: moves an order if it is in one of these statuses, writes its history and says when it is due next; `orders_check_move`
 * refuses what is not in `order_moves`. Answers its new version, or undefined when somebody else moved it.
 */
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

/** Coupons take all of it off: payments is never asked about such an order. */
export function isFree({ totalRial }: Pick<OrderRow, 'totalRial'>): boolean {
  return totalRial === 0;
}

/** Unpaid, and nobody can say yet whether its money is there: it awaits no second payment and is not closed either. */
export function isUnpaidReview({ status, paidAttemptId }: Pick<OrderRow, 'status' | 'paidAttemptId'>): boolean {
  return status === 'review' && paidAttemptId === null;
}
