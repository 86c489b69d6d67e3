import { productChanged } from '@kelid/contracts/events';
import { newId } from '@kelid/service/ids';
import { publish } from '@kelid/service/outbox';
import type { Operations } from '../context.ts';
import { products, variants } from '../db/schema.ts';
import { searchTextOf } from '../domain/search-text.ts';
import { productProblem, refuseWhatStaffDecide, sellerScope } from '../own-product.ts';
import { refusePriceOfSeller } from '../seller-prices.ts';

export const createProduct: Operations['createProduct'] = async (ctx, { variants: newVariants, ...fields }) => {
  const productId = newId();
  const seller = sellerScope(ctx);
  refuseWhatStaffDecide(ctx, fields);
  const rows = newVariants.map((variant, position) => ({ ...variant, id: newId(), productId, position }));
  await ctx
    .transaction(async (tx) => {
      for (const [index, offered] of newVariants.entries())
        await refusePriceOfSeller(ctx, tx, { ...offered, field: `variants.${index}.priceRial` });
      await tx.insert(products).values({
        ...fields,
        ...(seller === undefined ? {} : { isPublished: false, review: 'proposed', proposalNumber: 1 }),
        id: productId,
        sellerId: seller ?? null,
        searchText: searchTextOf(fields),
      });
      await tx.insert(variants).values(rows);
      await publish(tx, productChanged({ productId }));
    })
    .catch((error: unknown) => {
      throw productProblem(error);
    });
  return { productId, variants: rows.map(({ id, sku }) => ({ id, sku })) };
};
