import { eq } from 'drizzle-orm';
import { productNotFound } from '@kelid/contracts/catalog';
import { productChanged } from '@kelid/contracts/events';
import { publish } from '@kelid/service/outbox';
import type { Operations } from '../context.ts';
import { variants } from '../db/schema.ts';
import { ownProduct } from '../own-product.ts';

export const updateVariant: Operations['updateVariant'] = async (ctx, { variantId, ...changes }) => {
  const [variant] = await ctx.db
    .select({ productId: variants.productId })
    .from(variants)
    .where(eq(variants.id, variantId));
  if (!variant) throw productNotFound();
  await ownProduct(ctx, variant.productId);
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  if (Object.keys(given).length === 0) return { variantId };
  await ctx.transaction(async (tx) => {
    await tx.update(variants).set(given).where(eq(variants.id, variantId));
    await publish(tx, productChanged({ productId: variant.productId }));
  });
  return { variantId };
};
