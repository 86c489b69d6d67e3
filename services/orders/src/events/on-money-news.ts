import { paymentFailed, paymentReviewBegun, paymentSurplus } from '@kelid/contracts/events';
import { eventData } from '@kelid/service/define-service';
import type { EventEnvelope } from '@kelid/service/event-envelope';
import type { Context } from '../context.ts';
import { followMoney } from '../reviewing.ts';

// Each is a hint: payments is asked how things stand now, so the order of such news does not matter (I15).

export async function onPaymentFailed(ctx: Context, event: EventEnvelope): Promise<void> {
  await followMoney(ctx, eventData(paymentFailed, event).orderId);
}

export async function onPaymentReviewBegun(ctx: Context, event: EventEnvelope): Promise<void> {
  await followMoney(ctx, eventData(paymentReviewBegun, event).orderId);
}

export async function onPaymentSurplus(ctx: Context, event: EventEnvelope): Promise<void> {
  await followMoney(ctx, eventData(paymentSurplus, event).orderId);
}
