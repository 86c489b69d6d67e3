import { and, eq, sql } from 'drizzle-orm';
import { stockChanged } from '@kelid/contracts/events';
import { eventData } from '@kelid/service/define-service';
import type { EventEnvelope } from '@kelid/service/event-envelope';
import type { Context } from '../context.ts';
import { variants } from '../db/schema.ts';

/** Keeps the newest word on a variant's stock: an older one that arrives later, or twice, changes nothing (I15). */
export async function onStockChanged(ctx: Context, event: EventEnvelope): Promise<void> {
  const { variantId, availableCount, canSupply, at } = eventData(stockChanged, event);
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
