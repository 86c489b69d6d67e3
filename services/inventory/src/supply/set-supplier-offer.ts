import { sql } from 'drizzle-orm';
import { skuUnknown, supplierUnknown } from '@kelid/contracts/inventory';
import type { Operations } from '../context.ts';
import { supplierOffers } from '../db/schema.ts';

/** The same offer again changes it; its price is asked for at once. */
export const setSupplierOffer: Operations['setSupplierOffer'] = async (ctx, { sku, supplier, ...offer }) => {
  if (!ctx.suppliers.has(supplier)) throw supplierUnknown();
  const { variant } = await ctx.peers.catalog.findVariantBySku({ sku });
  if (!variant) throw skuUnknown();
  const { variantId, brand } = variant;
  await ctx.db
    .insert(supplierOffers)
    .values({ ...offer, variantId, brand, supplier })
    .onConflictDoUpdate({
      target: [supplierOffers.variantId, supplierOffers.supplier],
      // Another product has another price: the old quote is worth nothing.
      set: { ...offer, quoteCents: null, quoteStockCount: 0, quotedAt: null, dueAt: sql`now()` },
    });
  await ctx.db.execute(sql`insert into stock_touches (variant_id) values (${variantId})`);
  return { variantId, supplier };
};
