import type { Delivered } from '@kelid/contracts/contract';
import { type orderCancelled, orderExpired } from '@kelid/contracts/events';
import type { Context } from '../context.ts';
import { closeIntent } from './close-intent.ts';

/** A dead order awaits no money. Late or repeated, it changes nothing that was captured: the statement itself knows. */
export async function onOrderClosed(
  ctx: Context,
  event: Delivered<typeof orderCancelled | typeof orderExpired>,
): Promise<void> {
  const status = event.type === orderExpired.type ? 'expired' : 'cancelled';
  await closeIntent(ctx, { orderId: event.data.orderId, status });
}
