import { eq } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { getPublishedProduct } from '../db/queries.ts';
import { products } from '../db/schema.ts';

export const getProduct: Operations['getProduct'] = (ctx, { productId, language }) =>
  getPublishedProduct(ctx, eq(products.id, productId), language);
