import { and, eq } from 'drizzle-orm';
import { orderCancelled, orderExpired } from '@kelid/contracts/events';
import { eventData } from '@kelid/service/define-service';
import { consumeOnce } from '@kelid/service/inbox';
import type { EventEnvelope } from '@kelid/service/event-envelope';
import type { Context } from '../context.ts';
import { paymentIntents } from '../db/schema.ts';

/** A dead order awaits no money. Late or repeated, it changes nothing that was captured. */
export async function onOrderClosed(ctx: Context, event: EventEnvelope): Promise<void> {
  const status = event.type === orderExpired.type ? 'expired' : 'cancelled';
  const { orderId } = eventData(event.type === orderExpired.type ? orderExpired : orderCancelled, event);
  await consumeOnce(ctx, event.id, 'payments', async (tx) => {
    await tx
      .update(paymentIntents)
      .set({ status })
      .where(and(eq(paymentIntents.orderId, orderId), eq(paymentIntents.status, 'open')));
  });
}
