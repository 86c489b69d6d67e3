/** Unit prices by variant that were promised to a cart. */
export type Quote = Record<string, number>;

export interface PricedLine {
  variantId: string;
  quantity: number;
  unitPriceRial: number;
}

/** The promised price while the promise holds, today's price for what it does not name. */
export function priceLines<Line extends { variantId: string; quantity: number }>(
  lines: Line[],
  promised: Quote | undefined,
  current: Quote,
): (Line & PricedLine)[] {
  return lines.flatMap((line) => {
    const unitPriceRial = promised?.[line.variantId] ?? current[line.variantId];
    return unitPriceRial === undefined ? [] : [{ ...line, unitPriceRial }];
  });
}
