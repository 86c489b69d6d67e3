import { sql } from 'drizzle-orm';
import { productNotFound } from '@kelid/contracts/catalog';
import type { Operations } from '../context.ts';
import { imageOf } from '../db/queries.ts';
import { products } from '../db/schema.ts';
import { storeImage } from '../images.ts';
import { asProposal, isOwn, ownProduct } from '../own-product.ts';

/** What the file says of its type is not believed: its content decides. */
export const uploadProductImage: Operations['uploadProductImage'] = async (ctx, { productId, contentBase64 }) => {
  await ownProduct(ctx, productId);
  const image = await storeImage(ctx.store, Buffer.from(contentBase64, 'base64'), ['jpeg', 'png', 'webp']);
  const [row] = await ctx.db
    .update(products)
    .set({ image, ...asProposal(ctx), updatedAt: sql`now()` })
    .where(isOwn(ctx, productId))
    .returning();
  const shown = row && imageOf(row, 'fa');
  if (!shown) throw productNotFound();
  return { image: shown };
};
