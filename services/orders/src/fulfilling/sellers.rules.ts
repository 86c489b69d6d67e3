import { multiplyRial, splitRial, sumRial } from '@kelid/money/rial';

interface SoldLine {
  id: string;
  sellerId: string | null;
  quantity: number;
  unitPriceRial: number;
  discountRial: number;
  vatRial: number;
}

/**
 * What of an order stays sold when some units of its lines cannot be delivered: the VAT in it, and what each seller but the shop is owed
 * for it, less discount and without VAT, in Rial. Free units owe nothing.
 */
export function soldOf(
  lines: SoldLine[],
  missingOf: Map<string, number> = new Map(),
): { vatRial: number; sellers: { sellerId: string; amountRial: number }[] } {
  const share = (line: SoldLine, amountRial: number) => {
    const units = splitRial(
      amountRial,
      Array.from({ length: line.quantity }, () => 1),
    );
    return sumRial(units.slice(0, line.quantity - (missingOf.get(line.id) ?? 0)));
  };
  const owed = new Map<string, number>();
  for (const line of lines) {
    if (line.sellerId === null) continue;
    const netRial = share(line, multiplyRial(line.unitPriceRial, line.quantity) - line.discountRial);
    owed.set(line.sellerId, sumRial([owed.get(line.sellerId) ?? 0, netRial]));
  }
  return {
    vatRial: sumRial(lines.map((line) => share(line, line.vatRial))),
    sellers: [...owed].flatMap(([sellerId, amountRial]) => (amountRial > 0 ? [{ sellerId, amountRial }] : [])),
  };
}
