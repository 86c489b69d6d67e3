import pg from 'pg';
import { newId } from '@kelid/service/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orderOf, startInventory, type TestInventory } from '../test-inventory.ts';

let shop: TestInventory;
beforeAll(async () => {
  shop = await startInventory();
});
afterAll(() => shop.close());

async function lastTold(variantId: string): Promise<unknown> {
  await shop.host.sweep('inventory', 'tell-stock');
  const [event] = await shop.sql(
    'inventory',
    `select (data->>'availableCount')::int as count from outbox where type = 'stock.changed' and data->>'variantId' = $1
     order by (data->>'at')::timestamptz desc limit 1`,
    [variantId],
  );
  return event?.['count'];
}

test('KY-10: two buyers who take the last two keys at the same moment leave a shop window that says sold out', async () => {
  const variantId = await shop.stockUp(2);
  expect(await lastTold(variantId)).toBe(2);
  // Neither sees the other's purchase while both are open, so a count made inside either would say that one is left.
  const buyers = [1, 2].map(() => new pg.Client({ connectionString: shop.databaseUrls['inventory']?.appUrl }));
  for (const buyer of buyers) {
    const order = orderOf(variantId);
    await buyer.connect();
    await buyer.query('begin');
    await buyer.query('select * from inventory_reserve($1, $2, 1, $3, $4)', [
      newId(),
      order.orderId,
      order.expiresAt,
      JSON.stringify(order.lines),
    ]);
  }
  for (const buyer of buyers) {
    await buyer.query('commit');
    await buyer.end();
  }
  expect(await lastTold(variantId)).toBe(0);
});

test('KY-10: after sales, releases, expiries and staff moves all at once, the last count told is the count of available keys', async () => {
  const variantId = await shop.stockUp(40);
  const orders = Array.from({ length: 30 }, () => orderOf(variantId));
  await Promise.all(orders.map((order) => shop.inventory().reserveStock(order)));
  await shop.sql(
    'inventory',
    "update reservations set expires_at = now() - interval '1 second' where order_id = any($1)",
    [orders.slice(0, 10).map((order) => order.orderId)],
  );
  await Promise.all([
    shop.host.sweep('inventory', 'expire-reservations'),
    lastTold(variantId),
    ...orders.slice(10, 20).map(({ orderId, round }) => shop.inventory().releaseStock({ orderId, round })),
    ...orders
      .slice(20)
      .map(({ orderId, round, lines }) =>
        shop.inventory().fulfillOrder({ orderId, customerId: newId(), round, lines }),
      ),
    lastTold(variantId),
  ]);
  expect(await shop.counts(variantId)).toEqual({ availableCount: 30, reservedCount: 0, soldCount: 10 });
  expect(await lastTold(variantId)).toBe(30);
  expect(await shop.brokenInvariants()).toEqual([]);
});

test('KY-10: product keys that expire on the shelf leave the shop window', async () => {
  const variantId = await shop.stockUp(1, { expiresAt: new Date(Date.now() + 60_000).toISOString() });
  await shop.sql(
    'inventory',
    "update product_keys set expires_at = now() - interval '1 second' where variant_id = $1",
    [variantId],
  );
  expect(await shop.host.sweep('inventory', 'expire-keys')).toBe(1);
  expect(await lastTold(variantId)).toBe(0);
});

test('many sales of one variant between two looks are told once', async () => {
  const variantId = await shop.stockUp(20);
  await Promise.all(Array.from({ length: 20 }, () => shop.inventory().reserveStock(orderOf(variantId))));
  await shop.host.sweep('inventory', 'tell-stock');
  expect(await shop.sql('inventory', "select 1 from outbox where data->>'variantId' = $1", [variantId])).toHaveLength(
    1,
  );
});
