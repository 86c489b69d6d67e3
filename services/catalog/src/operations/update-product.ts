import { eq, sql } from 'drizzle-orm';
import { productNotFound } from '@kelid/contracts/catalog';
import { productChanged } from '@kelid/contracts/events';
import { publish } from '@kelid/service/outbox';
import type { Operations } from '../context.ts';
import { products } from '../db/schema.ts';
import { searchTextOf } from '../domain/search-text.ts';
import { asProposal, isOwn, productProblem, refuseWhatStaffDecide } from '../own-product.ts';

export const updateProduct: Operations['updateProduct'] = async (ctx, { productId, ...changes }) => {
  refuseWhatStaffDecide(ctx, changes);
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  // A seller who only hides a product proposes nothing; showing it again is the staff's.
  const isProposal = Object.keys(given).some((field) => field !== 'isPublished');
  await ctx
    .transaction(async (tx) => {
      const [row] = await tx
        .update(products)
        .set({ ...given, ...(isProposal ? asProposal(ctx) : {}), updatedAt: sql`now()` })
        .where(isOwn(ctx, productId))
        .returning();
      if (!row) throw productNotFound();
      await tx
        .update(products)
        .set({ searchText: searchTextOf(row) })
        .where(eq(products.id, productId));
      await publish(tx, productChanged({ productId }));
    })
    .catch((error: unknown) => {
      throw productProblem(error);
    });
  return { productId };
};
