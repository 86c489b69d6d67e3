import { and, eq, inArray, isNull, sql, TransactionRollbackError } from 'drizzle-orm';
import { orderFulfilled, orderPaymentRefused, orderRefundDue, orderStatusChanged } from '@kelid/contracts/events';
import { reservationReleased, stockShort } from '@kelid/contracts/inventory';
import type { Tx } from '@kelid/service/context';
import { consumeOnce } from '@kelid/service/inbox';
import { failpoint } from '@kelid/service/failpoint';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { retakeCoupons } from '../coupons/coupons.ts';
import {
  findOrder,
  findOrderWithLines,
  listLines,
  moveOrder,
  type OrderRow,
  type OrderWithLines,
  stockLine,
} from '../orders/orders.ts';
import { orderLines, orders } from '../db/schema.ts';
import { sellersOf } from '../fulfilling/sellers.rules.ts';
import { undeliveredRial } from '../fulfilling/refunds.rules.ts';
import { eventLine, markPaid } from '../fulfilling/paid.ts';
import { continueCheckout } from '../placing/placing.ts';

export interface Capture {
  attemptId: string;
  orderId: string;
  amountRial: number;
  capturedAt: string;
}

/** How long a revived hold waits for its capture to be told. */
const revivalMinutes = 5;

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

/** Takes a capture in: the order is paid, once, or its money is refused and becomes the customer's. Never neither (A65). */
export async function takeCapture(ctx: Context, eventId: string, capture: Capture): Promise<void> {
  const { orderId, attemptId } = capture;
  const found = await findOrderWithLines(ctx.db, orderId);
  if (!found) throw new Error('A capture names an order that is not here');
  const { order } = found;
  // What the wallet pays whole is captured while the checkout is still being written down: its last step is taken here first.
  if (order.status === 'placing') await continueCheckout(ctx, found);
  // The hold ran out while the bank, a person and the queue worked. The money is captured, so the order is revived if its stock can be.
  if (order.status === 'expired' || order.status === 'review') await revive(ctx, found);

  await consumeOnce(ctx, eventId, 'orders', async (tx) => {
    const isExact = order.totalRial === capture.amountRial;
    const [payable] = isExact
      ? await tx
          .select({ id: orders.id })
          .from(orders)
          .where(
            and(
              eq(orders.id, orderId),
              sql`${orders.paidAttemptId} is null`,
              sql`(${orders.status} = 'pending_payment' or (${orders.status} in ('expired', 'review') and ${orders.holdExpiresAt} > now()))`,
            ),
          )
          .for('no key update')
      : [];
    if (!payable || !(await retakeCoupons(tx, orderId))) {
      if (!isExact)
        ctx.log.error(
          {
            orderId,
            attemptId,
            alarm: 'capture-mismatch',
            amountRial: capture.amountRial,
            expectedRial: order.totalRial,
          },
          'a capture differs from its order',
        );
      const now = await findOrder(tx, orderId);
      if (now?.paidAttemptId === attemptId) return;
      await publish(tx, orderPaymentRefused({ orderId, attemptId, customerId: order.customerId }));
      return;
    }
    await markPaid(tx, found, { attemptId, reason: 'captured', actor: 'service:payments' });
  });
  failpoint('orders.paid-committed'); // CP11
  await fulfill(ctx, orderId);
}

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
 * Binds product keys to a paid order's lines and says so. Repeats safely: inventory answers the same keys. Answers whether some units
 * are being bought from suppliers.
 */
export async function fulfill(ctx: Context, orderId: string): Promise<boolean> {
  const found = await findOrderWithLines(ctx.db, orderId);
  if (!found || !['paid', 'fulfilling', 'part_fulfilled'].includes(found.order.status)) return false;
  const { order, lines } = found;
  const bound = await ctx.peers.inventory.fulfillOrder({
    orderId,
    customerId: order.customerId,
    round: order.reservationRound,
    lines: lines.map((line) => ({ ...stockLine(line), unitValueRial: line.unitPriceRial })),
  });
  const deliveredOf = new Map(bound.lines.map((line) => [line.orderLineId, line.keyIds.length]));
  const isWhole = lines.every((line) => deliveredOf.get(line.id) === line.quantity);
  const isPart = bound.lines.some((line) => line.keyIds.length > 0);
  const short = bound.lines.filter((line) => line.missingCount > 0);
  // Every unit that is missing was looked for everywhere and not found: its money goes back.
  const isGivenUp = short.length > 0 && short.every((line) => line.supply === 'failed');

  await ctx.transaction(async (tx) => {
    const move = { orderId, actor: 'service:orders' };
    await moveOrder(tx, { ...move, from: ['paid'], to: 'fulfilling', reason: 'binding product keys' });
    for (const line of lines) {
      const deliveredCount = deliveredOf.get(line.id) ?? 0;
      if (deliveredCount > line.deliveredCount)
        await tx.update(orderLines).set({ deliveredCount }).where(eq(orderLines.id, line.id));
    }
    if (isWhole) {
      const version = await moveOrder(tx, {
        ...move,
        from: ['fulfilling', 'part_fulfilled'],
        to: 'fulfilled',
        reason: 'all product keys delivered',
      });
      if (version === undefined) return; // Another runner of the same step was first.
      await publish(
        tx,
        orderFulfilled({
          orderId,
          orderNumber: order.orderNumber,
          customerId: order.customerId,
          version,
          totalRial: order.totalRial,
          vatRial: order.vatRial,
          sellers: sellersOf(lines),
          contact: order.contact,
          lines: lines.map(eventLine),
          fulfilledAt: ctx.now().toISOString(),
        }),
      );
      return;
    }
    const { orderNumber, customerId, totalRial } = order;
    if (isGivenUp) {
      const version = await moveOrder(tx, {
        ...move,
        from: ['fulfilling', 'part_fulfilled'],
        to: 'refunding',
        reason: 'no supplier could deliver',
      });
      if (version === undefined) return;
      // Its lines are read again under its lock: bad units that went back meanwhile decide whether the fee does.
      const missingOf = new Map(short.map((line) => [line.orderLineId, line.missingCount]));
      const refundRial = undeliveredRial(order, await listLines(tx, orderId), missingOf);
      const ref = { orderId, orderNumber, customerId, version };
      await publish(tx, orderStatusChanged({ ...ref, status: 'refunding' }));
      if (refundRial > 0) await publish(tx, orderRefundDue({ ...ref, refundRial, totalRial }));
      // What a coupon paid for whole was free: payments has nothing to give back and is not asked.
      else await closeUndelivered(tx, order, isPart, { reason: 'nothing was paid for it', actor: move.actor });
      return;
    }
    if (!isPart) return;
    const version = await moveOrder(tx, {
      ...move,
      from: ['fulfilling'],
      to: 'part_fulfilled',
      reason: 'some product keys delivered',
    });
    if (version === undefined) return;
    await publish(
      tx,
      orderStatusChanged({
        orderId,
        orderNumber: order.orderNumber,
        customerId: order.customerId,
        version,
        status: 'part_fulfilled',
      }),
    );
  });
  failpoint('orders.delivered'); // CP15
  return short.some((line) => line.supply === 'open');
}

/** A paid order that its stock did not answer within two minutes goes to a person, with its owner told. */
export async function sendToReview(ctx: Context, orderId: string): Promise<void> {
  const order = await findOrder(ctx.db, orderId);
  if (!order) return;
  await ctx.transaction(async (tx) => {
    const version = await moveOrder(tx, {
      orderId,
      from: ['paid', 'fulfilling', 'part_fulfilled'],
      to: 'review',
      reason: 'not delivered in time',
      actor: 'service:orders',
    });
    if (version === undefined) return;
    await publish(
      tx,
      orderStatusChanged({
        orderId,
        orderNumber: order.orderNumber,
        customerId: order.customerId,
        version,
        status: 'review',
      }),
    );
  });
  ctx.log.error({ orderId, alarm: 'paid-not-delivered' }, 'a paid order was not delivered in time');
}

/** What could not be delivered is settled: the order ends, as refunded when nothing of it was delivered. A second word of it moves nothing. */
export async function closeUndelivered(
  tx: Tx,
  { id: orderId, orderNumber, customerId }: OrderRow,
  isPartDelivered: boolean,
  by: { reason: string; actor: string },
): Promise<void> {
  const status = isPartDelivered ? 'part_refunded' : 'refunded';
  const version = await moveOrder(tx, { orderId, from: ['refunding'], to: status, ...by });
  if (version !== undefined)
    await publish(tx, orderStatusChanged({ orderId, orderNumber, customerId, version, status }));
}
