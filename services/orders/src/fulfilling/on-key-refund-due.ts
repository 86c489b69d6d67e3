import { eq, sql } from 'drizzle-orm';
import type { Delivered } from '@kelid/contracts/contract';
import { type keyRefundDue, orderRefundDue } from '@kelid/contracts/events';
import { consumeOnce } from '@kelid/service/inbox';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { orderLines } from '../db/schema.ts';
import { findOrderWithLines } from '../orders/orders.ts';
import { badUnitRial } from './refunds.rules.ts';

/** A product key was bad, and a person decided that its money goes back: what was paid for its unit is the customer's again. */
export async function onKeyRefundDue(ctx: Context, event: Delivered<typeof keyRefundDue>): Promise<void> {
  const { orderId, orderLineId, complaintId, decidedBy } = event.data;
  await consumeOnce(ctx, event.id, 'orders', async (tx) => {
    // Units of two lines at the same moment would each find that something is left, and nobody would give the fee back.
    await tx.execute(sql`select 1 from orders where id = ${orderId} for no key update`);
    const counted = await tx
      .update(orderLines)
      .set({ refundedCount: sql`${orderLines.refundedCount} + 1` })
      .where(
        sql`${eq(orderLines.id, orderLineId)} and ${eq(orderLines.orderId, orderId)} and ${orderLines.refundedCount} < ${orderLines.deliveredCount}`,
      )
      .returning({ id: orderLines.id });
    const found = counted.length > 0 && (await findOrderWithLines(tx, orderId));
    if (!found) throw new Error('The line of this refund is not here, or all its units were refunded');
    const { orderNumber, customerId, version, totalRial } = found.order;
    const refundRial = badUnitRial(found.order, found.lines, orderLineId);
    // A unit that a coupon paid for whole was free.
    if (refundRial > 0)
      await publish(
        tx,
        orderRefundDue({ orderId, orderNumber, customerId, version, refundRial, totalRial, complaintId, decidedBy }),
      );
  });
}
