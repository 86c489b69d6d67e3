/**
 * The Rial price of something that costs `costMinor` hundredths of a currency, at a rate in Rial per whole unit, with a margin in
 * basis points, rounded up to a friendly step. Whole numbers all the way: BigInt inside, no float.
 */
export function priceFromRate(options: {
  costMinor: number;
  rateRial: number;
  marginBasisPoints: number;
  stepRial: number;
}): number {
  const exact = BigInt(options.costMinor) * BigInt(options.rateRial) * BigInt(10_000 + options.marginBasisPoints);
  const divisor = 100n * 10_000n;
  const step = BigInt(options.stepRial);
  const steps = (exact + divisor * step - 1n) / (divisor * step);
  const price = Number(steps * step);
  if (!Number.isSafeInteger(price)) throw new RangeError('The price is beyond 2^53 Rial');
  return price;
}
