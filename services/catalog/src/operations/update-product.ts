import { eq, sql } from 'drizzle-orm';
import { categoryNotFound, slugTaken } from '@kelid/contracts/catalog';
import { productChanged } from '@kelid/contracts/events';
import { sqlState } from '@kelid/service/database';
import { publish } from '@kelid/service/outbox';
import type { Operations } from '../context.ts';
import { products } from '../db/schema.ts';
import { searchTextOf } from '../domain/search-text.ts';
import { ownProduct } from '../own-product.ts';

export const updateProduct: Operations['updateProduct'] = async (ctx, { productId, ...changes }) => {
  await ownProduct(ctx, productId);
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  await ctx
    .transaction(async (tx) => {
      const [row] = await tx
        .update(products)
        .set({ ...given, updatedAt: sql`now()` })
        .where(eq(products.id, productId))
        .returning();
      if (!row) return;
      await tx
        .update(products)
        .set({ searchText: searchTextOf(row) })
        .where(eq(products.id, productId));
      await publish(tx, productChanged({ productId }));
    })
    .catch((error: unknown) => {
      if (sqlState(error) === '23505') throw slugTaken();
      if (sqlState(error) === '23503') throw categoryNotFound();
      throw error;
    });
  return { productId };
};
