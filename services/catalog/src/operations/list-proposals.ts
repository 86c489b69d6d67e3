import { and, desc, eq, inArray, isNotNull, lt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { products, variants } from '../db/schema.ts';
import { readCursor, writeCursor } from '../domain/cursor.ts';
import { sellerScope } from '../own-product.ts';

export const listProposals: Operations['listProposals'] = async (ctx, { review, limit, cursor }) => {
  const before = cursor === undefined ? undefined : readCursor(cursor, 'proposals', 'text').id;
  const seller = sellerScope(ctx);
  const rows = await ctx.db
    .select()
    .from(products)
    .where(
      and(
        isNotNull(products.sellerId),
        seller === undefined ? undefined : eq(products.sellerId, seller),
        review === undefined ? undefined : eq(products.review, review),
        before === undefined ? undefined : lt(products.id, before),
      ),
    )
    .orderBy(desc(products.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit, ({ id }) =>
    writeCursor({ sort: 'proposals', value: '', id }),
  );
  const productIds = shown.map(({ id }) => id);
  const theirs = await ctx.db
    .select()
    .from(variants)
    .where(inArray(variants.productId, productIds))
    .orderBy(variants.position);
  return {
    items: shown.map((row) => ({
      productId: row.id,
      sellerId: row.sellerId ?? '',
      slug: row.slug,
      title: row.title,
      summary: row.summary,
      description: row.description,
      review: row.review,
      note: row.reviewNote,
      proposalNumber: row.proposalNumber,
      isPublished: row.isPublished,
      variants: theirs
        .filter(({ productId }) => productId === row.id)
        .map(({ id, sku, title, priceRial }) => ({ id, sku, title, priceRial })),
    })),
    nextCursor,
  };
};
