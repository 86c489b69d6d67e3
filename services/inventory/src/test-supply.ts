import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '@kelid/service/ids';
import { orderOf, startInventory } from './test-inventory.ts';

export type SupplierName = 'codeswholesale' | 'kinguin';
export interface Sold {
  reference: string | null;
  quantity: number;
  chargedCents: number;
  units: { id: string; state: string; code: string }[];
}

/** Inventory beside the simulated suppliers, its background work driven by the test. */
export async function startSupply(
  simulators: { url: string; close(): Promise<void> },
  env: Record<string, string> = {},
) {
  const shop = await startInventory({
    INVENTORY_CODESWHOLESALE_URL: `${simulators.url}/codeswholesale`,
    INVENTORY_CODESWHOLESALE_CLIENT_ID: 'kelid',
    INVENTORY_CODESWHOLESALE_CLIENT_SECRET: 'a secret of the test',
    INVENTORY_CODESWHOLESALE_COMPLAINTS: 'yes',
    INVENTORY_KINGUIN_URL: `${simulators.url}/kinguin/esa/api`,
    INVENTORY_KINGUIN_API_KEY: 'a key of the test',
    INVENTORY_KINGUIN_WEBHOOK_SECRET: 'a webhook secret of the test',
    ...env,
  });

  async function close(): Promise<void> {
    await shop.close();
    await simulators.close();
  }

  /**
   * Lets this many rounds of the background work pass as if hours did: all that waits is due, nobody rests, and who failed may be asked again.
   */
  async function pass(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await shop.sql('inventory', 'update supplier_states set cooldown_until = null');
      await shop.sql('inventory', "update supply_needs set due_at = now() where status = 'open'");
      await shop.sql('inventory', "update procurements set updated_at = updated_at - interval '1 day'");
      await shop.sql('inventory', 'update procurements set due_at = now() where due_at is not null');
      await shop.host.sweep('inventory', 'supply-needs');
      await shop.host.sweep('inventory', 'keep-stock');
      await shop.host.sweep('inventory', 'follow-procurements');
    }
  }

  /** What suppliers did in one test is no reason for the next one to rest, to ask another first, or to have spent the day's money. */
  async function forget(): Promise<void> {
    await control('DELETE', '/faults');
    await shop.sql('inventory', 'update supplier_states set cooldown_until = null');
    await shop.ownerSql('inventory', "update procurements set created_at = created_at - interval '2 days'");
    await shop.ownerSql('inventory', "update supplied_units set at = at - interval '2 days'");
  }

  async function control(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${simulators.url}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  }

  const fault = (place: string, mode: string, more: object = {}) =>
    control('PUT', `/faults/${place}`, { mode, ...more });

  /** A variant without own stock, sold by these suppliers at these prices. */
  async function sell(
    offers: Partial<
      Record<
        SupplierName,
        { price: string; stock?: number; maxCents?: number; /** Sold before its day. */ isPreOrder?: true }
      >
    >,
  ) {
    const variantId = newId();
    const refs: Partial<Record<SupplierName, string>> = {};
    for (const supplier of ['codeswholesale', 'kinguin'] as const) {
      const offer = offers[supplier];
      if (!offer) continue;
      const productRef = supplier === 'kinguin' ? randomUUID().replaceAll('-', '').slice(0, 24) : randomUUID();
      refs[supplier] = productRef;
      await control('PUT', `/suppliers/${supplier}/products/${productRef}`, {
        name: 'Elden Ring',
        platform: 'Steam',
        region: 'WORLDWIDE',
        price: offer.price,
        stock: offer.stock ?? 100,
        isPreOrder: offer.isPreOrder ?? false,
      });
      await shop.inventory().setSupplierOffer({
        supplier,
        sku: variantId,
        productRef,
        unitMaxCents: offer.maxCents ?? 5_000,
        allowsPreOrder: offer.isPreOrder ?? false,
      });
    }
    // A supplier whose last calls failed is left alone for a few seconds, here as in the shop.
    const until = performance.now() + 20_000;
    for (;;) {
      await shop.host.sweep('inventory', 'refresh-quotes');
      const [row] = await shop.sql(
        'inventory',
        'select count(*) filter (where quoted_at is null)::int as missing from supplier_offers where variant_id = $1',
        [variantId],
      );
      if (row?.['missing'] === 0 || performance.now() > until) return { variantId, refs };
      await sleep(100);
      await shop.sql('inventory', 'update supplier_offers set due_at = now() where variant_id = $1', [variantId]);
    }
  }

  async function soldBy(supplier: SupplierName, productRef: string | undefined): Promise<Sold[]> {
    const { items } = (await control('GET', `/suppliers/${supplier}/orders`)) as {
      items: (Sold & { productRef: string })[];
    };
    return items.filter((order) => order.productRef === productRef);
  }

  /** A paid order of one line. */
  async function pay(variantId: string, quantity = 1) {
    const { orderId, round, lines } = orderOf(variantId, quantity);
    const order = { orderId, round, lines, customerId: newId() };
    const look = () => shop.inventory().fulfillOrder(order);
    const [line] = (await look()).lines;
    return { ...order, lineId: order.lines[0]?.orderLineId ?? '', first: line, look };
  }

  const needStatus = async (lineId: string) =>
    (await shop.sql('inventory', 'select status from supply_needs where order_line_id = $1', [lineId]))[0]?.['status'];
  const ordersOf = (lineId: string) =>
    shop.sql(
      'inventory',
      'select id, supplier, status, reason, quantity, settled_count from procurements where order_line_id = $1 order by id',
      [lineId],
    );

  /** Runs the background work until nothing is under way, with waiting times shortened: suppliers hand codes over a moment later. */
  async function work(): Promise<void> {
    const until = performance.now() + 5_000;
    for (;;) {
      await shop.sql(
        'inventory',
        "update procurements set due_at = now() where due_at > now() and status in ('ordering', 'unknown', 'placed', 'received')",
      );
      const moved = [
        await shop.host.sweep('inventory', 'supply-needs'),
        await shop.host.sweep('inventory', 'follow-procurements'),
      ];
      const placed = await shop.sql('inventory', "select 1 from procurements where status = 'placed'");
      if ((placed.length === 0 && moved.every((count) => count === 0)) || performance.now() > until) return;
      await sleep(placed.length === 0 ? 0 : 30);
    }
  }

  /** The text of every product key that was bound to the line. */
  async function codesOf(lineId: string): Promise<string[]> {
    const rows = await shop.sql(
      'inventory',
      'select key_id, order_id, customer_id from key_allocations where order_line_id = $1',
      [lineId],
    );
    return Promise.all(
      rows.map(async (row) => {
        const { code } = await shop.owner(String(row['customer_id'])).revealKey({
          orderId: String(row['order_id']),
          keyId: String(row['key_id']),
        });
        return code ?? '';
      }),
    );
  }

  return { shop, close, forget, control, fault, sell, soldBy, pay, needStatus, ordersOf, work, pass, codesOf };
}
