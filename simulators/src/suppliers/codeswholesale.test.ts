import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { catalogue, codesWholesaleProductId } from './catalogue.ts';
import { startTestSuppliers, type TestSuppliers } from './test-suppliers.ts';

let shop: TestSuppliers;
beforeAll(async () => {
  shop = await startTestSuppliers();
});
afterAll(() => shop.close());
const knight = codesWholesaleProductId('Hollow Knight');
beforeEach(async () => {
  await shop.sell('codeswholesale', knight, { price: '8.90', stock: 50 });
  await shop.setBalance('codeswholesale', 100_000);
});
afterEach(async () => {
  await shop.calm();
});

let lastReference = 0;
const newReference = () => `kelid-${(lastReference += 1)}`;
const orderOf = (changes: Record<string, unknown> = {}, line: Record<string, unknown> = {}) => ({
  allowPreOrder: false,
  orderId: newReference(),
  products: [{ productId: knight, quantity: 1, price: 8.9, ...line }],
  ...changes,
});
const reported = async (reference: string) =>
  (await shop.report('codeswholesale')).items.filter((order) => order.reference === reference);
const Placed = z.looseObject({
  orderId: z.uuid(),
  products: z.tuple([z.looseObject({ codes: z.array(z.looseObject({ codeId: z.string() })) })]),
});
const Page = z.object({
  items: z.array(z.looseObject({ productId: z.string(), quantity: z.int() })),
  continuationToken: z.string().nullable(),
});

test('an order is answered with its codes and our reference, and costs what the price list says', async () => {
  const order = orderOf({}, { quantity: 2, price: 9 });
  const { status, body } = await shop.cw('POST', '/orders', order);

  expect(status).toBe(200);
  expect(body).toMatchObject({
    clientOrderId: order.orderId,
    status: 'Completed',
    totalPrice: 17.8,
    products: [{ productId: knight, unitPrice: 8.9 }],
  });
  const { orderId, products } = Placed.parse(body);
  expect(await shop.cw('GET', `/orders/${orderId}`)).toEqual({ status: 200, body });
  expect(await shop.cw('GET', '/accounts/current')).toMatchObject({ body: { totalToUse: 982.2 } });
  const [sold] = await reported(order.orderId);
  expect(sold).toMatchObject({ orderId, quantity: 2, chargedCents: 1780, status: 'completed' });
  expect(products[0].codes).toMatchObject(
    sold?.units.map((unit) => ({ codeId: unit.id, code: unit.code, codeType: 'CODE_TEXT', filename: '' })) ?? [],
  );
  expect(new Set(sold?.units.map((unit) => unit.code)).size).toBe(2);
});

test('ten units cost the price of their band, and the bands do not begin with the dearest', async () => {
  expect(await shop.cw('GET', `/products/${knight}`)).toMatchObject({
    body: {
      quantity: 50,
      prices: [
        { from: 100, to: null },
        { value: 8.9, from: 1, to: 9 },
        { value: 8.72, from: 10 },
      ],
    },
  });
  expect(await shop.cw('POST', '/orders', orderOf({}, { quantity: 10 }))).toMatchObject({ body: { totalPrice: 87.2 } });
});

test('a repeated reference buys again, and the history shows both without their codes', async () => {
  const order = orderOf();
  await shop.cw('POST', '/orders', order);
  await shop.cw('POST', '/orders', order);

  const soon = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const history = z
    .object({ items: z.array(z.looseObject({ clientOrderId: z.string().nullable() })) })
    .parse((await shop.cw('GET', `/orders?startFrom=2026-01-01&endOn=${soon}`)).body);
  const ours = history.items.filter((item) => item.clientOrderId === order.orderId);
  expect(ours).toHaveLength(2);
  expect(ours[0]).not.toHaveProperty('products');
  // By our own reference the supplier finds nothing, which proves nothing.
  expect((await shop.cw('GET', `/orders/${order.orderId}`)).status).toBe(404);
  // `endOn` is a midnight: today's orders come after it.
  const today = new Date().toISOString().slice(0, 10);
  expect(await shop.cw('GET', `/orders?startFrom=2026-01-01&endOn=${today}`)).toMatchObject({ body: { items: [] } });
});

test('a reference in the field of the answer is taken and forgotten', async () => {
  const { body } = await shop.cw('POST', '/orders', { ...orderOf({ orderId: undefined }), clientOrderId: 'lost' });
  expect(body).toMatchObject({ clientOrderId: null, status: 'Completed' });
});

test('an order without stock is refused, or becomes a paid pre-order when nobody said otherwise', async () => {
  await shop.sell('codeswholesale', knight, { price: '8.90', stock: 1 });
  const order = orderOf({}, { quantity: 2 });
  expect(await shop.cw('POST', '/orders', order)).toMatchObject({ status: 400, body: { code: 310003 } });
  expect(await reported(order.orderId)).toEqual([]);

  expect(await shop.cw('POST', '/orders', { ...order, allowPreOrder: undefined })).toMatchObject({
    status: 200,
    body: { status: 'Fulfilling', products: [{ codes: [{ codeType: 'CODE_PREORDER', code: null }, {}] }] },
  });
  expect(await reported(order.orderId)).toMatchObject([{ chargedCents: 1780, units: [{ state: 'pre-order' }, {}] }]);
});

test.each([
  ['a price below the list', { price: 8.89 }, 409, 310004],
  ['no units', { quantity: 0 }, 400, 40002],
  ['a product of nobody', { productId: codesWholesaleProductId('Half-Life 3') }, 404, 20001],
  ['more than the balance', { productId: codesWholesaleProductId('Elden Ring'), quantity: 30, price: 40 }, 400, 10002],
])('an order with %s is refused by its code and costs nothing', async (_what, line, status, code) => {
  expect(await shop.cw('POST', '/orders', orderOf({}, line))).toMatchObject({
    status,
    body: { status, code, message: expect.any(String), developerMessage: expect.any(String) },
  });
  expect((await shop.report('codeswholesale')).balanceCents).toBe(100_000);
});

test('of 20 orders at one moment for the last 5 units, 5 are taken', async () => {
  await shop.sell('codeswholesale', knight, { price: '8.90', stock: 5 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => shop.cw('POST', '/orders', orderOf())));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
  expect((await shop.report('codeswholesale')).balanceCents).toBe(100_000 - 5 * 890);
});

test.each([
  ['error', 500, { code: 0 }, []],
  ['error-422', 422, { message: '' }, []],
  ['html-503', 503, expect.stringContaining('<html>'), []],
  ['too-many', 429, expect.anything(), []],
  ['down', 0, 'no answer', []],
  ['out-of-stock', 400, { code: 310003 }, []],
  ['sold-out-404', 404, { code: 20001 }, []],
  ['balance-empty', 400, { code: 10002 }, []],
  ['lose-answer', 0, 'no answer', [{ status: 'completed' }]],
  ['cut-short', 0, 'no answer', [{ status: 'completed' }]],
  ['garbage', 200, expect.stringContaining('<html>'), [{ status: 'completed' }]],
  ['empty', 200, expect.not.objectContaining({ orderId: expect.anything() }), [{ status: 'completed' }]],
  ['duplicate', 200, { status: 'Completed' }, [{ chargedCents: 890 }, { chargedCents: 890 }]],
  ['price-jump', 200, { totalPrice: 89, products: [{ unitPrice: 89 }] }, [{ chargedCents: 8900 }]],
  ['wrong-product', 200, { products: [{ productId: expect.not.stringContaining(knight) }] }, [{ productRef: knight }]],
  ['pre-order', 200, { products: [{ codes: [{ codeType: 'CODE_PREORDER' }] }] }, [{ units: [{ state: 'pre-order' }] }]],
  ['late', 200, { status: 'Fulfilling', products: [{ codes: [] }] }, [{ units: [{ state: 'pending' }] }]],
])('"%s" at an order does what its name says, once', async (mode, status, body, sold) => {
  await shop.fault('codeswholesale.order', { mode, delayMs: 60_000, count: 1 });
  const order = orderOf();
  expect(await shop.cw('POST', '/orders', order)).toMatchObject({ status, body });
  expect(await reported(order.orderId)).toMatchObject(sold);

  expect(await shop.cw('POST', '/orders', orderOf())).toMatchObject({ status: 200, body: { status: 'Completed' } });
});

test('a fault that comes after the order waits for an order that is taken', async () => {
  await shop.fault('codeswholesale.order', { mode: 'lose-answer', count: 1 });
  expect((await shop.cw('POST', '/orders', orderOf({}, { price: 1 }))).status).toBe(409);
  expect((await shop.cw('POST', '/orders', orderOf())).status).toBe(0);
});

test('half of the codes come at once and the rest later', async () => {
  await shop.fault('codeswholesale.order', { mode: 'partial', delayMs: 150, count: 1 });
  const { body } = await shop.cw('POST', '/orders', orderOf({}, { quantity: 4 }));
  const { orderId, products } = Placed.parse(body);
  expect(products[0].codes).toHaveLength(2);
  await vi.waitFor(async () => {
    expect(await shop.cw('GET', `/orders/${orderId}`)).toMatchObject({
      body: { status: 'Completed', products: [{ codes: [{}, {}, {}, {}] }] },
    });
  }, 30_000);
});

test('an image code is null in the order, and a real picture when it is asked for by its id', async () => {
  await shop.fault('codeswholesale.order', { mode: 'image', count: 1 });
  const { body } = await shop.cw('POST', '/orders', orderOf());
  expect(body).toMatchObject({ products: [{ codes: [{ codeType: 'CODE_IMAGE', code: null }] }] });
  const codeId = Placed.parse(body).products[0].codes[0]?.codeId ?? '';

  const code = z
    .object({ code: z.base64(), filename: z.string().endsWith('.png') })
    .parse((await shop.cw('GET', `/codes/${codeId}`)).body);
  expect(Buffer.from(code.code, 'base64').subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  expect(await shop.cw('GET', '/codes/nobody')).toMatchObject({ status: 404, body: { code: 50002 } });
});

test('a code can be one that was given before', async () => {
  const first = orderOf();
  await shop.cw('POST', '/orders', first);
  await shop.fault('codeswholesale.order', { mode: 'duplicate-code', count: 1 });
  const second = orderOf();
  await shop.cw('POST', '/orders', second);
  expect((await reported(second.orderId))[0]?.units[0]?.code).toBe((await reported(first.orderId))[0]?.units[0]?.code);
});

test('an order whose answer was lost is shown by the history only after a while', async () => {
  await shop.fault('codeswholesale.order', { mode: 'hidden', delayMs: 200, count: 1 });
  const order = orderOf();
  expect((await shop.cw('POST', '/orders', order)).status).toBe(0);
  const history = async () => JSON.stringify((await shop.cw('GET', '/orders')).body);
  expect(await history()).not.toContain(`"${order.orderId}"`);
  await vi.waitFor(async () => expect(await history()).toContain(`"${order.orderId}"`), 30_000);
});

test('a token is the same one until it is dropped, in either of its shapes', async () => {
  const shape = z.union([
    z.object({ access_token: z.string() }).transform((body) => body.access_token),
    z.object({ value: z.string(), tokenType: z.literal('bearer') }).transform((body) => body.value),
  ]);
  const ask = async () => shape.parse(await (await shop.askToken()).json());
  const first = await ask();
  await shop.fault('codeswholesale.token', { mode: 'other-shape', count: 1 });
  expect(await ask()).toBe(first);

  const account = (token: string) =>
    shop.call('GET', '/codeswholesale/v3/accounts/current', { headers: { authorization: `Bearer ${token}` } });
  expect((await account(first)).status).toBe(200);
  await shop.fault('codeswholesale.token', { mode: 'token-401', count: 1 });
  expect(await account(first)).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
  expect((await account(first)).status).toBe(401);
  expect((await account(await ask())).status).toBe(200);
  expect((await shop.askToken('wrong-secret')).status).toBe(401);
});

test.each([
  ['sold-out-404', 404, { code: 20001 }],
  ['out-of-stock', 200, { quantity: 0 }],
  ['price-jump', 200, { productId: knight, prices: [{}, { value: 89 }, {}] }],
  ['wrong-product', 200, { productId: expect.not.stringContaining(knight) }],
  ['empty', 200, expect.not.objectContaining({ productId: expect.anything() })],
])('"%s" at a product that the list has', async (mode, status, body) => {
  expect(await shop.cw('GET', `/products?productIds=${knight}`)).toMatchObject({ body: { items: [{ quantity: 50 }] } });
  await shop.fault('codeswholesale.products', { mode, count: 1 });
  expect(await shop.cw('GET', `/products/${knight}`)).toMatchObject({ status, body });
});

test('the catalogue is read page by page, and lists what an order may still refuse', async () => {
  const own = await startTestSuppliers();
  const first = Page.parse((await own.cw('GET', '/products')).body);
  const second = Page.parse((await own.cw('GET', `/products?continuationToken=${first.continuationToken}`)).body);
  expect(second.continuationToken).toBeNull();
  const ids = [...first.items, ...second.items].map((item) => item.productId);
  expect(ids).toEqual(catalogue.map(({ name }) => codesWholesaleProductId(name)));
  expect(new Set(ids).size).toBe(catalogue.length);
  await own.close();
});
