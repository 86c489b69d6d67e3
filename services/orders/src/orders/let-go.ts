import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { orders } from '../db/schema.ts';
import { isFree, type OrderRow } from './orders.ts';

/** Gives back what a dead order holds elsewhere. Safe to repeat; while a peer is away the order stays due and the sweep repeats it. */
export async function letGo(ctx: Context, order: OrderRow, status: 'expired' | 'cancelled'): Promise<boolean> {
  try {
    await ctx.peers.inventory.releaseStock({ orderId: order.id, round: order.reservationRound });
    if (!isFree(order)) await ctx.peers.payments.closeIntent({ orderId: order.id, status });
    await ctx.db
      .update(orders)
      .set({ dueAt: null })
      .where(sql`${orders.id} = ${order.id} and ${orders.status} in ('cancelled', 'expired')`);
    return true;
  } catch (error) {
    ctx.log.warn({ orderId: order.id, err: error }, 'a dead order still holds something; the sweep lets it go');
    return false;
  }
}
