import type { Delivered } from '@kelid/contracts/contract';
import type { paymentFailed, paymentReviewBegun, paymentSurplus } from '@kelid/contracts/events';
import type { Context } from '../context.ts';
import { followMoney } from './reviewing.ts';

// Each is a hint: payments is asked how things stand now, so the order of such news does not matter (I15).

export async function onPaymentFailed(ctx: Context, event: Delivered<typeof paymentFailed>): Promise<void> {
  await followMoney(ctx, event.data.orderId);
}

export async function onPaymentReviewBegun(ctx: Context, event: Delivered<typeof paymentReviewBegun>): Promise<void> {
  await followMoney(ctx, event.data.orderId);
}

export async function onPaymentSurplus(ctx: Context, event: Delivered<typeof paymentSurplus>): Promise<void> {
  await followMoney(ctx, event.data.orderId);
}
