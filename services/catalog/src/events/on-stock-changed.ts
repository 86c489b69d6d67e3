import { and, eq, sql } from 'drizzle-orm';
import type { Delivered } from '@kelid/contracts/contract';
import type { stockChanged } from '@kelid/contracts/events';
import type { Context } from '../context.ts';
import { variants } from '../db/schema.ts';

/** Keeps the newest word on a variant's stock: an older one that arrives later, or twice, changes nothing (I15). */
export async function onStockChanged(ctx: Context, event: Delivered<typeof stockChanged>): Promise<void> {
  const { variantId, availableCount, canSupply, at } = event.data;
  await ctx.db
    .update(variants)
    .set({ availableCount, canSupply, stockToldAt: at })
    .where(
      and(
        eq(variants.id, variantId),
        sql`(${variants.stockToldAt} is null or ${variants.stockToldAt} < ${at}::timestamptz)`,
      ),
    );
}
