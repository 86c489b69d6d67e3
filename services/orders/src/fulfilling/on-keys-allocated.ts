import type { Delivered } from '@kelid/contracts/contract';
import type { keysAllocated } from '@kelid/contracts/events';
import type { Context } from '../context.ts';
import { fulfill } from './fulfilling.ts';

/** Inventory says that it goes on: it is asked for the whole again, so the order of such news does not matter. */
export async function onKeysAllocated(ctx: Context, event: Delivered<typeof keysAllocated>): Promise<void> {
  await fulfill(ctx, event.data.orderId);
}
