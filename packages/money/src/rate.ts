/** The middle one; between two of them the half, up to a whole Rial. */
export function medianRial(amountsRial: readonly number[]): number | undefined {
  const sorted = amountsRial.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  if (low === undefined || high === undefined) return undefined;
  return Number((BigInt(low) + BigInt(high) + 1n) / 2n);
}

/** Whether an amount lies more than so many hundredths of a percent away from another. */
export function isFarFrom(amountRial: number, otherRial: number, basisPoints: number): boolean {
  const distance = BigInt(amountRial) - BigInt(otherRial);
  return (distance < 0n ? -distance : distance) * 10_000n > BigInt(otherRial) * BigInt(basisPoints);
}
