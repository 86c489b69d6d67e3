import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requestOf } from '@kelid/contracts/address';
import { serviceNames } from '@kelid/contracts/all';
import { catalogContract } from '@kelid/contracts/catalog';
import { ProblemError } from '@kelid/contracts/contract';
import { notificationsContract } from '@kelid/contracts/notifications';
import { ordersContract } from '@kelid/contracts/orders';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kelid, query, multiplyPrices } from './back-room.ts';
import { type Shop, startShop } from './shop.ts';
import { Shopper } from './shopper.ts';

// One process per service, and two gateways in front of them.
let shop: Shop;
let variantId: string;

beforeAll(async () => {
  shop = await startShop({ shape: 'many', hasSecondGateway: true, env: { LOG_LEVEL: 'debug' } });
  await kelid(shop, 'demo', 'load');
  const [variant] = await query(
    shop,
    'inventory',
    "select variant_id from product_keys where status = 'available' limit 1",
  );
  variantId = String(variant?.['variant_id']);
}, 300_000);
afterAll(() => shop?.close());

/** 200, or the status of the problem that a call ended in. */
const statusOf = (call: Promise<unknown>) =>
  call.then(
    () => 200,
    (error: unknown) => (error instanceof ProblemError ? error.status : Promise.reject(error)),
  );

/** The texts of the SMS that came to a phone. */
async function smsOf({ phone }: Shopper): Promise<string[]> {
  const response = await fetch(`${shop.simulatorsUrl}/sms?phone=${phone}`);
  return ((await response.json()) as { items: { text: string }[] }).items.map((sms) => sms.text);
}

/** A placed order that is paid at the bank, whose browser is on its way back. */
async function payAtBank(shopper: Shopper) {
  await shopper.addToCart(variantId);
  const { orderId, payment } = await shopper.checkout();
  return { orderId, callback: await shopper.atBank(payment, 'pay') };
}

test('PL-10 GW-1: a purchase whose requests go to one gateway and the other in turn succeeds', async () => {
  const here = await new Shopper(shop).signIn();
  const there = new Shopper({ gatewayUrl: shop.secondGatewayUrl, simulatorsUrl: shop.simulatorsUrl }, here.phone);
  there.accessToken = here.accessToken;
  await there.addToCart(variantId);
  const { orderId, payment } = await here.checkout();
  await there.follow(await there.atBank(payment, 'pay'));
  await here.orderIn(orderId, ['fulfilled']);
  const { items } = await there.inventory.listOrderKeys({ orderId });
  expect((await here.inventory.revealKey({ orderId, keyId: items[0]?.id ?? '' })).code).toMatch(/^DEMO/);
});

test('PL-12: a gateway that is told to end says so to the proxy first, and answers each of 200 connections that still come', async () => {
  await shop.stop('gateway 2');
  await shop.start('gateway 2', { SHUTDOWN_WAIT_MS: '30000' });
  void shop.stop('gateway 2');
  for (let status = 200; status !== 503;) {
    const ready = await fetch(`${shop.secondGatewayUrl}/ready`);
    status = ready.status;
    expect(((await ready.json()) as { status: string }).status).toBe(status === 503 ? 'closing' : 'ready');
  }
  const categories = requestOf(catalogContract.operations.listCategories, {}).path;
  const answers = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const response = await fetch(`${shop.secondGatewayUrl}${categories}`, { headers: { connection: 'close' } });
      await response.arrayBuffer();
      return `${response.status} ${response.headers.get('connection') ?? ''}`;
    }),
  );
  expect(new Set(answers)).toEqual(new Set(['200 close']));
  await shop.kill('gateway 2'); // What is left of the wait is nobody's.
  await shop.start('gateway 2');
});

test('PL-3: changing a product after it was bought leaves the order’s lines byte for byte as they were', async () => {
  const shopper = await new Shopper(shop).signIn();
  const { orderId } = await shopper.buy(variantId);
  const before = JSON.stringify((await shopper.orders.getOrder({ orderId })).lines);
  const [{ slug } = {}] = await query(
    shop,
    'catalog',
    'select slug from products where id = (select product_id from variants where id = $1)',
    [variantId],
  );
  await multiplyPrices(shop, String(slug), 2);
  await query(
    shop,
    'catalog',
    `update products set title = '{"fa":"نام تازه","en":"A new name"}', slug = slug || '-moved', image = null from variants where variants.product_id = products.id and variants.id = '${variantId}'`,
  );
  expect(JSON.stringify((await shopper.orders.getOrder({ orderId })).lines)).toBe(before);
});

test('GW-1 A46: what the gateways answer, no service answers at its own port, whatever token it is asked with', async () => {
  const shopper = await new Shopper(shop).signIn();
  for (const name of serviceNames) {
    const { origin } = new URL(shop.readyUrlOf(name));
    expect(new URL(origin).hostname).toBe('127.0.0.1');
    const headers = { authorization: `Bearer ${shopper.accessToken}`, 'content-type': 'application/json' };
    for (const path of ['/api/v1/products', '/api/v1/orders', '/orders'])
      expect((await fetch(origin + path, { headers })).status, `${name} ${path}`).toBe(404);
    for (const operation of ['listOrders', 'getUser', 'fulfillOrder'])
      expect(
        (await fetch(`${origin}/rpc/${name}/${operation}`, { method: 'POST', headers, body: '{}' })).status,
        `${name} ${operation}`,
      ).toBe(401);
  }
});

test('GW-10: a refusal, and a purchase, are found by one request id in the logs of all services that took part', async () => {
  const shopper = await new Shopper(shop).signIn();
  await shopper.addToCart(variantId);
  const checkout = (more: { expectedTotalRial?: number }) => {
    const options = { idempotencyKey: crypto.randomUUID() };
    const { path, init } = requestOf(ordersContract.operations.checkout, { psp: 'zarinpal', ...more }, options);
    const headers = { ...init.headers, authorization: `Bearer ${shopper.accessToken}` };
    return fetch(`${shop.gatewayUrl}${path}`, { ...init, headers });
  };
  const servicesThatLogged = async (requestId: string) => {
    const logs = await Promise.all(
      serviceNames.map((name) => readFile(join(shop.folder, 'logs', `${name}.log`), 'utf8')),
    );
    return serviceNames.filter((_, index) => logs[index]?.includes(`"requestId":"${requestId}"`)).toSorted();
  };
  const refused = await checkout({ expectedTotalRial: 1 });
  const problem = (await refused.json()) as { status: number; code: string; requestId: string };
  expect([refused.status, problem.code]).toEqual([409, 'orders.quote_expired']);
  expect(problem.requestId).toBe(refused.headers.get('x-request-id'));
  await expect.poll(() => servicesThatLogged(problem.requestId)).toEqual(expect.arrayContaining(['catalog', 'orders']));
  const placed = await checkout({});
  expect(placed.status).toBe(201);
  await expect
    .poll(() => servicesThatLogged(placed.headers.get('x-request-id') ?? ''))
    .toEqual(expect.arrayContaining(['catalog', 'inventory', 'orders', 'payments']));
});

test('OR-5 PA-4 A52: ten callbacks at once, at two gateways, are one paid order, one key less in stock and one receipt', async () => {
  const shopper = await new Shopper(shop).signIn();
  const { orderId, callback } = await payAtBank(shopper);
  const stock = () =>
    query(shop, 'inventory', 'select status, count(*)::int from product_keys where variant_id = $1 group by 1', [
      variantId,
    ]);
  const countIn = (rows: Record<string, unknown>[], status: string) =>
    Number(rows.find((row) => row['status'] === status)?.['count'] ?? 0);
  const before = await stock();
  const elsewhere = { ...callback, url: callback.url.replace(shop.gatewayUrl, shop.secondGatewayUrl) };
  const pages = await Promise.all(
    Array.from({ length: 10 }, (_, index) => shopper.follow(index % 2 === 0 ? callback : elsewhere)),
  );
  expect(new Set(pages).size).toBe(1);
  await shopper.orderIn(orderId, ['fulfilled']);
  const after = await stock();
  expect(countIn(after, 'reserved')).toBe(countIn(before, 'reserved') - 1);
  expect(countIn(after, 'allocated')).toBe(countIn(before, 'allocated') + 1);
  const { items: moves } = await shopper.orders.getOrderHistory({ orderId });
  expect(moves.filter((move) => move.to === 'paid')).toHaveLength(1);
  const captures = "select 1 from ledger_transactions where order_id = $1 and kind = 'capture'";
  expect(await query(shop, 'payments', captures, [orderId])).toHaveLength(1);
  // Both messages of a purchase are out; nothing may come behind them.
  const sent = () =>
    query(shop, 'notifications', 'select template, status from messages where user_id = $1 order by template', [
      shopper.userId,
    ]);
  const both = ['key-ready', 'receipt'].map((template) => ({ template, status: 'sent' }));
  await expect.poll(sent, { timeout: 20_000 }).toEqual(both);
  expect((await smsOf(shopper)).filter((text) => !/#\d{6}/.test(text))).toHaveLength(2);
});

test('OR-8 NT-5 PA-12: an open page at one gateway sees the order paid and delivered by a callback at the other, and nothing of others', async () => {
  const shopper = await new Shopper(shop).signIn();
  const { orderId, callback } = await payAtBank(shopper);
  const { ticket } = await shopper.identity.createWsTicket({});
  // Node's WebSocket takes headers, which the types of the browser's do not know.
  const options = { headers: { origin: shop.shopUrl } } as unknown as string[];
  const page = new WebSocket(`${shop.secondGatewayUrl.replace('http', 'ws')}/ws?ticket=${ticket}`, options);
  const seen: { data: { orderId?: string; status?: string } }[] = [];
  page.addEventListener('message', ({ data }) => seen.push(JSON.parse(String(data)) as (typeof seen)[number]));
  await new Promise((done, failed) => {
    page.addEventListener('open', done);
    page.addEventListener('error', failed);
  });
  await (await new Shopper(shop).signIn()).buy(variantId);
  await shopper.follow(callback);
  const told = () => seen.map(({ data }) => data.status);
  await expect.poll(told, { timeout: 30_000 }).toEqual(expect.arrayContaining(['paid', 'fulfilled']));
  expect(new Set(seen.map(({ data }) => data.orderId))).toEqual(new Set([orderId]));
  page.close();
});

test('AU-8 A27 A69: whoever is banned is refused at every gateway with the token they hold, and sees no bought key any more', async () => {
  const shopper = await new Shopper(shop).signIn();
  const { orderId } = await shopper.buy(variantId);
  const keyId = (await shopper.inventory.listOrderKeys({ orderId })).items[0]?.id ?? '';
  const gateways = [shop.gatewayUrl, shop.secondGatewayUrl];
  const statuses = () =>
    Promise.all(gateways.map((gatewayUrl) => statusOf(shopper.client(ordersContract, gatewayUrl).listOrders({}))));
  expect(await statuses()).toEqual([200, 200]);
  await kelid(shop, 'users', 'ban', shopper.phone, '--reason', 'bought with stolen cards');
  // A reveal reads the session itself, so it does not wait until the gateways have heard.
  await expect(shopper.inventory.revealKey({ orderId, keyId })).rejects.toMatchObject({ status: 401 });
  await expect.poll(statuses, { timeout: 30_000 }).toEqual([401, 401]);
  await expect(shopper.identity.refreshSession({ refreshToken: shopper.refreshToken ?? '' })).rejects.toMatchObject({
    status: 401,
  });
});

test('A26: after logout the old token reveals nothing, and reads the catalogue as anybody does', async () => {
  const shopper = await new Shopper(shop).signIn();
  const { orderId } = await shopper.buy(variantId);
  const keyId = (await shopper.inventory.listOrderKeys({ orderId })).items[0]?.id ?? '';
  await shopper.identity.logout({});
  await expect(shopper.inventory.revealKey({ orderId, keyId })).rejects.toMatchObject({ status: 401 });
  expect(await statusOf(shopper.catalog.listCategories({}))).toBe(200);
});

test('PL-18 NT-6: without notifications an order is placed, paid and delivered, and its messages come when it is back', async () => {
  const shopper = await new Shopper(shop).signIn();
  await shop.stop('notifications');
  const { codes } = await shopper.buy(variantId);
  expect(codes).toHaveLength(1);
  const messageCount = async () => (await smsOf(shopper)).filter((text) => !/#\d{6}/.test(text)).length;
  expect(await messageCount()).toBe(0);
  await shop.start('notifications');
  await expect.poll(messageCount, { timeout: 25_000 }).toBe(2);
}, 60_000);

const askOf = {
  identity: (shopper) => shopper.identity.listSessions({}),
  catalog: (shopper) => shopper.catalog.listProducts({ limit: 2 }),
  orders: (shopper) => shopper.orders.listOrders({}),
  payments: (shopper) => shopper.payments.getWallet({}),
  inventory: (shopper) => shopper.inventory.listOwnKeys({}),
  notifications: (shopper) => shopper.client(notificationsContract).listNotifications({}),
} satisfies Record<(typeof serviceNames)[number], (shopper: Shopper) => Promise<unknown>>;

test.each(serviceNames)(
  'PL-1: without %s only its own routes answer 503, every other process stays ready, and they come back with it',
  async (name) => {
    const shopper = await new Shopper(shop).signIn();
    await shop.stop(name);
    await expect.poll(() => statusOf(askOf[name](shopper)), { timeout: 30_000 }).toBe(503);
    for (const other of serviceNames.filter((service) => service !== name))
      expect(await statusOf(askOf[other](shopper)), other).toBe(200);
    for (const other of shop.processNames.filter((process) => process !== name))
      expect((await fetch(shop.readyUrlOf(other))).status, other).toBe(200);
    await shop.start(name);
    // The breaker of its callers lets a probe through after a while.
    await expect.poll(() => statusOf(askOf[name](shopper)), { timeout: 30_000, interval: 250 }).toBe(200);
  },
  60_000,
);

test('I1: a command takes every unsold product key off sale, and after that nobody can buy one', async () => {
  const inStatus = async (status: string) =>
    Number(
      (await query(shop, 'inventory', 'select count(*) from product_keys where status = $1', [status]))[0]?.['count'],
    );
  const unsold = await inStatus('available');
  expect(unsold).toBeGreaterThan(1_000);
  const shopper = await new Shopper(shop).signIn();
  await shopper.addToCart(variantId);
  expect(await kelid(shop, 'keys', 'freeze', '--reason', 'restored from a backup')).toContain(`${unsold} unsold`);
  expect([await inStatus('available'), await inStatus('quarantined')]).toEqual([0, unsold]);
  await expect(shopper.checkout()).rejects.toMatchObject({ status: 409 });
});

test('a shop that cannot start says why and leaves no database behind', async () => {
  let databaseUrl = '';
  const starting = startShop({
    shape: 'one',
    env: { LOG_LEVEL: 'shouting' },
    prepare: async ({ queueUrl }) => void (databaseUrl = queueUrl),
  });
  await expect(starting).rejects.toThrow('LOG_LEVEL is not right');
  const client = new pg.Client({ connectionString: databaseUrl });
  await expect(client.connect()).rejects.toThrow(/ECONNREFUSED|ENOENT/);
});
