import { and, desc, sql } from 'drizzle-orm';
import { searchKey } from '@kelid/persian/normalize';
import type { Operations } from '../context.ts';
import { showSummary } from '../db/queries.ts';
import { categories, products } from '../db/schema.ts';
import { searchFor } from '../db/search.ts';

export const suggest: Operations['suggest'] = async (ctx, { q, language }) => {
  const search = searchFor(q);
  if (!search) return { products: [], categories: [], didYouMean: null };
  const key = searchKey(q);
  const [found, allCategories] = await Promise.all([
    ctx.readDb
      .select()
      .from(products)
      .where(and(products.isPublished, search.matches))
      .orderBy(desc(search.rank), desc(products.isInStock), products.id)
      .limit(6),
    ctx.readDb.select().from(categories).limit(200),
  ]);
  const near = allCategories
    .filter((category) => searchKey(`${category.title.fa} ${category.title.en}`).includes(key))
    .slice(0, 3);
  // Only what differs from what was typed is a correction.
  const best = found[0]?.title;
  const isLiteral = found.some((row) => row.searchText.includes(key));
  let didYouMean = best && !isLiteral ? best[language] : null;
  if (found.length === 0) {
    const [closest] = await ctx.readDb
      .select({ title: products.title })
      .from(products)
      .where(and(products.isPublished, sql`word_similarity(${key}, ${products.searchText}) > 0.3`))
      .orderBy(sql`word_similarity(${key}, ${products.searchText}) desc`)
      .limit(1);
    didYouMean = closest?.title[language] ?? null;
  }
  return {
    products: found.map((row) => showSummary(row, language)),
    categories: near.map((category) => ({ id: category.id, slug: category.slug, title: category.title[language] })),
    didYouMean,
  };
};
