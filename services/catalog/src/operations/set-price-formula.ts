import { eq } from 'drizzle-orm';
import { productNotFound } from '@kelid/contracts/catalog';
import { productChanged } from '@kelid/contracts/events';
import { priceFromRate } from '@kelid/money/price-from-rate';
import { publish } from '@kelid/service/outbox';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { priceFormulas, variants } from '../db/schema.ts';
import { lockPrice, lockRate, writePrice } from '../pricing.ts';

/** The price follows at once when there is a rate, and with the first rate when there is none yet. */
export const setPriceFormula: Operations['setPriceFormula'] = (ctx, { variantId, formula, reason }) =>
  ctx.transaction(async (tx) => {
    const [variant] = await tx
      .select({ productId: variants.productId })
      .from(variants)
      .where(eq(variants.id, variantId));
    if (!variant) throw productNotFound();
    const rate = formula === null ? undefined : await lockRate(tx, formula.currency);
    const own = eq(priceFormulas.variantId, variantId);
    if (formula === null) await tx.delete(priceFormulas).where(own);
    else {
      const values = { ...formula, pricedRateId: rate?.id ?? null };
      await tx
        .insert(priceFormulas)
        .values({ variantId, ...values })
        .onConflictDoUpdate({ target: priceFormulas.variantId, set: values });
    }
    const oldPriceRial = await lockPrice(tx, variantId);
    if (oldPriceRial === undefined) throw productNotFound();
    const priceRial = formula && rate ? priceFromRate(formula, rate.rateRial) : oldPriceRial;
    // Also without another price: that the formula came, changed or went has its reason here.
    await writePrice(tx, {
      variantId,
      oldPriceRial,
      priceRial,
      cause: 'formula',
      inputs: formula && rate ? { ...formula, rateRial: rate.rateRial } : null,
      rateId: rate?.id ?? null,
      reason,
      changedBy: actorName(ctx),
    });
    await publish(tx, productChanged({ productId: variant.productId }));
    return { variantId, priceRial };
  });
