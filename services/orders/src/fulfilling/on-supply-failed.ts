import type { Delivered } from '@kelid/contracts/contract';
import type { supplyFailed } from '@kelid/contracts/events';
import type { Context } from '../context.ts';
import { fulfill } from './fulfilling.ts';

/** Inventory gives a line up: it is asked for the whole again, and what it says then decides. */
export async function onSupplyFailed(ctx: Context, event: Delivered<typeof supplyFailed>): Promise<void> {
  await fulfill(ctx, event.data.orderId);
}
