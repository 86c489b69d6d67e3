/** Whole Rial never pass through a fraction or beyond 2^53: such a value is a bug and must stop the request, not be rounded. */
function assertRial(amount: number): number {
  if (!Number.isSafeInteger(amount)) throw new RangeError('An amount of Rial must be a whole number below 2^53');
  return amount;
}

export function multiplyRial(unitPriceRial: number, quantity: number): number {
  return assertRial(assertRial(unitPriceRial) * assertRial(quantity));
}

export function sumRial(amountsRial: readonly number[]): number {
  return amountsRial.reduce((sum, amount) => assertRial(sum + assertRial(amount)), 0);
}

/** A part of an amount in basis points (900 is 9 %), rounded once, half up. */
export function partOfRial(amountRial: number, basisPoints: number): number {
  if (assertRial(amountRial) < 0 || assertRial(basisPoints) < 0) throw new RangeError('A part of less than nothing');
  return assertRial(Number((BigInt(amountRial) * BigInt(basisPoints) + 5_000n) / 10_000n));
}

/**
 * An amount in whole parts that follow the weights and add up to it, to the Rial: what rounding down leaves over goes, one Rial each,
 * to the largest remainders, the first of equal ones first. No part of an amount up to the sum of weights is above its weight.
 */
export function splitRial(amountRial: number, weights: readonly number[]): number[] {
  const amount = BigInt(assertRial(amountRial));
  const sum = BigInt(sumRial(weights));
  if (amount < 0n || weights.some((weight) => weight < 0)) throw new RangeError('Only what is there can be split');
  if (amount === 0n) return weights.map(() => 0);
  if (sum === 0n) throw new RangeError('An amount cannot be split among nobody');
  const shares = weights.map((weight, at) => ({
    at,
    part: (amount * BigInt(weight)) / sum,
    left: (amount * BigInt(weight)) % sum,
  }));
  const over = Number(amount - shares.reduce((given, share) => given + share.part, 0n));
  const luckiest = shares.toSorted((a, b) => (a.left === b.left ? a.at - b.at : a.left > b.left ? -1 : 1));
  const lucky = new Set(luckiest.slice(0, over).map((share) => share.at));
  return shares.map((share) => Number(share.part) + (lucky.has(share.at) ? 1 : 0));
}
