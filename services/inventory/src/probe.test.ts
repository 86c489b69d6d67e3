import { inventoryContract } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import { startHost } from '@kelid/service/host';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inventoryService } from './service.ts';
import { orderOf, startInventory, type TestInventory } from './test-inventory.ts';

let shop: TestInventory;
beforeAll(async () => { shop = await startInventory(); });
afterAll(() => shop.close());

async function buy(variantId: string, customerId: string, quantity = 1) {
  const order = orderOf(variantId, quantity);
  await shop.inventory().reserveStock(order);
  const answer = await shop.inventory().fulfillOrder({ orderId: order.orderId, customerId, round: 1, lines: order.lines });
  return answer.lines[0]?.keyIds[0] ?? '';
}

test('a: newest first by delivery', async () => {
  const owner = userActor();
  const me = owner.kind === 'user' ? owner.userId : '';
  const early = await shop.stockUp(1);
  const late = await shop.stockUp(1);
  const first = await buy(late, me);
  const second = await buy(early, me);
  const { items } = await shop.as(inventoryContract, owner).listOwnKeys({});
  expect(items.map((item) => item.id)).toEqual([second, first]);
});
test('b: bad cursor', async () => {
  await expect(shop.as(inventoryContract, userActor()).listOwnKeys({ cursor: 'x' })).rejects.toMatchObject({ status: 422 });
});
test('b2: bad cursor staff', async () => {
  await expect(shop.as(inventoryContract, userActor(newId(), ['admin'])).listDigitalKeys({ cursor: 'x' })).rejects.toMatchObject({ status: 422 });
});
test('c: same import at once', async () => {
  const sku = newId(); const importId = newId();
  const reports = await Promise.all([1, 2, 3].map(() => shop.inventory().importKeys({ sku, label: 'a', codes: ['AAAA-BBBB-0001', 'AAAA-BBBB-0001'], importId })));
  expect(reports[1]).toEqual(reports[0]);
  expect(reports[2]).toEqual(reports[0]);
});
test('c2: repeat gives problems', async () => {
  const sku = newId(); const importId = newId();
  const one = await shop.inventory().importKeys({ sku, label: 'a', codes: ['AAAA-CCCC-0001', 'AAAA-CCCC-0001'], importId });
  expect(await shop.inventory().importKeys({ sku, label: 'a', codes: ['AAAA-CCCC-0001', 'AAAA-CCCC-0001'], importId })).toEqual(one);
});
test('d: last told count', async () => {
  for (let round = 0; round < 10; round += 1) {
    const variant = await shop.stockUp(8);
    await Promise.all(Array.from({ length: 8 }, () => shop.inventory().reserveStock(orderOf(variant))));
    const [last] = await shop.sql('inventory', "select (data->>'availableCount')::int as c from outbox where data->>'variantId' = $1 order by (data->>'at')::timestamptz desc limit 1", [variant]);
    expect(last?.['c']).toBe(0);
  }
});
test('m: expired keys are told', async () => {
  const variant = await shop.stockUp(1, { expiresAt: new Date(Date.now() + 100_000).toISOString() });
  await shop.sql('inventory', "update product_keys set expires_at = now() - interval '1 s' where variant_id = $1", [variant]);
  expect(await shop.host.sweep('inventory', 'expire-keys')).toBe(1);
  const [last] = await shop.sql('inventory', "select (data->>'availableCount')::int as c from outbox where data->>'variantId' = $1 order by (data->>'at')::timestamptz desc limit 1", [variant]);
  expect(last?.['c']).toBe(0);
});
test('e: wrong blind key', async () => {
  await expect(startHost({ services: [inventoryService], env: { ...shop.env, INVENTORY_BLIND_INDEX_KEY: Buffer.alloc(32, 9).toString('base64') } })).rejects.toThrow();
});
test('e2: new kek id', async () => {
  await expect(startHost({ services: [inventoryService], env: { ...shop.env, INVENTORY_KEK: Buffer.alloc(32, 9).toString('base64'), INVENTORY_KEK_ID: 'kek-202701' } })).rejects.toThrow();
});
test('e3: wrong kek', async () => {
  await expect(startHost({ services: [inventoryService], env: { ...shop.env, INVENTORY_KEK: Buffer.alloc(32, 9).toString('base64') } })).rejects.toThrow();
});
test('j: refusals name the variant', async () => {
  const variant = await shop.stockUp(50);
  const got = await Promise.allSettled(Array.from({ length: 200 }, () => shop.inventory().reserveStock(orderOf(variant))));
  const refusals = got.flatMap((r) => (r.status === 'rejected' ? [r.reason.data] : []));
  expect(new Set(refusals.map((r) => JSON.stringify(r)))).toEqual(new Set([JSON.stringify({ variantIds: [variant] })]));
});
test('h: allocation without its key', async () => {
  const variant = await shop.stockUp(1);
  const [key] = await shop.sql('inventory', 'select id from product_keys where variant_id = $1', [variant]);
  await expect(shop.sql('inventory', 'insert into key_allocations (key_id, order_line_id, unit_no, order_id, customer_id, variant_id) values ($1, $2, 1, $2, $2, $3)', [key?.['id'], newId(), variant])).rejects.toThrow();
});
test('g: event loop', async () => {
  let worst = 0; let last = performance.now();
  const timer = setInterval(() => { const now = performance.now(); worst = Math.max(worst, now - last); last = now; }, 5);
  const variant = newId();
  const codes = Array.from({ length: 100_000 }, (_, i) => `ABCDE-${String(i).padStart(6, '0')}-XYZ`);
  const started = performance.now();
  await shop.inventory().importKeys({ sku: variant, label: 'x', codes });
  clearInterval(timer);
  console.log('import ms', performance.now() - started, 'worst stall', worst);
  const t = performance.now();
  await shop.counts(variant);
  console.log('getStock ms', performance.now() - t);
  await shop.ownerSql('inventory', 'analyze product_keys');
  console.log(await shop.sql('inventory', `explain analyze select variant_id, count(*) filter (where status = 'available') from product_keys where variant_id in ('${newId()}') group by 1`));
  console.log(await shop.brokenInvariants());
}, 60000);
