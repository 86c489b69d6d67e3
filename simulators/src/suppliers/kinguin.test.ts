import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { kinguinProductId } from './catalogue.ts';
import { startTestSuppliers, type TestSuppliers } from './test-suppliers.ts';

let shop: TestSuppliers;
/** The shop's webhook, keeping what comes. */
const events: {
  type: string | undefined;
  secret: unknown;
  orderExternalId?: string;
  status: string;
  updatedAt: string;
}[] = [];
const listener = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk: Buffer) => (text += chunk.toString()));
  request.on('end', () => {
    const { headers } = request;
    events.push({ ...JSON.parse(text), type: headers['content-type'], secret: headers['x-event-secret'] });
    response.writeHead(204).end();
  });
});
const secret = 'a-secret-of-the-dashboard';
beforeAll(async () => {
  shop = await startTestSuppliers();
  await new Promise<void>((ready) => listener.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/webhook`;
  await shop.call('PUT', '/suppliers/kinguin/webhook', { body: { url, secret } });
});
afterAll(async () => {
  await shop.close();
  listener.close();
});
const knight = kinguinProductId('Hollow Knight');
beforeEach(async () => {
  await shop.sell('kinguin', knight, { price: '8.90', stock: 50 });
  await shop.setBalance('kinguin', 100_000);
});
afterEach(async () => {
  await shop.calm();
});

let lastReference = 0;
const orderOf = (line: Record<string, unknown> = {}) => ({
  products: [{ productId: knight, qty: 1, price: 9.5, keyType: 'text', ...line }],
  orderExternalId: `kelid-${(lastReference += 1)}`,
});
const reported = async (reference: string) =>
  (await shop.report('kinguin')).items.filter((order) => order.reference === reference);
const Placed = z.looseObject({ orderId: z.string().regex(/^[A-Z0-9]{11}$/) });
const place = async (order: ReturnType<typeof orderOf>) =>
  Placed.parse((await shop.kinguin('POST', '/v2/order', order)).body).orderId;
const get = (orderId: string) => shop.kinguin('GET', `/v1/order/${orderId}`);
const search = (reference: string) => shop.kinguin('GET', `/v1/order?orderExternalId=${reference}`);
const completed = (orderId: string) =>
  vi.waitFor(async () => expect(await get(orderId)).toMatchObject({ body: { status: 'completed' } }), 30_000);

test('an order is paid at once, and its keys come after it', async () => {
  const order = orderOf({ qty: 2 });
  const { status, body } = await shop.kinguin('POST', '/v2/order', order);
  expect(status).toBe(201);
  expect(body).toMatchObject({
    status: 'processing',
    orderExternalId: order.orderExternalId,
    totalPrice: 17.8,
    requestTotalPrice: 19,
    paymentPrice: 17.8,
    totalQty: 2,
    isPreorder: false,
    products: [{ productId: knight, qty: 2, price: 8.9, keys: [{ status: 'PENDING' }, { status: 'PENDING' }] }],
  });
  expect(await shop.kinguin('GET', '/v1/balance')).toMatchObject({ body: { balance: 982.2 } });
  const { orderId } = Placed.parse(body);
  expect((await shop.kinguin('GET', `/v2/order/${orderId}/keys`)).body).toEqual([]);

  await completed(orderId);
  expect(await search(order.orderExternalId)).toMatchObject({ body: { item_count: 1, results: [{ orderId }] } });
  const [sold] = await reported(order.orderExternalId);
  const keys = sold?.units.map(({ id, code }) => ({ id, serial: code, type: 'text/plain', productId: knight })) ?? [];
  expect((await shop.kinguin('GET', `/v2/order/${orderId}/keys`)).body).toMatchObject(keys);
  expect((await shop.kinguin('GET', `/v2/order/${orderId}/keys?limit=1&page=2`)).body).toMatchObject(keys.slice(1));
});

test('the same product is bought by its number in the first version of the call', async () => {
  const { body } = await shop.kinguin('GET', `/v2/products/${knight}`);
  const { kinguinId } = z.looseObject({ kinguinId: z.int() }).parse(body);
  expect(body).toMatchObject({ productId: knight, price: 8.9, qty: 50, regionalLimitations: 'Region free' });
  expect((await shop.kinguin('GET', `/v1/products/${kinguinId}`)).body).toEqual(body);
  expect(await shop.kinguin('POST', '/v1/order', { products: [{ kinguinId, qty: 1, price: 8.9 }] })).toMatchObject({
    status: 201,
    body: { products: [{ productId: knight }] },
  });
});

test.each([
  ['a lower price than every offer', { price: 8.89 }, 400, 'ProductUnavailable'],
  ['more than the stock', { productId: kinguinProductId('Half-Life 3') }, 400, 'ProductUnavailable'],
  ['ten of one offer', { qty: 10 }, 400, 'ConstraintViolation'],
  ['no price', { price: undefined }, 400, 'ConstraintViolation'],
])('an order with %s is refused by its kind and costs nothing', async (_what, line, status, kind) => {
  expect(await shop.kinguin('POST', '/v2/order', orderOf(line))).toMatchObject({
    status,
    body: { kind, status, path: '/api/v2/order', method: 'POST', trace: expect.any(String) },
  });
  expect((await shop.report('kinguin')).balanceCents).toBe(100_000);
});

test('without enough balance, or with a wrong key, nothing is sold', async () => {
  await shop.setBalance('kinguin', 889);
  expect(await shop.kinguin('POST', '/v2/order', orderOf())).toMatchObject({ body: { kind: 'InsufficientBalance' } });
  const headers = { 'x-api-key': 'wrong-key' };
  expect(await shop.call('GET', '/kinguin/esa/api/v1/balance', { headers })).toMatchObject({
    status: 401,
    body: { kind: 'Authorization', type: 'Unauthorized' },
  });
});

test('a repeated reference is refused, or in its bad hours taken twice', async () => {
  const order = orderOf();
  await place(order);
  expect(await shop.kinguin('POST', '/v2/order', order)).toMatchObject({
    status: 400,
    body: { kind: 'ConstraintViolation', propertyPath: 'orderExternalId' },
  });
  await shop.fault('kinguin.order', { mode: 'duplicate', count: 1 });
  const doubled = orderOf();
  const orderId = await place(doubled);
  expect(await search(doubled.orderExternalId)).toMatchObject({ body: { item_count: 2, results: [{}, { orderId }] } });
});

test('what is sold out stays in the list and is not found by itself', async () => {
  await shop.sell('kinguin', knight, { price: '8.90', stock: 0 });
  expect(await shop.kinguin('GET', '/v1/products?name=hollow')).toMatchObject({
    body: { item_count: 1, results: [{ productId: knight, qty: 0 }] },
  });
  expect((await shop.kinguin('GET', `/v2/products/${knight}`)).status).toBe(404);
});

test.each([
  ['error', 500, { kind: 'Error' }, []],
  ['error-422', 422, { kind: 'OrderFailed', retryable: false }, []],
  ['html-503', 503, expect.stringContaining('<html>'), []],
  ['too-many', 429, expect.anything(), []],
  ['down', 0, 'no answer', []],
  ['out-of-stock', 400, { kind: 'ProductUnavailable' }, []],
  ['sold-out-404', 404, { kind: 'ProductUnavailable' }, []],
  ['balance-empty', 400, { kind: 'InsufficientBalance' }, []],
  ['lose-answer', 0, 'no answer', [{ status: 'open' }]],
  ['cut-short', 0, 'no answer', [{ status: 'open' }]],
  ['hidden', 0, 'no answer', [{ status: 'open' }]],
  ['empty', 201, expect.not.objectContaining({ orderId: expect.anything() }), [{ status: 'open' }]],
  ['price-jump', 201, { paymentPrice: 89, products: [{ price: 89 }] }, [{ chargedCents: 8900 }]],
  ['wrong-product', 201, { products: [{ productId: expect.not.stringContaining(knight) }] }, [{ productRef: knight }]],
  ['pre-order', 201, { isPreorder: true }, [{ units: [{ state: 'pre-order' }] }]],
  [
    'image',
    201,
    { status: 'processing' },
    [{ units: [{ kind: 'image', code: expect.stringMatching(/^iVBORw0KGgo/) }] }],
  ],
])('"%s" at an order does what its name says', async (mode, status, body, sold) => {
  await shop.fault('kinguin.order', { mode, delayMs: 60_000, count: 1 });
  const order = orderOf();
  expect(await shop.kinguin('POST', '/v2/order', order)).toMatchObject({ status, body });
  expect(await reported(order.orderExternalId)).toMatchObject(sold);
  const isFound = sold.length > 0 && mode !== 'hidden';
  expect(await search(order.orderExternalId)).toMatchObject({ body: { item_count: isFound ? 1 : 0 } });
});

test('keys that nobody downloaded go back for their money, once', async () => {
  const order = orderOf({ qty: 2 });
  const orderId = await place(order);
  const giveBack = () => shop.kinguin('POST', `/v2/order/${orderId}/keys/return`);
  expect(await giveBack()).toMatchObject({ status: 400, body: { kind: 'NoKeysToReturn' } });
  await completed(orderId);
  // One of the two is taken by somebody who pages the keys.
  await shop.kinguin('GET', `/v2/order/${orderId}/keys?limit=1`);

  expect(await giveBack()).toMatchObject({ status: 200, body: [{ status: 'DELIVERED' }] });
  expect(await giveBack()).toMatchObject({ body: { kind: 'NoKeysToReturn' } });
  await vi.waitFor(
    async () =>
      expect(await get(orderId)).toMatchObject({
        body: { status: 'completed', products: [{ keys: [{ status: 'DELIVERED' }, { status: 'REFUNDED' }] }] },
      }),
    { timeout: 30_000 },
  );
  expect((await shop.report('kinguin')).balanceCents).toBe(100_000 - 890);
});

test('an order can be cancelled by the seller and then paid back', async () => {
  await shop.fault('kinguin.order', { mode: 'cancelled', delayMs: 150, count: 1 });
  const orderId = await place(orderOf());
  await vi.waitFor(async () => expect(await get(orderId)).toMatchObject({ body: { status: 'canceled' } }), 30_000);
  expect((await shop.report('kinguin')).balanceCents).toBe(100_000 - 890);
  await vi.waitFor(async () => expect(await get(orderId)).toMatchObject({ body: { status: 'refunded' } }), 30_000);
  expect((await shop.report('kinguin')).balanceCents).toBe(100_000);
});

test.each([
  ['the same code twice', 'duplicate-code', { productId: knight }],
  ['the key of another product', 'wrong-product', { productId: expect.not.stringContaining(knight) }],
])('a download can give %s', async (_what, mode, key) => {
  const first = orderOf();
  await completed(await place(first));
  const second = await place(orderOf());
  await completed(second);
  await shop.fault('kinguin.keys', { mode, count: 1 });
  const { body } = await shop.kinguin('GET', `/v2/order/${second}/keys`);
  expect(body).toMatchObject([key]);
  const [{ serial }] = z.tuple([z.looseObject({ serial: z.string() })]).parse(body);
  const given = (await shop.report('kinguin')).items.flatMap((order) => order.units.map(({ code }) => code));
  expect(given.filter((code) => code === serial)).toHaveLength(mode === 'duplicate-code' ? 2 : 1);
});

const eventsOf = (reference: string) => events.filter((event) => event.orderExternalId === reference);
const heard = (reference: string, statuses: string[]) =>
  vi.waitFor(() => expect(eventsOf(reference).map(({ status }) => status)).toEqual(statuses), { timeout: 30_000 });

test('the shop is told of every status with the secret of the dashboard', async () => {
  const order = orderOf();
  const { orderExternalId } = order;
  await place(order);
  await heard(orderExternalId, ['processing', 'completed']);
  expect(eventsOf(orderExternalId)[0]).toMatchObject({ type: 'aplication/json', secret });
});

test('webhooks come twice, in the wrong order, with a forged secret, or not at all', async () => {
  const tell = async (mode: string) => {
    await shop.fault('kinguin.webhook', { mode });
    const order = orderOf();
    await place(order);
    return order.orderExternalId;
  };
  await heard(await tell('doubled'), ['processing', 'processing', 'completed', 'completed']);

  const mixed = await tell('out-of-order');
  await heard(mixed, ['completed', 'processing']);
  const [first, second] = eventsOf(mixed);
  expect(Date.parse(first?.updatedAt ?? '')).toBeGreaterThan(Date.parse(second?.updatedAt ?? ''));

  const forged = await tell('forged');
  await heard(forged, ['completed', 'completed']);
  for (const event of eventsOf(forged)) expect(event.secret).not.toBe(secret);

  const silent = await tell('down');
  await vi.waitFor(async () => expect(await reported(silent)).toMatchObject([{ status: 'completed' }]), 30_000);
  expect(eventsOf(silent)).toEqual([]);
});

test('both suppliers, their balances and orders are shown on a page, and what was sent never becomes a part of it', async () => {
  const order = { ...orderOf(), orderExternalId: '"><script>alert(1)</script>' };
  await place(order);
  const page = String((await shop.call('GET', '/suppliers')).body);
  expect(page).toContain('<html lang="fa" dir="rtl">');
  expect(page).toContain('CodesWholesale');
  expect(page).toContain('991.10 €');
  expect(page).toContain('&lt;script&gt;');
  expect(page).not.toContain('<script');
});
