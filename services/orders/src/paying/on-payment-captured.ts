import type { Delivered } from '@kelid/contracts/contract';
import type { paymentCaptured } from '@kelid/contracts/events';
import type { Context } from '../context.ts';
import { takeCapture } from './paying.ts';

export async function onPaymentCaptured(ctx: Context, event: Delivered<typeof paymentCaptured>): Promise<void> {
  await takeCapture(ctx, event.id, event.data);
}
