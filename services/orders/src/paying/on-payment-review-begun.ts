import type { Delivered } from '@kelid/contracts/contract';
import type { paymentReviewBegun } from '@kelid/contracts/events';
import type { Context } from '../context.ts';
import { followMoney } from './reviewing.ts';

/** A hint: payments is asked how things stand now, so the order of such news does not matter (I15). */
export async function onPaymentReviewBegun(ctx: Context, event: Delivered<typeof paymentReviewBegun>): Promise<void> {
  await followMoney(ctx, event.data.orderId);
}
