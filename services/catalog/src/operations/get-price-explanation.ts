import { and, eq } from 'drizzle-orm';
import { productNotFound } from '@kelid/contracts/catalog';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';
import { fxRates, fxStates, priceFormulas, products, variants } from '../db/schema.ts';

/** The rate alone: what a variant costs the shop and what it adds are its own business. */
export const getPriceExplanation: Operations['getPriceExplanation'] = async (ctx, { variantId }) => {
  const [row] = await ctx.readDb
    .select({ priceRial: variants.priceRial, rate: fxRates, state: fxStates })
    .from(variants)
    .innerJoin(products, eq(products.id, variants.productId))
    .leftJoin(priceFormulas, eq(priceFormulas.variantId, variants.id))
    .leftJoin(fxRates, eq(fxRates.id, priceFormulas.pricedRateId))
    .leftJoin(fxStates, eq(fxStates.rateId, fxRates.id))
    .where(and(eq(variants.id, variantId), products.isPublished));
  if (!row) throw productNotFound();
  const { priceRial, rate, state } = row;
  return {
    variantId,
    priceRial,
    rate: rate && {
      currency: rate.currency,
      rateRial: rate.rateRial,
      source: rate.source,
      acceptedAt: iso(rate.acceptedAt),
      agreedAt: rate.source === 'market' ? iso(state?.agreedAt ?? null) : null,
    },
  };
};
