import { eq } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { getPublishedProduct, storable } from '../db/queries.ts';
import { products } from '../db/schema.ts';

export const getProductBySlug: Operations['getProductBySlug'] = (ctx, { slug, language }) =>
  getPublishedProduct(ctx, eq(products.slug, storable(slug)), language);
