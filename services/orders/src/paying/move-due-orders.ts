import { and, eq, sql } from 'drizzle-orm';
import { orderExpired } from '@kelid/contracts/events';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { findOrderWithLines, isUnpaidReview, moveOrder, type OrderRow, type OrderWithLines } from '../orders/orders.ts';
import { orders } from '../db/schema.ts';
import { fulfill, sendToReview } from '../fulfilling/fulfilling.ts';
import { abandonCheckout, continueCheckout, leaseSeconds } from '../placing/placing.ts';
import { letGo } from '../orders/let-go.ts';
import { beginReview, followMoney } from './reviewing.ts';

/** After this a paid order that is still not delivered goes to a person: from our own stock, and while suppliers are asked. */
const stockedSecondsMax = 120;
const suppliedSecondsMax = 45 * 60;
/** A pre-order is late when this many days have passed since the day of release. */
const releaseDaysMax = 2;

interface DueOrder {
  id: string;
  ageSeconds: number;
  paidSeconds: number | null;
  [column: string]: unknown;
}

/**
 * Moves on every order whose time has come, whatever it waits for: a checkout that a crash stopped, a hold that ran out, a paid
 * order not yet delivered, a dead order that still holds something. Losing every queue loses nothing, because of this.
 */
export async function moveDueOrders(ctx: Context): Promise<number> {
  // The lease keeps two sweeping processes apart and brings the order back when this one dies.
  const { rows } = await ctx.db.execute<DueOrder>(sql`
    with due as materialized (select id from orders where due_at <= now() order by due_at limit 20 for update skip locked)
    update orders set due_at = now() + make_interval(secs => case status when 'placing' then ${leaseSeconds} else 30 end) from due where orders.id = due.id
    returning orders.id, extract(epoch from now() - placed_at)::float8 as "ageSeconds", extract(epoch from now() - paid_at)::float8 as "paidSeconds"`);
  await Promise.all(
    rows.map(async (due) => {
      const found = await findOrderWithLines(ctx.db, due.id);
      if (found) await moveOn(ctx, found, due);
    }),
  );
  return rows.length;
}

async function moveOn(ctx: Context, found: OrderWithLines, due: DueOrder): Promise<void> {
  const { order } = found;
  switch (order.status) {
    case 'placing':
      if (due.ageSeconds > 120) await abandonCheckout(ctx, order, undefined);
      else await continueCheckout(ctx, found);
      return;
    case 'pending_payment':
      await expire(ctx, order);
      return;
    case 'cancelled':
    case 'expired':
      await letGo(ctx, order, order.status);
      return;
    case 'paid':
    case 'fulfilling':
    case 'part_fulfilled':
      {
        const isSupplied = await fulfill(ctx, order.id);
        if (isSupplied && isComing(ctx, found)) {
          // Inventory tells when it comes; this look is for news that was lost.
          await ctx.db
            .update(orders)
            .set({ dueAt: sql`now() + interval '1 hour'` })
            .where(eq(orders.id, order.id));
          return;
        }
        // Does nothing to an order that was just fulfilled.
        if ((due.paidSeconds ?? 0) > (isSupplied ? suppliedSecondsMax : stockedSecondsMax))
          await sendToReview(ctx, order.id);
      }
      return;
    case 'review':
      if (!isUnpaidReview(order)) {
        await ctx.db.update(orders).set({ dueAt: null }).where(eq(orders.id, order.id));
        return;
      }
      // News tell when it is explained; this look is for news that were lost.
      await followMoney(ctx, order.id);
      await ctx.db
        .update(orders)
        .set({ dueAt: sql`now() + interval '5 minutes'` })
        .where(and(eq(orders.id, order.id), eq(orders.status, 'review')));
      return;
    case 'fulfilled':
    case 'refunding':
    case 'part_refunded':
    case 'refunded':
      await ctx.db.update(orders).set({ dueAt: null }).where(eq(orders.id, order.id));
  }
}

/** Some line waits for its day of release. */
function isComing(ctx: Context, { lines }: OrderWithLines): boolean {
  const latest = new Date(ctx.now().getTime() - releaseDaysMax * 86_400_000).toISOString().slice(0, 10);
  return lines.some((line) => line.deliveredCount < line.quantity && (line.releasesOn ?? '') >= latest);
}

async function expire(ctx: Context, order: OrderRow): Promise<void> {
  // The bank may have its money: then it is not told to be closed before that is known.
  const money = await ctx.peers.payments.getOrderMoney({ orderId: order.id }).catch((error: unknown) => {
    ctx.log.warn(
      { orderId: order.id, err: error },
      'payments cannot say whether an order is paid; the sweep asks again',
    );
  });
  // Captured: its news are on their way, and the lease brings the order back here should they be refused.
  if (!money || money.state === 'captured') return;
  const isExpired = await ctx.transaction(async (tx) => {
    // The hold's own time decides again here: a lease of this sweep is no reason to expire.
    const { rows } = await tx.execute(
      sql`select 1 from orders where id = ${order.id} and status = 'pending_payment' and hold_expires_at <= now() for no key update`,
    );
    if (rows.length === 0) return false;
    if (money.state !== 'settled') {
      await beginReview(tx, order, ['pending_payment']);
      return false;
    }
    const version = await moveOrder(tx, {
      orderId: order.id,
      from: ['pending_payment'],
      to: 'expired',
      reason: 'not paid in time',
      actor: 'service:orders',
    });
    if (version === undefined) return false;
    await publish(
      tx,
      orderExpired({ orderId: order.id, orderNumber: order.orderNumber, customerId: order.customerId, version }),
    );
    return true;
  });
  if (isExpired) await letGo(ctx, order, 'expired');
}
