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
