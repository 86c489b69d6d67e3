import { sql } from 'drizzle-orm';
import type { Delivered } from '@kelid/contracts/contract';
import type { orderRefundDue } from '@kelid/contracts/events';
import type { Context } from '../context.ts';

/**
 * The part of an order that can't be delivered goes to its customer's wallet, the rest is sold, and both is told, in one
 * statement (`payments_refund_order`). So does one unit that was delivered and is bad, where the order's refunds together stay below what
 * one may decide (`payments_refund_unit`). A second delivery posts nothing; more than was captured for this order is refused by the statement.
 */
export async function onOrderRefundDue(ctx: Context, event: Delivered<typeof orderRefundDue>): Promise<void> {
  const { orderId, refundRial, vatRial, sellers, complaintId, decidedBy } = event.data;
  const { rows } = await ctx.db.execute<{ is_refunded: boolean }>(
    complaintId === undefined
      ? sql`select payments_refund_order(${orderId}, ${refundRial}, ${vatRial}, ${JSON.stringify(sellers)}::jsonb) as is_refunded`
      : sql`select payments_refund_unit(${orderId}, ${refundRial}, ${complaintId}, ${decidedBy ?? 'service:orders'}, ${ctx.config.PAYMENTS_TWO_PEOPLE_ABOVE_RIAL}) as is_refunded`,
  );
  if (rows[0]?.is_refunded) ctx.wakeRelay();
}
