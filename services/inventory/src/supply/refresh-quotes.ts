import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { supplierOffers } from '../db/schema.ts';
import { writeQuote } from './routing.ts';

/** Prices and stock of what suppliers sell, asked again when they are old. */
export async function refreshQuotes(ctx: Context): Promise<number> {
  const due = await ctx.db
    .update(supplierOffers)
    .set({ dueAt: sql`now() + make_interval(secs => ${ctx.config.INVENTORY_QUOTE_SECONDS})` })
    .where(
      sql`(variant_id, supplier) in (select variant_id, supplier from supplier_offers where is_enabled and due_at <= now() order by due_at limit 10 for update skip locked)`,
    )
    .returning();
  await Promise.all(
    due.map(async (offer) => {
      const supplier = ctx.suppliers.get(offer.supplier);
      if (supplier?.isUp())
        await writeQuote(ctx, offer, await supplier.quote(offer.productRef, offer.allowsPreOrder, ctx.signal));
    }),
  );
  return due.length;
}
