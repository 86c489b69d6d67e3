import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createCodesWholesale } from './codeswholesale.ts';
import { createKinguin } from './kinguin.ts';
import type { Supplier, SupplierCall } from './supplier.ts';
import { centsOf } from './supplier-http.ts';

// Requests and answers as the suppliers' own documents and integrators show them, played back by a server that has no idea of its own.
interface Seen {
  method: string;
  path: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}
type Answer = { status?: number; json?: unknown; text?: string; location?: string } | 'drop';

let server: Server;
let baseUrl: string;
let seen: Seen[] = [];
let script: Map<string, Answer[]>;
let calls: SupplierCall[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const path = request.url ?? '';
      seen.push({ method: request.method ?? '', path, headers: request.headers, body });
      const answers = script.get(`${request.method} ${path.split('?')[0]}`) ?? [];
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === undefined) response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
      else if (answer === 'drop') request.socket.destroy();
      else {
        const text = answer.text ?? JSON.stringify(answer.json);
        const type = answer.text === undefined ? 'application/json' : 'text/html';
        const location = answer.location === undefined ? {} : { location: answer.location };
        response.writeHead(answer.status ?? 200, { 'content-type': type, ...location }).end(text);
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  baseUrl = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
});
afterAll(() => server.close());
beforeEach(() => {
  seen = [];
  calls = [];
  script = new Map([
    ['POST /oauth/token', [{ json: { access_token: 'tok-SECRET-1', token_type: 'bearer', expires_in: 1158 } }]],
  ]);
});
afterEach(() => {
  // Whatever happened: neither a credential nor anything of a code is in what is kept (A72, I17).
  const kept = JSON.stringify(calls);
  for (const secret of ['CANARY', 'SECRET', 'iVBOR']) expect(kept).not.toContain(secret);
});

function codesWholesale(): Supplier {
  return createCodesWholesale({
    baseUrl,
    version: 'v3',
    clientId: 'client-SECRET',
    clientSecret: '$2a$10$SECRET.dots',
    takesComplaints: true,
    callsPerSecond: 1_000,
    onCall: (call) => calls.push(call),
  });
}
function kinguin(callsPerSecond = 1_000): Supplier {
  return createKinguin({
    baseUrl: `${baseUrl}/esa/api`,
    apiKey: 'key-SECRET',
    webhookSecret: 'hook-SECRET-of-the-shop',
    callsPerSecond,
    onCall: (call) => calls.push(call),
  });
}
const answer = (route: string, ...answers: Answer[]) => script.set(route, answers);
const sent = (path: string) => seen.filter((request) => request.path.startsWith(path));

const reference = '01a1fbe2-1deb-71bf-86cc-d8761efdd716';
const cwProduct = '6313677f-5219-47e4-a067-7401f55c5a3a';
const cwOffer = {
  productId: cwProduct,
  identifier: 'TOGENERATE-00012',
  name: 'Test with text codes only',
  platform: 'Steam',
  regions: ['WORLDWIDE'],
  languages: ['Multilanguage'],
  quantity: 12,
  images: [{ format: 'SMALL', image: 'https://api.codeswholesale.com/v1/products/x.jpg' }],
  prices: [
    { value: 4.9, from: 10, to: 99 },
    { value: 5.79, from: 1, to: 9 },
    { value: 4.5, from: 100, to: null },
  ],
  badges: [{ id: 1, name: 'Hot', slug: 'hot' }],
  releaseDate: '2020-01-01T00:00:00.000Z',
};
const cwCode = (codeId: string, code: string | null = `CANARY-${codeId}`, codeType = 'CODE_TEXT') => ({
  codeType,
  status: 'Text code',
  codeId,
  code,
  filename: '',
  links: [],
});
const cwOrder = (codes: unknown[], more: object = {}) => ({
  orderId: '7f1b0f6e-1111-4222-8333-944444444444',
  clientOrderId: reference,
  identifier: '2026/11/000123',
  status: 'Completed',
  createdOn: '2026-11-21T02:00:00.000Z',
  totalPrice: 11.58,
  products: [{ productId: cwProduct, name: 'Test', unitPrice: 5.79, codes, links: [] }],
  links: [],
  ...more,
});
const buy = (supplier: Supplier, productRef = cwProduct) =>
  supplier.order({ reference, productRef, quantity: 2, unitPriceMaxCents: 600, allowsPreOrder: false });

test('KY-6: CodesWholesale: the price is the band that begins at one, whatever order the bands come in; a gone product is an empty object or a 404', async () => {
  const supplier = codesWholesale();
  answer(
    `GET /v3/products/${cwProduct}`,
    { json: cwOffer },
    { json: {} },
    { status: 404, json: { status: 404, code: 20001 } },
    { text: '<html>' },
  );
  expect(await supplier.quote(cwProduct)).toEqual({ kind: 'offered', unitPriceCents: 579, stockCount: 12 });
  expect(await supplier.quote(cwProduct)).toEqual({ kind: 'not-sold' });
  expect(await supplier.quote(cwProduct)).toEqual({ kind: 'not-sold' });
  expect(await supplier.quote(cwProduct)).toEqual({ kind: 'unknown' });
});

test('F20: CodesWholesale: our reference goes out as orderId, pre-orders are refused by name, and what comes back as clientOrderId is ours', async () => {
  answer(`GET /v3/products/${cwProduct}`, { json: cwOffer });
  answer('POST /v3/orders', { json: cwOrder([cwCode('c1'), cwCode('c2')]) });
  const bought = await buy(codesWholesale());
  expect(JSON.parse(sent('/v3/orders')[0]?.body ?? '')).toEqual({
    allowPreOrder: false,
    orderId: reference,
    products: [{ productId: cwProduct, quantity: 2, price: 5.79 }],
  });
  expect(sent('/v3/orders')[0]?.headers['authorization']).toBe('Bearer tok-SECRET-1');
  expect(new URLSearchParams(sent('/oauth/token')[0]?.body).get('client_secret')).toBe('$2a$10$SECRET.dots');
  expect(bought).toMatchObject({
    kind: 'placed',
    order: {
      reference,
      status: 'complete',
      quantity: 2,
      unitPriceCents: 579,
      units: [
        { ref: 'c1', state: 'ready', code: { kind: 'text', text: 'CANARY-c1' } },
        { ref: 'c2', state: 'ready' },
      ],
    },
  });
});

test.each<[string, Answer, object]>([
  [
    'balance too low',
    { status: 400, json: { status: 400, code: 10002, message: 'Balance too low' } },
    { kind: 'refused', reason: 'balance-low' },
  ],
  [
    'too low stock',
    { status: 400, json: { status: 400, code: 310003, message: 'too low stock' } },
    { kind: 'refused', reason: 'out-of-stock' },
  ],
  [
    'not in the price list',
    { status: 404, json: { status: 404, code: 20001 } },
    { kind: 'refused', reason: 'out-of-stock' },
  ],
  [
    'a quantity below one',
    { status: 400, json: { status: 400, code: 40002 } },
    { kind: 'refused', reason: 'bad-request' },
  ],
  ['too many calls', { status: 429, text: 'slow down' }, { kind: 'not-now', retryAfterSeconds: 60 }],
  ['a wait in its text', { status: 429, text: 'wait for 3406 seconds' }, { kind: 'not-now', retryAfterSeconds: 3406 }],
  ['a wait without end', { status: 429, text: 'wait for 999999999 s' }, { kind: 'not-now', retryAfterSeconds: 86_400 }],
  ['a refusal without reason', { status: 422, json: { message: 'no' } }, { kind: 'unknown' }],
  ['a 500', { status: 500, json: {} }, { kind: 'unknown' }],
  ['a page of HTML as 503', { status: 503, text: '<html>maintenance</html>' }, { kind: 'unknown' }],
  ['a 200 that is no JSON', { text: 'OK' }, { kind: 'unknown' }],
  ['an empty 200', { json: {} }, { kind: 'unknown' }],
  ['a broken connection', 'drop', { kind: 'unknown' }],
])('F20 I26: CodesWholesale: an order answered with %s', async (_name, given, expected) => {
  answer(`GET /v3/products/${cwProduct}`, { json: cwOffer });
  answer('POST /v3/orders', given);
  expect(await buy(codesWholesale())).toMatchObject(expected);
  // One order call, whatever it answered: only asking by reference tells what became of it.
  expect(sent('/v3/orders')).toHaveLength(1);
});

test('KY-6: CodesWholesale: a price that rose above our maximum is not ordered', async () => {
  answer(`GET /v3/products/${cwProduct}`, { json: { ...cwOffer, prices: [{ value: '6.010', from: 1, to: null }] } });
  expect(await buy(codesWholesale())).toMatchObject({ kind: 'refused', reason: 'price-moved' });
  expect(sent('/v3/orders')).toEqual([]);
});

test('F20: CodesWholesale: one token serves many calls at once; a 401 costs one new token and one more try; both shapes of it are read', async () => {
  const supplier = codesWholesale();
  answer(`GET /v3/products/${cwProduct}`, { json: cwOffer });
  await Promise.all(Array.from({ length: 8 }, () => supplier.quote(cwProduct)));
  expect(sent('/oauth/token')).toHaveLength(1);
  answer('POST /oauth/token', {
    json: { value: 'tok-SECRET-2', tokenType: 'bearer', expiresIn: 3599, expired: false },
  });
  answer(`GET /v3/products/${cwProduct}`, { status: 401, json: { error: 'invalid_token' } }, { json: cwOffer });
  expect(await supplier.quote(cwProduct)).toMatchObject({ kind: 'offered' });
  expect(sent('/oauth/token')).toHaveLength(2);
  expect(seen.at(-1)?.headers['authorization']).toBe('Bearer tok-SECRET-2');
  answer(`GET /v3/products/${cwProduct}`, { status: 401, json: {} });
  expect(await supplier.quote(cwProduct)).toEqual({ kind: 'unknown' });
  answer('POST /oauth/token', { status: 401, json: { error: 'invalid_client' } });
  expect(await buy(supplier)).toMatchObject({ kind: 'refused' });
});

test('F20: CodesWholesale: a picture is null in the order and comes by its own call; a code still being made and one of a pre-order are not codes yet', async () => {
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from('picture')]);
  const order = cwOrder(
    [
      cwCode('c1', null, 'CODE_IMAGE'),
      cwCode('c2', null),
      cwCode('c3', null, 'CODE_PREORDER'),
      cwCode('c4', null, 'PRE_ORDER'),
    ],
    { status: 'Fulfilling', totalPrice: '23.16' },
  );
  answer(`GET /v3/orders/${order.orderId}`, { json: order });
  answer('GET /v3/codes/c1', {
    json: { ...cwCode('c1', png.toString('base64'), 'CODE_IMAGE'), filename: '../../etc/passwd.png' },
  });
  const fetched = await codesWholesale().fetch(order.orderId, true);
  expect(fetched).toMatchObject({ kind: 'order', order: { status: 'open', quantity: 4 } });
  expect(fetched.kind === 'order' && fetched.order.units).toEqual([
    { ref: 'c1', state: 'ready', code: { kind: 'image', contentType: 'image/png', bytes: png } },
    { ref: 'c2', state: 'pending' },
    { ref: 'c3', state: 'pre-order' },
    { ref: 'c4', state: 'pre-order' },
  ]);
  // What claims to be a picture and is a program stays what it was: not ready.
  answer('GET /v3/codes/c1', { json: cwCode('c1', Buffer.from('MZ program').toString('base64'), 'CODE_IMAGE') });
  const again = await codesWholesale().fetch(order.orderId, true);
  expect(again.kind === 'order' && again.order.units[0]).toEqual({ ref: 'c1', state: 'pending' });
});

test('I26 CP13: CodesWholesale: an order is found in the history by clientOrderId where the path does not know it; taken twice, it is found twice, the oldest first', async () => {
  const first = cwOrder([cwCode('c1')]);
  const second = { ...cwOrder([cwCode('c9')]), orderId: 'second', createdOn: '2026-11-21T02:00:05.000Z' };
  answer(`GET /v3/orders/${first.orderId}`, { json: first });
  answer('GET /v3/orders/second', { json: second });
  answer('GET /v3/orders', {
    json: {
      items: [
        { orderId: 'second', clientOrderId: reference },
        { orderId: 'other', clientOrderId: 'x' },
        { orderId: first.orderId, clientOrderId: reference },
      ],
    },
  });
  const found = await codesWholesale().find(reference, new Date('2026-11-21T01:59:00Z'));
  expect(found).toMatchObject({
    kind: 'found',
    orders: [{ supplierOrderId: first.orderId }, { supplierOrderId: 'second' }],
  });
  const query = new URL(`http://x${sent('/v3/orders?')[0]?.path}`).searchParams;
  expect(query.get('startFrom')).toBe('2026-11-20');
  answer('GET /v3/orders', { json: { items: [] } });
  expect(await codesWholesale().find(reference, new Date())).toEqual({ kind: 'nothing' });
  answer('GET /v3/orders', { status: 503, text: 'no' });
  expect(await codesWholesale().find(reference, new Date())).toEqual({ kind: 'unknown' });
});

const kgProduct = '5c9b5f6b2539a4e8f1784a5b';
const kgOrder = (keys: [id: string, status: string][], more: object = {}) => ({
  totalPrice: 11.58,
  requestTotalPrice: 12,
  paymentPrice: '11.58',
  status: 'processing',
  userEmail: 'shop@example.com',
  storeId: 123,
  createdAt: '2026-11-21T02:00:00+00:00',
  orderId: 'PHS84FJAG5U',
  orderExternalId: reference,
  kinguinOrderId: 29113231,
  isPreorder: false,
  totalQty: 2,
  products: [
    {
      kinguinId: 1949,
      productId: kgProduct,
      offerId: '5c9b5f6b2539a4e8f17916fb',
      qty: 2,
      name: 'Counter-Strike: Source Steam CD Key',
      price: 5.79,
      totalPrice: 11.58,
      requestPrice: 6,
      isPreorder: false,
      keyType: 'text',
      keys: keys.map(([id, status]) => ({ id, status })),
    },
  ],
  ...more,
});

test('KY-6: Kinguin: the order carries our maximum as its price, asks for text keys, and gives our reference', async () => {
  answer('POST /esa/api/v2/order', {
    status: 201,
    json: kgOrder([
      ['k1', 'PENDING'],
      ['k2', 'PROCESSING'],
    ]),
  });
  const bought = await buy(kinguin(), kgProduct);
  expect(seen[0]?.headers['x-api-key']).toBe('key-SECRET');
  expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
    products: [{ productId: kgProduct, qty: 2, price: 6, keyType: 'text' }],
    orderExternalId: reference,
  });
  expect(bought).toMatchObject({
    kind: 'placed',
    order: {
      supplierOrderId: 'PHS84FJAG5U',
      reference,
      status: 'open',
      quantity: 2,
      unitPriceCents: 579,
      units: [
        { ref: 'k1', state: 'pending' },
        { ref: 'k2', state: 'pending' },
      ],
    },
  });
});

test.each<[string, Answer, object]>([
  [
    'ProductUnavailable',
    { status: 400, json: { kind: 'ProductUnavailable', status: 400, title: 'Product unavailable', trace: 't' } },
    { kind: 'refused', reason: 'out-of-stock' },
  ],
  [
    'InsufficientBalance',
    { status: 400, json: { kind: 'InsufficientBalance', status: 400 } },
    { kind: 'refused', reason: 'balance-low' },
  ],
  [
    'Authorization',
    { status: 401, json: { kind: 'Authorization', status: 401, type: 'Unauthorized' } },
    { kind: 'refused', reason: 'not-authorised' },
  ],
  ['ResourceLock', { status: 423, json: { kind: 'ResourceLock' } }, { kind: 'refused', reason: 'busy' }],
  [
    'a constraint on the quantity',
    { status: 400, json: { kind: 'ConstraintViolation', propertyPath: 'products[0].qty' } },
    { kind: 'refused', reason: 'bad-request' },
  ],
  // Refused for its reference: ours is there already.
  [
    'a constraint on our reference',
    { status: 400, json: { kind: 'ConstraintViolation', propertyPath: 'orderExternalId' } },
    { kind: 'unknown' },
  ],
  [
    'OrderFailed without a reason',
    { status: 422, json: { kind: 'OrderFailed', title: 'problem with placing order', retryable: false } },
    { kind: 'unknown' },
  ],
  ['a 503 that is no JSON', { status: 503, text: 'upstream connect error' }, { kind: 'unknown' }],
  ['a broken connection', 'drop', { kind: 'unknown' }],
])('F20 I26: Kinguin: an order answered with %s', async (_name, given, expected) => {
  answer('POST /esa/api/v2/order', given);
  expect(await buy(kinguin(), kgProduct)).toMatchObject(expected);
  expect(seen).toHaveLength(1);
});

test('F20: Kinguin: keys are matched by id over all pages, decided one by one, and not downloaded before they are wanted', async () => {
  const ids = Array.from({ length: 103 }, (_, index) => `k${index}`);
  const states = ids.map((id, index): [string, string] => [
    id,
    index === 101 ? 'REFUNDED' : index === 102 ? 'NEW_STATUS' : 'DELIVERED',
  ]);
  answer('GET /esa/api/v1/order/PHS84FJAG5U', { json: kgOrder(states) });
  const key = (id: string) => ({
    id,
    name: 'x',
    type: 'text/plain',
    serial: `CANARY-${id}\nhttps://activate.example`,
    productId: kgProduct,
  });
  answer(
    'GET /esa/api/v2/order/PHS84FJAG5U/keys',
    { json: ids.slice(0, 100).toReversed().map(key) },
    { json: [key('k100'), { id: 'odd' }] },
  );
  const supplier = kinguin();
  const before = await supplier.fetch('PHS84FJAG5U', false);
  expect(sent('/esa/api/v2/order')).toEqual([]);
  expect(before.kind === 'order' && before.order.units.every((unit) => unit.code === undefined)).toBe(true);
  const fetched = await supplier.fetch('PHS84FJAG5U', true);
  const units = fetched.kind === 'order' ? fetched.order.units : [];
  expect(sent('/esa/api/v2/order').map((request) => request.path.split('?')[1])).toEqual([
    'page=1&limit=100',
    'page=2&limit=100',
  ]);
  expect(units[7]).toEqual({
    ref: 'k7',
    state: 'ready',
    code: { kind: 'text', text: 'CANARY-k7\nhttps://activate.example' },
  });
  expect(units.slice(100).map((unit) => unit.state)).toEqual(['ready', 'returned', 'pending']);
});

test.each([
  ['canceled', 'cancelled'],
  ['refunded', 'refunded'],
  ['COMPLETED', 'complete'],
  ['something new', 'open'],
])('F20: Kinguin: an order that is %s', async (status, expected) => {
  answer('GET /esa/api/v1/order/PHS84FJAG5U', { json: kgOrder([['k1', 'PENDING']], { status }) });
  expect(await kinguin().fetch('PHS84FJAG5U', false)).toMatchObject({ order: { status: expected } });
});

test('I26 CP13: Kinguin: found by orderExternalId; another’s order in the answer is not ours; no answer is not nothing', async () => {
  const later = kgOrder([], { orderId: 'LATER', createdAt: '2026-11-21T02:00:09+00:00' });
  answer('GET /esa/api/v1/order', {
    json: { results: [later, kgOrder([]), kgOrder([], { orderExternalId: 'x' })], item_count: 3 },
  });
  expect(await kinguin().find(reference, new Date())).toMatchObject({
    kind: 'found',
    orders: [{ supplierOrderId: 'PHS84FJAG5U' }, { supplierOrderId: 'LATER' }],
  });
  expect(seen[0]?.path).toContain(`orderExternalId=${reference}`);
  answer('GET /esa/api/v1/order', { json: { results: [], item_count: 0 } });
  expect(await kinguin().find(reference, new Date())).toEqual({ kind: 'nothing' });
  answer('GET /esa/api/v1/order', { json: { results: [{ strange: true }] } });
  expect(await kinguin().find(reference, new Date())).toEqual({ kind: 'unknown' });
});

test('KY-6: Kinguin: a product that answers 404 is sold out; the stock that counts is that of text keys; the balance is exact', async () => {
  const supplier = kinguin();
  answer(
    `GET /esa/api/v2/products/${kgProduct}`,
    { status: 404, json: { kind: 'ProductNotFound' } },
    { json: { productId: kgProduct, name: 'X', platform: 'Steam', price: 5.79, qty: 40, textQty: 7 } },
  );
  expect(await supplier.quote(kgProduct)).toEqual({ kind: 'not-sold' });
  expect(await supplier.quote(kgProduct)).toEqual({ kind: 'offered', unitPriceCents: 579, stockCount: 7 });
  answer('GET /esa/api/v1/balance', { json: { balance: 1234.1 } }, { status: 500, json: {} });
  expect(await supplier.balance()).toEqual({ kind: 'known', cents: 123_410 });
  expect(await supplier.balance()).toEqual({ kind: 'unknown' });
  answer(
    'POST /esa/api/v2/order/PHS84FJAG5U/keys/return',
    { json: [{ id: 'k1', status: 'DELIVERED' }] },
    { status: 400, json: { kind: 'NoKeysToReturn' } },
  );
  expect([await supplier.giveBack('PHS84FJAG5U'), await supplier.giveBack('PHS84FJAG5U')]).toEqual([
    'asked',
    'refused',
  ]);
});

test('A73: Kinguin: a webhook is read only with the whole secret', () => {
  const supplier = kinguin();
  const body = {
    orderId: 'PHS84FJAG5U',
    orderExternalId: reference,
    status: 'completed',
    updatedAt: '2026-11-21T02:00:00+00:00',
  };
  expect(supplier.readWebhook?.({ 'x-event-secret': 'hook-SECRET-of-the-shop' }, body)).toEqual({ reference });
  for (const secret of [
    undefined,
    '',
    'hook-SECRET-of-the-sho',
    'hook-SECRET-of-the-shoP',
    ['hook-SECRET-of-the-shop'],
  ])
    expect(supplier.readWebhook?.({ 'x-event-secret': secret }, body)).toBeUndefined();
  expect(supplier.readWebhook?.({ 'x-event-secret': 'hook-SECRET-of-the-shop' }, 'text')).toEqual({ reference: null });
});

test('A75: a name of scripts is only text and a short one; an answer of many megabytes is refused by its size', async () => {
  const name = `<script>alert(1)</script>${'x'.repeat(5_000)}`;
  answer('GET /esa/api/v1/products', {
    json: { results: [{ productId: kgProduct, name, platform: 'Steam', regionalLimitations: 'x', price: 1, qty: 1 }] },
  });
  const page = await kinguin().listProducts(null);
  expect(page.kind === 'page' && page.items[0]?.name).toBe(name.slice(0, 200));
  answer('GET /esa/api/v1/products', { json: { results: [], pad: 'x'.repeat(9 * 1024 * 1024) } });
  expect(await kinguin().listProducts(null)).toEqual({ kind: 'unknown' });
});

test.each([
  [5.79, 579],
  ['5.790', 579],
  ['0.1', 10],
  [5, 500],
  ['5.791', 580],
  ['999999999.99', 99_999_999_999],
  ['-1', undefined],
  ['1e3', undefined],
  ['', undefined],
  [Number.NaN, undefined],
  ['۵', undefined],
])('I27: %s in a supplier’s answer is %s cents', (amount, cents) => expect(centsOf(amount)).toBe(cents));

test('PL-17: calls to a supplier keep the rate that is set, evenly, however many want to go at once', async () => {
  answer(`GET /esa/api/v2/products/${kgProduct}`, { json: { productId: kgProduct, price: 1, qty: 1 } });
  const supplier = kinguin(50);
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 20 }, () => supplier.quote(kgProduct)));
  // Nineteen gaps of a fiftieth of a second: it may take longer, never less.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(19 * 20 - 5);
  expect(seen).toHaveLength(20);
});

test('KY-6: CodesWholesale: ten units are ordered at the price of their own band, not at that of a single unit', async () => {
  answer(`GET /v3/products/${cwProduct}`, { json: cwOffer });
  answer('POST /v3/orders', { status: 400, json: { status: 400, code: 310003 } });
  await codesWholesale().order({
    reference,
    productRef: cwProduct,
    quantity: 10,
    unitPriceMaxCents: 600,
    allowsPreOrder: false,
  });
  expect(JSON.parse(sent('/v3/orders')[0]?.body ?? '')).toMatchObject({ products: [{ quantity: 10, price: 4.9 }] });
});

test('F20: CodesWholesale: a token in its last minute is used up, since a new request would only answer the same one, fifty times and then no more', async () => {
  const supplier = codesWholesale();
  answer('POST /oauth/token', { json: { access_token: 'tok-SECRET-1', token_type: 'bearer', expires_in: 40 } });
  answer(`GET /v3/products/${cwProduct}`, { json: cwOffer });
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    await supplier.quote(cwProduct);
    vi.advanceTimersByTime(20_000);
    await supplier.quote(cwProduct);
    expect(sent('/oauth/token')).toHaveLength(1);
    vi.advanceTimersByTime(20_000);
    await supplier.quote(cwProduct);
    expect(sent('/oauth/token')).toHaveLength(2);
  } finally {
    vi.useRealTimers();
  }
});

test('F20: CodesWholesale: an order that no token could be had for is refused as not authorised, and nothing was asked for', async () => {
  answer('POST /oauth/token', { status: 401, json: { error: 'invalid_client' } });
  expect(await buy(codesWholesale())).toMatchObject({ kind: 'refused', reason: 'not-authorised' });
  expect(sent('/v3')).toEqual([]);
});

test('A74: a supplier that answers another order, or another code, than it was asked for has answered nothing', async () => {
  answer('GET /v3/orders/mine', { json: cwOrder([cwCode('c1'), cwCode('c2')]) });
  expect(await codesWholesale().fetch('mine', true)).toEqual({ kind: 'unknown' });
  answer('GET /esa/api/v1/order/MINE', { json: kgOrder([['k1', 'DELIVERED']]) });
  expect(await kinguin().fetch('MINE', false)).toEqual({ kind: 'unknown' });
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from('picture')]).toString('base64');
  const mine = cwOrder([cwCode('c1', null, 'CODE_IMAGE')], { totalPrice: 5.79 });
  answer(`GET /v3/orders/${mine.orderId}`, { json: mine });
  answer('GET /v3/codes/c1', { json: cwCode('c7', png, 'CODE_IMAGE') });
  expect(await codesWholesale().fetch(mine.orderId, true)).toMatchObject({
    order: { units: [{ ref: 'c1', state: 'pending' }] },
  });
});

test('F20: CodesWholesale: a code of a pre-order is asked for by its own id and ready when it is there', async () => {
  const mine = cwOrder([cwCode('c1', null, 'CODE_PREORDER'), cwCode('c2', null, 'PRE_ORDER')]);
  answer(`GET /v3/orders/${mine.orderId}`, { json: mine });
  answer('GET /v3/codes/c1', { json: cwCode('c1', 'CANARY-c1', 'CODE_TEXT') });
  answer('GET /v3/codes/c2', { json: cwCode('c2', null, 'PRE_ORDER') });
  expect(await codesWholesale().fetch(mine.orderId, true)).toMatchObject({
    order: {
      units: [
        { ref: 'c1', state: 'ready', code: { kind: 'text', text: 'CANARY-c1' } },
        { ref: 'c2', state: 'pre-order' },
      ],
    },
  });
});

const kgLine = (more: object) => ({ ...kgOrder([]).products[0], ...more });

test('F20 I26: Kinguin: an order that it splits over two offers is one order: all its keys, and the dearer price', async () => {
  answer('POST /esa/api/v2/order', {
    status: 201,
    json: kgOrder([], {
      totalPrice: 11.69,
      paymentPrice: '11.69',
      products: [
        kgLine({ qty: 1, price: 5.79, keys: [{ id: 'k1', status: 'PENDING' }] }),
        kgLine({ qty: 1, price: 5.9, offerId: 'another', keys: [{ id: 'k2', status: 'DELIVERED' }] }),
      ],
    }),
  });
  expect(await buy(kinguin(), kgProduct)).toMatchObject({
    kind: 'placed',
    order: {
      productRef: kgProduct,
      quantity: 2,
      unitPriceCents: 590,
      units: [
        { ref: 'k1', state: 'pending' },
        { ref: 'k2', state: 'ready' },
      ],
    },
  });
});

test('A74: an order with a product in it that we did not ask for is placed and shows that product, so that a person looks at it', async () => {
  answer('POST /esa/api/v2/order', {
    status: 201,
    json: kgOrder([], { products: [kgLine({ qty: 1 }), kgLine({ qty: 1, productId: 'another' })] }),
  });
  const bought = await buy(kinguin(), kgProduct);
  expect(bought).toMatchObject({ kind: 'placed', order: { supplierOrderId: 'PHS84FJAG5U' } });
  expect(bought.kind === 'placed' && bought.order.productRef).not.toBe(kgProduct);
  answer(`GET /v3/products/${cwProduct}`, { json: cwOffer });
  const [line] = cwOrder([cwCode('c1')]).products;
  answer('POST /v3/orders', { json: cwOrder([], { products: [line, { ...line, productId: 'another' }] }) });
  const other = await buy(codesWholesale());
  expect(other).toMatchObject({ kind: 'placed' });
  expect(other.kind === 'placed' && other.order.productRef).not.toBe(cwProduct);
});

test('A74: Kinguin: what was taken from the balance counts, not only the price that its line names', async () => {
  answer('POST /esa/api/v2/order', { status: 201, json: kgOrder([], { totalPrice: 115.8, paymentPrice: '115.80' }) });
  expect(await buy(kinguin(), kgProduct)).toMatchObject({ kind: 'placed', order: { unitPriceCents: 5_790 } });
});

test('KY-6: Kinguin: a product of later is not sold now, and a key of a pre-order is told as one', async () => {
  answer(`GET /esa/api/v2/products/${kgProduct}`, {
    json: { productId: kgProduct, price: 5.79, qty: 4, isPreorder: true, releaseDate: '2027-01-01' },
  });
  expect(await kinguin().quote(kgProduct)).toEqual({ kind: 'not-sold' });
  answer('GET /esa/api/v1/order/PHS84FJAG5U', { json: kgOrder([['k1', 'PENDING']], { isPreorder: true }) });
  expect(await kinguin().fetch('PHS84FJAG5U', false)).toMatchObject({ order: { units: [{ state: 'pre-order' }] } });
});

test('I26: Kinguin: a constraint that names our reference only in its text may still be our own order', async () => {
  answer('POST /esa/api/v2/order', {
    status: 400,
    json: { kind: 'ConstraintViolation', status: 400, detail: 'Invalid "orderExternalId" property. Already used.' },
  });
  expect(await buy(kinguin(), kgProduct)).toEqual({ kind: 'unknown' });
});

test('A75: a name of 5 MiB is refused by its size', async () => {
  answer(`GET /esa/api/v2/products/${kgProduct}`, {
    json: { productId: kgProduct, name: 'x'.repeat(5 * 1024 * 1024), price: 5.79, qty: 1 },
  });
  expect(await kinguin().quote(kgProduct)).toEqual({ kind: 'unknown' });
});

test('A72 I17: a code is kept under no name, in no text of a refusal and in no bare answer; the number of a refusal is kept', async () => {
  const odd = { activationCode: 'CANARY-1', licenseKey: 'CANARY-2', pin_code: 'CANARY-3', name: 'CANARY-4' };
  for (const json of [
    odd,
    [odd],
    ['CANARY-5'],
    'CANARY-6',
    { message: 'key CANARY-7 was sold' },
    { codes: ['CANARY-8'] },
  ]) {
    answer('GET /esa/api/v1/balance', { json });
    await kinguin().balance();
  }
  answer('GET /esa/api/v1/balance', { status: 400, json: { status: 400, code: 310003, kind: 'Http' } });
  await kinguin().balance();
  expect(calls).toHaveLength(7);
  expect(calls.at(-1)?.answer).toBe('{"status":400,"code":310003,"kind":"Http"}');
});

test('F20: an order that its breaker kept back was never sent: it is refused as busy, and no call is told', async () => {
  answer('GET /esa/api/v1/balance', { status: 503, text: 'no' });
  const supplier = kinguin();
  for (let call = 0; call < 10; call += 1) await supplier.balance();
  expect(supplier.isUp()).toBe(false);
  expect(await buy(supplier, kgProduct)).toMatchObject({ kind: 'refused', reason: 'busy' });
  expect(calls).toHaveLength(10);
});

test('F20: an address elsewhere is not followed: no credential leaves for it', async () => {
  const elsewhere = createServer((_request, response) => response.end('{}'));
  let asked = 0;
  elsewhere.on('request', () => (asked += 1));
  await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done));
  const address = elsewhere.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  answer('GET /esa/api/v1/balance', { status: 302, json: {}, location: `http://127.0.0.1:${port}/` });
  expect(await kinguin().balance()).toEqual({ kind: 'unknown' });
  expect(asked).toBe(0);
  elsewhere.close();
});
