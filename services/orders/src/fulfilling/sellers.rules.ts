interface SoldLine {
  sellerId: string | null;
  quantity: number;
  unitPriceRial: number;
  discountRial: number;
}

/** What the lines of each seller but the shop came to, less their discount and without VAT, in Rial. Free lines owe nothing. */
export function sellersOf(lines: SoldLine[]): { sellerId: string; amountRial: number }[] {
  const owed = new Map<string, number>();
  for (const { sellerId, quantity, unitPriceRial, discountRial } of lines)
    if (sellerId !== null) owed.set(sellerId, (owed.get(sellerId) ?? 0) + quantity * unitPriceRial - discountRial);
  return [...owed]
    .filter(([, amountRial]) => amountRial > 0)
    .map(([sellerId, amountRial]) => ({ sellerId, amountRial }));
}
