import { and, eq, sql } from 'drizzle-orm';
import type { PriceCause, PriceInputs, RateCurrency } from '@kelid/contracts/catalog';
import type { Tx } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import { fxRates, fxStates, priceFormulas, priceHistory, variants } from './db/schema.ts';

// Whoever writes a price takes the locks in this order: the currency, the formula, the variant.

export interface PriceChange {
  variantId: string;
  oldPriceRial: number;
  priceRial: number;
  cause: PriceCause;
  inputs: PriceInputs | null;
  rateId: number | null;
  reason: string | null;
  changedBy: string;
}

/** Writes a price with all that made it; a price that is not the old one any more stays. */
export async function writePrice(tx: Tx, change: PriceChange): Promise<void> {
  const { variantId, oldPriceRial, priceRial } = change;
  const written = await tx
    .update(variants)
    .set({ priceRial })
    .where(and(eq(variants.id, variantId), eq(variants.priceRial, oldPriceRial)))
    .returning({ id: variants.id });
  if (written.length > 0) await tx.insert(priceHistory).values({ id: newId(), ...change });
}

/** A price that somebody sets ends the formula: else the next rate would take it away again. */
export async function setPriceByHand(
  tx: Tx,
  change: Pick<PriceChange, 'variantId' | 'priceRial' | 'reason' | 'changedBy'>,
): Promise<void> {
  const { variantId, priceRial } = change;
  await tx
    .select({ id: priceFormulas.variantId })
    .from(priceFormulas)
    .where(eq(priceFormulas.variantId, variantId))
    .for('update');
  const oldPriceRial = await lockPrice(tx, variantId);
  if (oldPriceRial === undefined || oldPriceRial === priceRial) return;
  await tx.delete(priceFormulas).where(eq(priceFormulas.variantId, variantId));
  await writePrice(tx, { ...change, oldPriceRial, cause: 'hand', inputs: null, rateId: null });
}

export async function lockPrice(tx: Tx, variantId: string): Promise<number | undefined> {
  const [variant] = await tx
    .select({ priceRial: variants.priceRial })
    .from(variants)
    .where(eq(variants.id, variantId))
    .for('no key update');
  return variant?.priceRial;
}

/** The rate that prices of a currency follow, with the lock of the currency: until the commit it stays the one. */
export async function lockRate(tx: Tx, currency: RateCurrency): Promise<{ id: number; rateRial: number } | undefined> {
  await tx.execute(sql`select from fx_states where currency = ${currency} for no key update`);
  const [rate] = await tx
    .select({ id: fxRates.id, rateRial: fxRates.rateRial })
    .from(fxStates)
    .innerJoin(fxRates, eq(fxRates.id, fxStates.rateId))
    .where(eq(fxStates.currency, currency));
  return rate;
}

/** Formula and rate as the history keeps them. */
export function inputsOf(formula: typeof priceFormulas.$inferSelect, rateRial: number): PriceInputs {
  const { variantId: _variantId, pricedRateId: _pricedRateId, ...parts } = formula;
  return { ...parts, rateRial };
}
