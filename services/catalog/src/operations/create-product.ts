import { categoryNotFound, slugTaken } from '@kelid/contracts/catalog';
import { productChanged } from '@kelid/contracts/events';
import { sqlState } from '@kelid/service/database';
import { newId } from '@kelid/service/ids';
import { publish } from '@kelid/service/outbox';
import type { Operations } from '../context.ts';
import { products, variants } from '../db/schema.ts';
import { searchTextOf } from '../domain/search-text.ts';
import { sellerScope } from '../own-product.ts';

export const createProduct: Operations['createProduct'] = async (ctx, { variants: newVariants, ...fields }) => {
  const productId = newId();
  const rows = newVariants.map((variant, position) => ({ ...variant, id: newId(), productId, position }));
  await ctx
    .transaction(async (tx) => {
      await tx
        .insert(products)
        .values({ ...fields, id: productId, sellerId: sellerScope(ctx) ?? null, searchText: searchTextOf(fields) });
      await tx.insert(variants).values(rows);
      await publish(tx, productChanged({ productId }));
    })
    .catch((error: unknown) => {
      if (sqlState(error) === '23505') throw slugTaken();
      if (sqlState(error) === '23503') throw categoryNotFound();
      throw error;
    });
  return { productId, variants: rows.map(({ id, sku }) => ({ id, sku })) };
};
