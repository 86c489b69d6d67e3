import { and, desc } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { showSummary } from '../db/queries.ts';
import { products } from '../db/schema.ts';

export const listFeaturedProducts: Operations['listFeaturedProducts'] = async (ctx, { limit, language }) => {
  const rows = await ctx.readDb
    .select()
    .from(products)
    .where(and(products.isFeatured, products.isPublished))
    .orderBy(desc(products.isInStock), desc(products.id))
    .limit(limit);
  return { items: rows.map((row) => showSummary(row, language)), nextCursor: null };
};
