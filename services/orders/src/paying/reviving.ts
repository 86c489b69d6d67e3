import { and, eq, inArray, isNull, sql, TransactionRollbackError } from 'drizzle-orm';
import { reservationReleased, stockShort } from '@kelid/contracts/inventory';
import type { Context } from '../context.ts';
import { retakeCoupons } from '../coupons/coupons.ts';
import { orders } from '../db/schema.ts';
import { type OrderWithLines, stockLine } from '../orders/orders.ts';

/** How long a revived hold waits for its capture to be told. */
const revivalMinutes = 5;

/**
 * Whether late money may still pay an order, with stock held for it; what a revival before this one holds is enough. An order whose
 * coupons others have used up meanwhile stays dead.
 */
export async function revive(ctx: Context, found: OrderWithLines): Promise<boolean> {
  const [order] = await ctx.db
    .select({ isHeld: sql<boolean>`${orders.holdExpiresAt} > now()` })
    .from(orders)
    .where(
      and(eq(orders.id, found.order.id), inArray(orders.status, ['expired', 'review']), isNull(orders.paidAttemptId)),
    );
  if (!order || !(await hasCouponsLeft(ctx, found.order.id))) return false;
  return order.isHeld || reserveAgain(ctx, found);
}

/**
 * Reserves the stock of an order whose hold is over again, at the price it was ordered for. Two revivals at once reserve under the same
 * number, which inventory answers with one hold.
 */
async function reserveAgain(ctx: Context, { order, lines }: OrderWithLines): Promise<boolean> {
  const round = order.reservationRound + 1;
  const expiresAt = new Date(ctx.now().getTime() + revivalMinutes * 60_000).toISOString();
  try {
    await ctx.peers.inventory.reserveStock({
      orderId: order.id,
      round,
      expiresAt,
      lines: lines.map(stockLine),
    });
  } catch (error) {
    if (stockShort.is(error) || reservationReleased.is(error)) return false;
    throw error;
  }
  await ctx.db
    .update(orders)
    .set({ reservationRound: round, holdExpiresAt: expiresAt })
    .where(
      and(
        eq(orders.id, order.id),
        inArray(orders.status, ['expired', 'review']),
        eq(orders.reservationRound, order.reservationRound),
      ),
    );
  return true;
}

/** The uses are only tried here: they are taken with the capture, so that a revival whose money never comes keeps none. */
async function hasCouponsLeft(ctx: Context, orderId: string): Promise<boolean> {
  let isLeft = false;
  await ctx
    .transaction(async (tx) => {
      isLeft = await retakeCoupons(tx, orderId);
      tx.rollback();
    })
    .catch((error: unknown) => {
      if (!(error instanceof TransactionRollbackError)) throw error;
    });
  return isLeft;
}
