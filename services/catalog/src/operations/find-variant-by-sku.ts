import { eq } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { storable } from '../db/queries.ts';
import { products, variants } from '../db/schema.ts';

export const findVariantBySku: Operations['findVariantBySku'] = async (ctx, { sku }) => {
  const [row] = await ctx.db
    .select({
      variantId: variants.id,
      brand: products.brand,
      platform: products.platform,
      accountRule: products.accountRule,
    })
    .from(variants)
    .innerJoin(products, eq(products.id, variants.productId))
    .where(eq(variants.sku, storable(sku)));
  return { variant: row ?? null };
};
