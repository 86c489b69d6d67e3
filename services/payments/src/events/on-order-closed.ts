import { orderCancelled, orderExpired } from '@kelid/contracts/events';
import { eventData } from '@kelid/service/define-service';
import type { EventEnvelope } from '@kelid/service/event-envelope';
import type { Context } from '../context.ts';
import { closeIntentOf } from '../letting-go.ts';

/** A dead order awaits no money. Late or repeated, it changes nothing that was captured: the statement itself knows. */
export async function onOrderClosed(ctx: Context, event: EventEnvelope): Promise<void> {
  const status = event.type === orderExpired.type ? 'expired' : 'cancelled';
  const { orderId } = eventData(event.type === orderExpired.type ? orderExpired : orderCancelled, event);
  await closeIntentOf(ctx, orderId, status);
}
