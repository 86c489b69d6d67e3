import { paymentCaptured } from '@kelid/contracts/events';
import { eventData } from '@kelid/service/define-service';
import type { EventEnvelope } from '@kelid/service/event-envelope';
import type { Context } from '../context.ts';
import { takeCapture } from '../paying.ts';

export async function onPaymentCaptured(ctx: Context, event: EventEnvelope): Promise<void> {
  await takeCapture(ctx, event.id, eventData(paymentCaptured, event));
}
