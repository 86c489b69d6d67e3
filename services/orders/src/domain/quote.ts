import { multiplyRial, sumRial } from '@kelid/money/rial';

/** Unit prices by variant that were promised to a cart. */
export type Quote = Record<string, number>;

export interface PricedLine {
  variantId: string;
  quantity: number;
  unitPriceRial: number;
}

/** The promised price while the promise holds, today's price for what it does not name. */
export function priceLines(
  lines: { variantId: string; quantity: number }[],
  promised: Quote | undefined,
  current: Quote,
): PricedLine[] {
  return lines.flatMap(({ variantId, quantity }) => {
    const unitPriceRial = promised?.[variantId] ?? current[variantId];
    return unitPriceRial === undefined ? [] : [{ variantId, quantity, unitPriceRial }];
  });
}

export function totalRial(lines: PricedLine[]): number {
  return sumRial(lines.map((line) => multiplyRial(line.unitPriceRial, line.quantity)));
}
