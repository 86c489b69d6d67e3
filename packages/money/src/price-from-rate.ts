/** What makes a price of a cost: every part a whole number, so that the same inputs always give the same Rial. */
export interface PriceFormula {
  /** Hundredths of the currency: cents. */
  costMinor: number;
  marginBasisPoints: number;
  feeRial: number;
  /** Prices are rounded up to a multiple of this: a friendly number of Toman. */
  stepRial: number;
  floorRial: number;
  ceilingRial: number | null;
}

/**
 * cost × rate × (1 + margin) + fees, rounded up to the step, then not below the floor nor above the ceiling; the rate is in Rial per
 * whole unit of the currency. BigInt inside and rounded once, so no part of a Rial is lost on the way.
 */
export function priceFromRate(formula: PriceFormula, rateRial: number): number {
  const divisor = 100n * 10_000n;
  const exact =
    BigInt(formula.costMinor) * BigInt(rateRial) * BigInt(10_000 + formula.marginBasisPoints) +
    BigInt(formula.feeRial) * divisor;
  const step = BigInt(formula.stepRial);
  const steps = (exact + divisor * step - 1n) / (divisor * step);
  const price = Number(steps * step);
  if (!Number.isSafeInteger(price)) throw new RangeError('The price is beyond 2^53 Rial');
  return Math.min(Math.max(price, formula.floorRial), formula.ceilingRial ?? Number.MAX_SAFE_INTEGER);
}
