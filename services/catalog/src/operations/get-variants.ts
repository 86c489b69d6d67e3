import { and, eq, inArray, sql } from 'drizzle-orm';
import { stoppedVariants } from '@kelid/service/breaches';
import type { Operations } from '../context.ts';
import { availabilityOf, mediaUrl } from '../db/queries.ts';
import { products, variants } from '../db/schema.ts';

export const getVariants: Operations['getVariants'] = async (ctx, { variantIds }) => {
  if (variantIds.length === 0) return { items: [] };
  const rows = await ctx.db
    .select({
      variant: variants,
      product: products,
      categoryIds: sql<string[]>`(
        with recursive above as (
          select id, parent_id from categories where id = ${products.categoryId}
          union select c.id, c.parent_id from categories c join above on c.id = above.parent_id
        ) select array_agg(id::text) from above)`,
    })
    .from(variants)
    .innerJoin(products, eq(products.id, variants.productId))
    .where(and(inArray(variants.id, variantIds), products.isPublished));
  // What the monitor has stopped is not sold.
  const stopped = await stoppedVariants(ctx.db, variantIds);
  return {
    items: rows
      .filter(({ variant }) => !stopped.includes(variant.id))
      .map(({ variant, product, categoryIds }) => ({
        variantId: variant.id,
        productId: product.id,
        categoryIds,
        productSlug: product.slug,
        sku: variant.sku,
        title: product.title,
        variantTitle: variant.title,
        type: product.type,
        brand: product.brand,
        platform: product.platform,
        region: variant.region,
        faceValue: variant.faceValue,
        faceCurrency: variant.faceCurrency,
        image: product.image === null ? null : mediaUrl(product.image.small),
        priceRial: variant.priceRial,
        availability: availabilityOf(ctx, variant),
        accountRule: product.accountRule,
        releasesOn: variant.releasesOn,
        sellerId: product.sellerId,
        fulfilmentKind: product.accountRule === null ? ('key' as const) : ('top_up' as const),
      })),
  };
};
