import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createMooGold } from './moogold.ts';
import type { SupplierCall } from './supplier.ts';

// Requests and answers as the reseller documentation (doc.moogold.com) shows them, apart from the simulator's own ideas.
interface Seen {
  path: string;
  headers: Record<string, string | string[] | undefined>;
  raw: string;
}
let server: Server;
let baseUrl: string;
let seen: Seen[];
let calls: SupplierCall[];
let answers: Map<string, { status?: number; body: unknown } | 'hang up'>;

beforeAll(async () => {
  server = createServer((request, response) => {
    let raw = '';
    request.on('data', (chunk: Buffer) => (raw += chunk.toString()));
    request.on('end', () => {
      const path = (request.url ?? '').replace('/wp-json/v1/api/', '');
      seen.push({ path, headers: request.headers, raw });
      const answer = answers.get(path);
      if (answer === 'hang up') {
        request.socket.destroy();
        return;
      }
      const body = answer?.body ?? { err_code: 404, err_message: 'not scripted' };
      response.writeHead(answer?.status ?? 200, { 'content-type': 'application/json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  baseUrl = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}/wp-json/v1/api`;
});
afterAll(() => server.close());
beforeEach(() => {
  seen = [];
  calls = [];
  answers = new Map([
    [
      'product/product_detail',
      {
        body: {
          Product_Name: 'Mobile Legends',
          Image_URL: 'https://moogold.example/ml.png',
          Variation: [
            { variation_name: 'Mobile Legends - 86 Diamonds', variation_id: 215, variation_price: '1.48' },
            { variation_name: 'Mobile Legends - 172 Diamonds', variation_id: '216', variation_price: 2.9 },
          ],
          fields: [{ field: 'User ID' }, { field: 'Server ID' }],
        },
      },
    ],
    ['order/order_detail_partner_id', { body: detail('processing') }],
    ['order/order_detail', { body: detail('completed') }],
  ]);
});
afterEach(() => {
  // Neither a credential nor whose account it is in what is kept.
  expect(JSON.stringify(calls)).not.toMatch(/SECRET|51234567|Rostam/);
});

const detail = (status: string, more: object = {}) => ({
  order_id: 8_800_555,
  date_created: { date: '2026-11-21 10:00:00.000000', timezone_type: 1, timezone: '+00:00' },
  order_status: status,
  item: [
    {
      product: 'Mobile Legends - 86 Diamonds',
      quantity: 1,
      price: '1.48',
      player_id: '51234567',
      server_id: '2024',
      ...more,
    },
  ],
  total: '1.48',
});
const created = {
  body: {
    status: true,
    message: 'Order successfully created!',
    account_details: { player_id: '51234567', server_id: '2024', order_id: '8800555' },
  },
};
const supplier = () =>
  createMooGold({
    baseUrl,
    partnerId: 'partner-1',
    secretKey: 'SECRET-key',
    callsPerSecond: 1_000,
    onCall: (call) => calls.push(call),
  });
const account = { playerId: '51234567', zone: '2024' };
const wanted = {
  reference: '01931e8a-0000-7000-8000-000000000001',
  productRef: '15145/215',
  quantity: 1,
  unitPriceMaxCents: 160,
  allowsPreOrder: false,
  gameAccount: account,
};

test('KY-6: MooGold: an order names its path, the variation, the account under the product’s own field names and our reference, and is signed over its very bytes', async () => {
  answers.set('order/create_order', created);
  const startedAt = Date.now();
  const answer = await supplier().order(wanted);
  expect(answer).toMatchObject({
    kind: 'placed',
    order: {
      supplierOrderId: '8800555',
      reference: wanted.reference,
      status: 'open',
      unitPriceCents: 148,
      units: [{ ref: '8800555', state: 'pending' }],
      gameAccount: account,
    },
  });
  const order = seen.find(({ path }) => path === 'order/create_order');
  expect(JSON.parse(order?.raw ?? '')).toEqual({
    path: 'order/create_order',
    data: { category: '1', 'product-id': '215', quantity: '1', 'User ID': '51234567', 'Server ID': '2024' },
    partnerOrderId: wanted.reference,
  });
  for (const { headers, raw, path } of seen) {
    expect(headers['authorization']).toBe(`Basic ${Buffer.from('partner-1:SECRET-key').toString('base64')}`);
    expect(Number(headers['timestamp'])).toBeGreaterThanOrEqual(Math.floor(startedAt / 1000));
    expect(Number(headers['timestamp'])).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000));
    expect(headers['auth']).toBe(
      createHmac('sha256', 'SECRET-key')
        .update(`${raw}${String(headers['timestamp'])}${path}`)
        .digest('hex'),
    );
  }
});

test('KY-6: MooGold: the price is that of the variation, as a text or a number; a dearer one is not ordered', async () => {
  expect(await supplier().quote('15145/216')).toMatchObject({ kind: 'offered', unitPriceCents: 290 });
  expect(await supplier().quote('15145/999')).toEqual({ kind: 'not-sold' });
  expect(await supplier().order({ ...wanted, unitPriceMaxCents: 147 })).toMatchObject({
    kind: 'refused',
    reason: 'price-moved',
  });
  expect(seen.some(({ path }) => path === 'order/create_order')).toBe(false);
});

test.each<[string, unknown, object]>([
  [
    'too little balance',
    { err_code: 422, err_message: 'Insufficient balance' },
    { kind: 'refused', reason: 'balance-low' },
  ],
  [
    'out of stock',
    { err_code: 422, err_message: 'Product is out of stock' },
    { kind: 'refused', reason: 'out-of-stock' },
  ],
  [
    'a wrong signature',
    { err_code: 403, err_message: 'Invalid signature' },
    { kind: 'refused', reason: 'not-authorised' },
  ],
  ['a reason that nobody knows', { err_code: 422, err_message: 'Something went wrong' }, { kind: 'unknown' }],
  ['a status that is not true', { ...created.body, status: false }, { kind: 'unknown' }],
  ['nothing in it', {}, { kind: 'unknown' }],
  ['a page', '<html>Just a moment…</html>', { kind: 'unknown' }],
])('F20 I26: MooGold: an order that is answered with %s', async (_name, body, expected) => {
  answers.set('order/create_order', { body });
  expect(await supplier().order(wanted)).toMatchObject(expected);
});

test('F20 I26: MooGold: a broken connection and a 500 leave an order unknown, and our reference finds it', async () => {
  for (const broken of ['hang up' as const, { status: 500, body: {} }]) {
    answers.set('order/create_order', broken);
    expect(await supplier().order(wanted)).toEqual({ kind: 'unknown' });
  }
  expect(await supplier().find(wanted.reference, new Date())).toMatchObject({
    kind: 'found',
    orders: [{ supplierOrderId: '8800555', reference: wanted.reference }],
  });
  answers.set('order/order_detail_partner_id', { body: { err_code: 404, err_message: 'Order not found' } });
  expect(await supplier().find(wanted.reference, new Date())).toEqual({ kind: 'nothing' });
  answers.set('order/order_detail_partner_id', { body: {} });
  expect(await supplier().find(wanted.reference, new Date())).toEqual({ kind: 'unknown' });
});

test.each([
  [
    'completed',
    { status: 'complete', units: [{ state: 'ready', code: { kind: 'receipt', text: 'moogold-8800555' } }] },
  ],
  ['processing', { status: 'open', units: [{ state: 'pending' }] }],
  ['restock', { status: 'open', units: [{ state: 'pending' }] }],
  ['incorrect-details', { status: 'refunded', units: [{ state: 'returned' }] }],
  ['refunded', { status: 'refunded', units: [{ state: 'returned' }] }],
])('KY-6: MooGold: an order that is %s', async (status, expected) => {
  answers.set('order/order_detail', { body: detail(status) });
  expect(await supplier().fetch('8800555', true)).toMatchObject({ kind: 'order', order: expected });
});

test('A74: MooGold: another order than was asked for is no answer, and another account is told', async () => {
  expect(await supplier().fetch('8800556', true)).toEqual({ kind: 'unknown' });
  answers.set('order/order_detail', { body: detail('completed', { player_id: 99_999_999 }) });
  expect(await supplier().fetch('8800555', true)).toMatchObject({
    order: { gameAccount: { playerId: '99999999', zone: '2024' } },
  });
});

test.each<[string, unknown, object]>([
  [
    'true and a name',
    { status: 'true', message: 'User ID is valid', username: 'Rostam' },
    { kind: 'found', nickname: 'Rostam' },
  ],
  ['false', { status: 'false', message: 'Invalid User ID or Server' }, { kind: 'not-found' }],
  ['true without a name', { status: true, message: 'ok' }, { kind: 'unknown' }],
  ['a refusal', { err_code: 422, err_message: 'This product cannot be validated' }, { kind: 'unknown' }],
])('KY-6: MooGold: a check of an account that is answered with %s', async (_name, body, expected) => {
  answers.set('product/validate', { body });
  expect(await supplier().checkGameAccount?.('15145/215', account)).toEqual(expected);
  expect(JSON.parse(seen.at(-1)?.raw ?? '')).toEqual({
    path: 'product/validate',
    data: { 'product-id': '215', 'User ID': '51234567', 'Server ID': '2024' },
  });
});

test('KY-6: MooGold: the balance is exact, and only one in dollars is believed', async () => {
  answers.set('user/balance', { body: { currency: 'USD', balance: '1234.56' } });
  expect(await supplier().balance()).toEqual({ kind: 'known', cents: 123_456 });
  answers.set('user/balance', { body: { currency: 'MYR', balance: '1234.56' } });
  expect(await supplier().balance()).toEqual({ kind: 'unknown' });
});

test('a call that reads is made again from what is kept of it; an order never, and a check of an account cannot be', async () => {
  const moogold = supplier();
  answers.set('order/create_order', created);
  await moogold.order(wanted);
  await moogold.checkGameAccount?.('15145/215', account);
  const kept = (path: string) =>
    calls.find((call) => call.path === `/${path}`) ?? { method: '', path: '', request: null };
  const again = await moogold.replay(kept('order/order_detail_partner_id'));
  expect(again).toMatchObject({ status: 200, path: '/order/order_detail_partner_id' });
  expect(JSON.parse(seen.at(-1)?.raw ?? '')).toEqual({
    path: 'order/order_detail_partner_id',
    partner_order_id: wanted.reference,
  });
  const count = seen.length;
  expect(await moogold.replay(kept('order/create_order'))).toBeUndefined();
  expect(await moogold.replay(kept('product/validate'))).toBeUndefined();
  expect(seen.length).toBe(count);
});
