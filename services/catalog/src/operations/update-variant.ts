import { eq } from 'drizzle-orm';
import { productNotFound } from '@kelid/contracts/catalog';
import { productChanged } from '@kelid/contracts/events';
import { publish } from '@kelid/service/outbox';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { products, variants } from '../db/schema.ts';
import { asProposal, isOwn, ownProduct, sellerScope } from '../own-product.ts';
import { setPriceByHand } from '../pricing.ts';
import { refusePriceOfSeller } from '../seller-prices.ts';

export const updateVariant: Operations['updateVariant'] = async (
  ctx,
  { variantId, reason = null, priceRial, ...changes },
) => {
  const [variant] = await ctx.db
    .select({ productId: variants.productId, faceValue: variants.faceValue, faceCurrency: variants.faceCurrency })
    .from(variants)
    .where(eq(variants.id, variantId));
  if (!variant) throw productNotFound();
  await ownProduct(ctx, variant.productId);
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const hasWords = Object.keys(given).length > 0;
  if (!hasWords && priceRial === undefined) return { variantId };
  await ctx.transaction(async (tx) => {
    if (priceRial !== undefined) {
      await refusePriceOfSeller(ctx, tx, { ...variant, ...given, field: 'priceRial', variantId, priceRial });
      await setPriceByHand(tx, { variantId, priceRial, reason, changedBy: actorName(ctx) });
    }
    if (hasWords) await tx.update(variants).set(given).where(eq(variants.id, variantId));
    if (hasWords && sellerScope(ctx) !== undefined)
      await tx.update(products).set(asProposal(ctx)).where(isOwn(ctx, variant.productId));
    await publish(tx, productChanged({ productId: variant.productId }));
  });
  return { variantId };
};
