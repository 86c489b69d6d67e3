import { and, eq, inArray, sql } from 'drizzle-orm';
import type { RateCurrency } from '@kelid/contracts/catalog';
import { productChanged } from '@kelid/contracts/events';
import { priceFromRate } from '@kelid/money/price-from-rate';
import { failpoint } from '@kelid/service/failpoint';
import { publish } from '@kelid/service/outbox';
import { actorName } from '@kelid/service/context';
import type { Context } from '../context.ts';
import { priceFormulas, variants } from '../db/schema.ts';
import { inputsOf, lockRate, writePrice } from '../pricing.ts';

const batchMax = 50;

/** Prices that were made of an older rate than the one that is followed now, made anew; a batch of one currency at a time. */
export async function repriceVariants(ctx: Context): Promise<number> {
  return ctx.transaction(async (tx) => {
    // Of two processes one takes the currency and the other has nothing to do, so that they never wait for each other's products.
    const { rows } = await tx.execute<{ currency: RateCurrency }>(sql`
      select s.currency from fx_states s
      where exists (select from price_formulas f where f.currency = s.currency and (f.priced_rate_id is null or f.priced_rate_id < s.rate_id) and s.rate_id is not null)
      order by s.currency limit 1 for no key update skip locked`);
    const currency = rows[0]?.currency;
    const rate = currency === undefined ? undefined : await lockRate(tx, currency);
    if (currency === undefined || rate === undefined) return 0;
    const isOlder = sql`(${priceFormulas.pricedRateId} is null or ${priceFormulas.pricedRateId} < ${rate.id})`;
    const batch = await tx
      .select({ formula: priceFormulas, priceRial: variants.priceRial, productId: variants.productId })
      .from(priceFormulas)
      .innerJoin(variants, eq(variants.id, priceFormulas.variantId))
      .where(and(eq(priceFormulas.currency, currency), isOlder))
      .orderBy(variants.productId, variants.id)
      .limit(batchMax)
      .for('no key update');
    const changed = new Set<string>();
    for (const { formula, priceRial: oldPriceRial, productId } of batch) {
      const priceRial = priceFromRate(formula, rate.rateRial);
      if (priceRial === oldPriceRial) continue;
      await writePrice(tx, {
        variantId: formula.variantId,
        oldPriceRial,
        priceRial,
        cause: 'rate',
        inputs: inputsOf(formula, rate.rateRial),
        rateId: rate.id,
        reason: null,
        changedBy: actorName(ctx),
      });
      changed.add(productId);
      failpoint('catalog.before-prices'); // Before the commit: the whole batch is as it was.
    }
    const variantIds = batch.map(({ formula }) => formula.variantId);
    await tx
      .update(priceFormulas)
      .set({ pricedRateId: rate.id })
      .where(and(inArray(priceFormulas.variantId, variantIds), isOlder));
    if (changed.size > 0) await publish(tx, ...[...changed].map((productId) => productChanged({ productId })));
    return batch.length;
  });
}
