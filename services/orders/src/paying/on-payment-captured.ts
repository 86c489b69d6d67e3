import { and, eq, sql } from 'drizzle-orm';
import type { Delivered } from '@kelid/contracts/contract';
import { orderPaymentRefused, type paymentCaptured } from '@kelid/contracts/events';
import { failpoint } from '@kelid/service/failpoint';
import { consumeOnce } from '@kelid/service/inbox';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { retakeCoupons } from '../coupons/coupons.ts';
import { orders } from '../db/schema.ts';
import { fulfill } from '../fulfilling/fulfilling.ts';
import { markPaid } from '../fulfilling/paid.ts';
import { findOrder, findOrderWithLines } from '../orders/orders.ts';
import { continueCheckout } from '../placing/placing.ts';
import { revive } from './reviving.ts';

/** Takes a capture in: the order is paid, once, or its money is refused and becomes the customer's. Never neither (A65). */
export async function onPaymentCaptured(ctx: Context, event: Delivered<typeof paymentCaptured>): Promise<void> {
  const { orderId, attemptId, amountRial } = event.data;
  const found = await findOrderWithLines(ctx.db, orderId);
  if (!found) throw new Error('A capture names an order that is not here');
  const { order } = found;
  // What the wallet pays whole is captured while the checkout is still being written down: its last step is taken here first.
  if (order.status === 'placing') await continueCheckout(ctx, found);
  // The hold ran out while the bank, a person and the queue worked. The money is captured, so the order is revived if its stock can be.
  if (order.status === 'expired' || order.status === 'review') await revive(ctx, found);

  await consumeOnce(ctx, event.id, 'orders', async (tx) => {
    const isExact = order.totalRial === amountRial;
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
            amountRial,
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
