import { multiplyRial, splitRial, sumRial } from '@kelid/money/rial';

export interface PaidLine {
  id: string;
  quantity: number;
  unitPriceRial: number;
  discountRial: number;
  vatRial: number;
  deliveredCount: number;
  refundedCount: number;
}
interface PaidOrder {
  status: string;
  feeRial: number;
}

/**
 * What was paid for each unit of a line, with its share of discount and VAT; together exactly what was paid for the line. Bad units take
 * theirs from the front, units that never came from the back, so that no share goes back twice.
 */
export function unitsPaidRial(
  line: Pick<PaidLine, 'quantity' | 'unitPriceRial' | 'discountRial' | 'vatRial'>,
): number[] {
  const paidRial = sumRial([multiplyRial(line.unitPriceRial, line.quantity), -line.discountRial, line.vatRial]);
  return splitRial(
    paidRial,
    Array.from({ length: line.quantity }, () => 1),
  );
}

/** What goes back for units that cannot be delivered. The fee was for the order, so it goes back when nothing is left of it. */
export function undeliveredRial(order: PaidOrder, lines: PaidLine[], missingOf: Map<string, number>): number {
  const missingCount = (line: PaidLine) => missingOf.get(line.id) ?? 0;
  const isWhole = lines.every((line) => missingCount(line) + line.refundedCount === line.quantity);
  const unitsRial = lines.map((line) => sumRial(unitsPaidRial(line).slice(line.quantity - missingCount(line))));
  return sumRial([...unitsRial, isWhole ? order.feeRial : 0]);
}

/** Nothing more will be delivered, and what was missing has gone back. */
const ended = ['fulfilled', 'refunding', 'part_refunded', 'refunded'];

/** What goes back for the bad unit that was just counted. */
export function badUnitRial(order: PaidOrder, lines: PaidLine[], lineId: string): number {
  const line = lines.find(({ id }) => id === lineId);
  const unitRial = line ? (unitsPaidRial(line)[line.refundedCount - 1] ?? 0) : 0;
  const isLast =
    ended.includes(order.status) &&
    lines.every(({ refundedCount, deliveredCount }) => refundedCount === deliveredCount);
  return sumRial([unitRial, isLast ? order.feeRial : 0]);
}
