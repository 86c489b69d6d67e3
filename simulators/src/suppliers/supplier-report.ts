import type { Stock, StockOrder, StockUnit } from './stock.ts';

/** What a test compares with what the shop believes: one item per line of an order, newest first. */
export interface SupplierReport {
  balanceCents: number;
  items: {
    orderId: string;
    reference: string | null;
    status: StockOrder['status'];
    productRef: string;
    name: string;
    quantity: number;
    unitPriceCents: number;
    chargedCents: number;
    orderedAt: string;
    units: { id: string; state: StockUnit['state']; kind: 'text' | 'image'; code: string }[];
  }[];
}

export function reportOf(stock: Stock): SupplierReport {
  const items = [...stock.orders.values()].toReversed().flatMap((order) =>
    order.lines.map((line) => ({
      orderId: order.id,
      reference: order.reference ?? null,
      status: order.status,
      productRef: line.product.ref,
      name: line.product.name,
      quantity: line.quantity,
      unitPriceCents: line.unitPriceCents,
      chargedCents: line.unitPriceCents * line.quantity,
      orderedAt: order.orderedAt.toISOString(),
      units: line.units.map(({ id, state, contentType, serial }) => ({
        id,
        state,
        code: serial,
        kind: contentType === 'text/plain' ? ('text' as const) : ('image' as const),
      })),
    })),
  );
  return { balanceCents: stock.balanceCents, items };
}
