import { eq } from 'drizzle-orm';
import { orderFulfilled, orderRefundDue, orderStatusChanged } from '@kelid/contracts/events';
import type { Tx } from '@kelid/service/context';
import { failpoint } from '@kelid/service/failpoint';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { orderLines } from '../db/schema.ts';
import {
  findOrder,
  findOrderWithLines,
  listLines,
  moveOrder,
  type OrderRow,
  type OrderWithLines,
  stockLine,
} from '../orders/orders.ts';
import { eventLine } from './paid.ts';
import { undeliveredRial } from './refunds.rules.ts';
import { soldOf } from './sellers.rules.ts';

/** A line as inventory answers it: its product keys, and what becomes of those that are missing. */
type BoundLine = Awaited<ReturnType<Context['peers']['inventory']['fulfillOrder']>>['lines'][number];

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
  await ctx.transaction((tx) => recordDelivery(ctx, tx, found, bound.lines));
  failpoint('orders.delivered'); // CP15
  return bound.lines.some((line) => line.missingCount > 0 && line.supply === 'open');
}

/** Counts what each line has got, and moves the order to where that brings it: delivered, in part, or given up. */
async function recordDelivery(
  ctx: Context,
  tx: Tx,
  { order, lines }: OrderWithLines,
  bound: BoundLine[],
): Promise<void> {
  const orderId = order.id;
  await moveOrder(tx, { orderId, from: ['paid'], to: 'fulfilling', reason: 'binding product keys', actor });
  const deliveredOf = new Map(bound.map((line) => [line.orderLineId, line.keyIds.length]));
  for (const line of lines) {
    const deliveredCount = deliveredOf.get(line.id) ?? 0;
    if (deliveredCount > line.deliveredCount)
      await tx.update(orderLines).set({ deliveredCount }).where(eq(orderLines.id, line.id));
  }
  if (lines.every((line) => deliveredOf.get(line.id) === line.quantity)) {
    await endDelivered(ctx, tx, { order, lines });
    return;
  }
  const isPart = bound.some((line) => line.keyIds.length > 0);
  const short = bound.filter((line) => line.missingCount > 0);
  // Every unit that is missing was looked for everywhere and not found: its money goes back.
  if (short.length > 0 && short.every((line) => line.supply === 'failed')) await giveUp(tx, order, short, isPart);
  else if (isPart) await beginPart(tx, order);
}

const actor = 'service:orders';

// Where a move answers no version, another runner of the same step was first.

async function endDelivered(ctx: Context, tx: Tx, { order, lines }: OrderWithLines): Promise<void> {
  const { id: orderId, orderNumber, customerId, totalRial, vatRial, contact } = order;
  const version = await moveOrder(tx, {
    orderId,
    from: ['fulfilling', 'part_fulfilled'],
    to: 'fulfilled',
    reason: 'all product keys delivered',
    actor,
  });
  if (version === undefined) return;
  await publish(
    tx,
    orderFulfilled({
      orderId,
      orderNumber,
      customerId,
      version,
      totalRial,
      vatRial,
      sellers: soldOf(lines).sellers,
      contact,
      lines: lines.map(eventLine),
      fulfilledAt: ctx.now().toISOString(),
    }),
  );
}

async function giveUp(tx: Tx, order: OrderRow, short: BoundLine[], isPart: boolean): Promise<void> {
  const { id: orderId, orderNumber, customerId, totalRial } = order;
  const version = await moveOrder(tx, {
    orderId,
    from: ['fulfilling', 'part_fulfilled'],
    to: 'refunding',
    reason: 'no supplier could deliver',
    actor,
  });
  if (version === undefined) return;
  // Its lines are read again under its lock: bad units that went back meanwhile decide whether the fee does.
  const missingOf = new Map(short.map((line) => [line.orderLineId, line.missingCount]));
  const lines = await listLines(tx, orderId);
  const refundRial = undeliveredRial(order, lines, missingOf);
  const ref = { orderId, orderNumber, customerId, version };
  await publish(tx, orderStatusChanged({ ...ref, status: 'refunding' }));
  if (refundRial > 0) await publish(tx, orderRefundDue({ ...ref, refundRial, totalRial, ...soldOf(lines, missingOf) }));
  // What a coupon paid for whole was free: payments has nothing to give back and is not asked.
  else await closeUndelivered(tx, order, isPart, { reason: 'nothing was paid for it', actor });
}

async function beginPart(tx: Tx, { id: orderId, orderNumber, customerId }: OrderRow): Promise<void> {
  const version = await moveOrder(tx, {
    orderId,
    from: ['fulfilling'],
    to: 'part_fulfilled',
    reason: 'some product keys delivered',
    actor,
  });
  if (version !== undefined)
    await publish(tx, orderStatusChanged({ orderId, orderNumber, customerId, version, status: 'part_fulfilled' }));
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
