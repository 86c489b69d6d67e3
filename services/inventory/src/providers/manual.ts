import type { SuppliedOrder, Supplier } from './supplier.ts';

/** Any supplier without an interface: an order is placed by being written down, a person gets the codes and types them in. */
export function createManual(): Supplier {
  return {
    name: 'manual',
    facts: {
      title: 'By hand',
      currency: 'EUR',
      unitsPerOrderMax: 20,
      canFetchLate: false,
      returnHours: 0,
      claimHours: 0,
      isByHand: true,
    },
    isUp: () => true,
    quote: () => Promise.resolve({ kind: 'offered', unitPriceCents: 1, stockCount: 1_000 }),
    order: ({ reference, productRef, quantity }) => {
      const order: SuppliedOrder = {
        supplierOrderId: reference,
        reference,
        status: 'open',
        productRef,
        quantity,
        unitPriceCents: 0,
        units: [],
        orderedAt: null,
      };
      return Promise.resolve({ kind: 'placed', order });
    },
    // Nothing was sent anywhere, so an order whose maker died can simply be made again.
    find: () => Promise.resolve({ kind: 'nothing' }),
    fetch: () => Promise.resolve({ kind: 'unknown' }),
    giveBack: () => Promise.resolve('refused'),
    replay: () => Promise.resolve(undefined),
    balance: () => Promise.resolve({ kind: 'unknown' }),
    listProducts: () => Promise.resolve({ kind: 'page', items: [], nextCursor: null }),
  };
}
