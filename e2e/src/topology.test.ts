import { afterAll, beforeAll, expect, test } from 'vitest';
import { kelid, query } from './back-room.ts';
import { type Shop, startShop } from './shop.ts';
import { Shopper } from './shopper.ts';

// One process per service, and two gateways in front of them.
let shop: Shop;
let variantId: string;

beforeAll(async () => {
  shop = await startShop({ shape: 'many', hasSecondGateway: true });
  await kelid(shop, 'demo', 'load');
  const [variant] = await query(
    shop,
    'inventory',
    "select variant_id from product_keys where status = 'available' limit 1",
  );
  variantId = String(variant?.['variant_id']);
}, 120_000);
afterAll(() => shop?.close());

const statusOf = async (path: string) => (await fetch(`${shop.gatewayUrl}/api/v1${path}`)).status;

test('PL-10 GW-1: a purchase whose requests go to one gateway and the other in turn succeeds', async () => {
  const here = await new Shopper(shop).signIn();
  const there = new Shopper({ gatewayUrl: shop.secondGatewayUrl, simulatorsUrl: shop.simulatorsUrl }, here.phone);
  there.accessToken = here.accessToken;
  await there.addToCart(variantId);
  const { orderId, payment } = await here.checkout();
  await there.follow(await there.atBank(payment?.redirectUrl ?? '', 'pay'));
  await here.orderIn(orderId, ['fulfilled']);
  const { items } = await there.inventory.listOrderKeys({ orderId });
  expect((await here.inventory.revealKey({ orderId, keyId: items[0]?.id ?? '' })).code).toMatch(/^DEMO/);
});

test('PL-3: changing a product after it was bought leaves the order’s lines byte for byte as they were', async () => {
  const shopper = await new Shopper(shop).signIn();
  const { orderId } = await shopper.buy(variantId);
  const before = JSON.stringify((await shopper.orders.getOrder({ orderId })).lines);
  await query(
    shop,
    'catalog',
    `update products set title = '{"fa":"نام تازه","en":"A new name"}', slug = slug || '-moved', image = null from variants where variants.product_id = products.id and variants.id = '${variantId}'`,
  );
  await query(shop, 'catalog', `update variants set price_rial = price_rial * 2 where id = '${variantId}'`);
  expect(JSON.stringify((await shopper.orders.getOrder({ orderId })).lines)).toBe(before);
});

test.each([
  ['catalog', '/categories', '/payments/methods'],
  ['orders', '/cart', '/products?limit=2'],
  ['payments', '/payments/methods', '/products?limit=3'],
  ['notifications', undefined, '/products?limit=4'],
])('PL-1: without %s only its own routes answer 503, and they come back with it', async (name, own, others) => {
  await shop.stop(name);
  if (own !== undefined) await expect.poll(() => statusOf(own), { timeout: 10_000 }).toBe(503);
  expect(await statusOf(others)).toBe(200);
  for (const other of shop.processNames.filter((process) => process !== name)) expect(shop.hasEnded(other)).toBe(false);
  await shop.start(name);
  // The breaker of its callers lets a probe through after a while.
  if (own !== undefined) await expect.poll(() => statusOf(own), { timeout: 30_000, interval: 250 }).toBe(200);
});
