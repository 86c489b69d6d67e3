import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { apiRoot, requestOf } from '@kelid/contracts/address';
import { contracts } from '@kelid/contracts/all';
import { createHttpClient } from '@kelid/contracts/client';
import { identityContract } from '@kelid/contracts/identity';
import type { Contract, Operation, Role } from '@kelid/contracts/contract';
import { ProblemError } from '@kelid/contracts/contract';
import { catalogContract } from '@kelid/contracts/catalog';
import { inventoryContract } from '@kelid/contracts/inventory';
import { type Gateway, startGateway } from '@kelid/gateway/service';
import type { Actor } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import { serviceActor, startServices, type TestServices } from '@kelid/testing/start-service';
import { z } from 'zod';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allServices } from './services.ts';
import { columns, expected } from './test-access-table.ts';

const operations = Object.values(contracts).flatMap((contract: Contract) =>
  Object.entries(contract.operations).map(([name, operation]) => ({
    service: contract.name,
    name,
    fullName: `${contract.name}.${name}`,
    operation,
  })),
);
const cellOf = (fullName: string, column: string) => expected.get(fullName)?.[column] ?? 'no row';
const rolesOfTable: Role[] = ['customer', 'seller', 'support', 'developer', 'admin'];

let shop: TestServices;
let gateway: Gateway;
const actors = new Map<Role, SignedIn>();

beforeAll(async () => {
  const away = 'http://127.0.0.1:9'; // No bank and no supplier is asked here.
  shop = await startServices({
    services: allServices,
    env: {
      RUN: 'api',
      LOG_LEVEL: 'error',
      PORT: '0',
      GATEWAY_CACHE_MB: '0',
      GATEWAY_ANONYMOUS_PER_MINUTE: '1000000',
      GATEWAY_USER_PER_MINUTE: '1000000',
      DATABASE_POOL_MAX: '4',
      IDENTITY_SECRET: 'a secret of identity for the test run',
      INVENTORY_KEK: createHash('sha256').update('kek').digest('base64'),
      INVENTORY_KEK_ID: 'kek-202611',
      INVENTORY_BLIND_INDEX_KEY: createHash('sha256').update('blind').digest('base64'),
      NOTIFICATIONS_SECRET: 'a sealing secret of the test, long enough',
      NOTIFICATIONS_KAVENEGAR_URL: `${away}/kavenegar`,
      PAYMENTS_CARD_HASH_SECRET: 'a secret for the cards of the test run',
      PAYMENTS_CARD_NUMBER: '6037990000000006',
      PAYMENTS_CARD_HOLDER: 'Kelid',
      PAYMENTS_ZARINPAL_URL: `${away}/zarinpal`,
      CATALOG_MEDIA_SECRET: 'x'.repeat(40),
    },
  });
  gateway = await startGateway(shop.host, shop.env);
  for (const role of rolesOfTable) actors.set(role, await signIn(role));
});
afterAll(async () => {
  await gateway.close();
  await shop.close();
});

interface SignedIn {
  token: string;
  actor: Extract<Actor, { kind: 'user' }>;
}
/** A new account with a session of its own, as if it had signed in: its first token comes by the public refresh. */
async function signIn(role: Role): Promise<SignedIn> {
  const [userId, sessionId, refreshToken] = [newId(), newId(), newId()];
  await shop.sql('identity', 'insert into users (id, phone, roles) values ($1, $2, $3)', [
    userId,
    `+989${userId.replaceAll(/\D/g, '').padEnd(9, '0').slice(-9)}`,
    [role],
  ]);
  await shop.sql(
    'identity',
    `insert into sessions (id, user_id, token_hash, user_agent, ip_prefix) values ($1, $2, $3, 'vitest', '127.0.0.1')`,
    [sessionId, userId, createHash('sha256').update(refreshToken).digest('hex')],
  );
  const { accessToken } = await createHttpClient(identityContract, { baseUrl: gateway.url }).refreshSession({
    refreshToken,
  });
  return { token: accessToken, actor: { kind: 'user', userId, sessionId, roles: [role] } };
}

function signedIn(role: Role): SignedIn {
  const found = actors.get(role);
  if (!found) throw new Error(`Nobody is signed in as ${role}`);
  return found;
}

interface Asked {
  status: number;
  code: string | undefined;
  text: string;
}
/** Calls an operation by its public path; ids that are not given are of nothing. */
async function ask(
  operation: Operation,
  token: string | undefined,
  input: Record<string, unknown> = {},
): Promise<Asked> {
  const rest = { ...input };
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_match, field: string) => {
    const value = rest[field];
    delete rest[field];
    return typeof value === 'string' ? value : newId();
  });
  const isUpload = operation.transport === 'upload';
  const answer = await fetch(gateway.url + apiRoot + path, {
    method: operation.method,
    redirect: 'manual',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(operation.idempotent ? { 'idempotency-key': newId() } : {}),
      ...(operation.method === 'GET' ? {} : { 'content-type': isUpload ? 'image/png' : 'application/json' }),
    },
    ...(operation.method === 'GET' ? {} : { body: isUpload ? 'png' : JSON.stringify(rest) }),
  });
  const text = await answer.text();
  return { status: answer.status, code: /"code":"([^"]+)"/.exec(text)?.[1], text };
}

/** What the table calls an answer: a refusal of the access rule, or `yes` for all that is behind it (an unknown id, a missing field). */
function verdictOf({ status, code }: { status: number; code?: string | undefined }): string {
  if (status >= 500) return `broken: ${status}`;
  if ((status === 401 && code === 'unauthenticated') || (status === 403 && code === 'forbidden')) return String(status);
  return 'yes';
}

test('I25: every operation of every contract has its row of who may call it, and no row is left over', () => {
  expect([...expected.keys()].toSorted()).toEqual(operations.map(({ fullName }) => fullName).toSorted());
  for (const [name, row] of expected)
    for (const column of columns)
      expect(['yes', 'own', '-', '401', '403', '404'], `${name} ${column}`).toContain(row[column]);
});

test('A98: what shows customers to staff is counted, as the table says, and no read that names a customer is forgotten', () => {
  for (const { fullName, operation } of operations) {
    expect(operation.showsCustomers, fullName).toBe(cellOf(fullName, 'counted') === 'yes');
    const isStaffRead = operation.path.startsWith('/admin/') && operation.method === 'GET';
    const shape = isStaffRead
      ? JSON.stringify(z.toJSONSchema(operation.output, { io: 'input', unrepresentable: 'any' }))
      : '';
    if (/"(customerIds?|userId|phone|sheba|holderName|playerId)":/.test(shape))
      expect(cellOf(fullName, 'counted'), fullName).toBe('yes');
  }
});

test.each(['guest', ...rolesOfTable] as const)(
  'A36 A37 A39 I25: at the door, a %s is let into what the table says and hears 401, 403 or 404 for the rest',
  async (role) => {
    const wrong: string[] = [];
    for (const { name, fullName, operation } of operations) {
      const wanted = cellOf(fullName, role);
      // Who signs out would have no session for the rows after it.
      const isSigningOut = name === 'logout' || name === 'logoutAll';
      const token = role === 'guest' ? undefined : isSigningOut ? (await signIn(role)).token : signedIn(role).token;
      const answer = await ask(operation, token);
      const got = wanted === '404' ? String(answer.status) : verdictOf(answer);
      if (got !== wanted) wrong.push(`${fullName}: ${got} instead of ${wanted}`);
    }
    expect(wrong).toEqual([]);
  },
);

test.each(['guest', ...rolesOfTable, 'service'] as const)(
  'I25: behind the door, each service itself refuses a %s what the table refuses',
  async (role) => {
    const actor: Actor =
      role === 'guest' ? { kind: 'guest' } : role === 'service' ? serviceActor : signedIn(role).actor;
    const wrong: string[] = [];
    for (const { service, name, fullName } of operations) {
      if (name === 'logout' || name === 'logoutAll' || name === 'loadDemo') continue;
      const cell = cellOf(fullName, role);
      const wanted = cell === '404' ? (role === 'guest' ? '401' : '403') : cell;
      const got = await shop.host
        .call(service, name, {}, { ...shop.host.contextOf('test'), actor, idempotencyKey: newId() })
        .then(
          () => 'yes',
          (error: unknown) => (error instanceof ProblemError ? verdictOf(error) : String(error)),
        );
      if (got !== wanted) wrong.push(`${fullName}: ${got} instead of ${wanted}`);
    }
    expect(wrong).toEqual([]);
  },
);

test("I25 A32 A38: what belongs to one customer or seller is missing for another, and is no part of another's lists", async () => {
  const [owner, another] = [await signIn('customer'), await signIn('customer')];
  const [seller, anotherSeller] = [await signIn('seller'), await signIn('seller')];
  const things = await makeThings(owner, seller);
  const wrong: string[] = [];
  for (const { name, fullName, operation } of operations) {
    const wanted = cellOf(fullName, 'another');
    if (wanted === '404') {
      const input = things.inputs[name];
      if (!input) throw new Error(`Say with what input ${fullName} asks for somebody else's thing`);
      const who = cellOf(fullName, 'customer') === 'yes' ? another : anotherSeller;
      const [theirs, missing] = [
        await ask(operation, who.token, input),
        await ask(operation, who.token, { ...input, ...missingIds(input) }),
      ];
      if (theirs.status !== 404 || theirs.code !== missing.code)
        wrong.push(`${fullName}: ${theirs.status} ${theirs.code}, and ${missing.code} for what is missing`);
    } else if (wanted === 'own') {
      const who = cellOf(fullName, 'customer') === 'yes' ? another : anotherSeller;
      const { text } = await ask(operation, who.token, name === 'listOrderKeys' ? { orderId: things.orderId } : {});
      for (const id of things.ids) if (text.includes(id)) wrong.push(`${fullName} shows ${id}`);
    }
  }
  expect(wrong).toEqual([]);

  // Nothing of that was a wall for everybody: the owners are let in, last those that change something.
  const changing = ['cancelWithdrawal', 'deleteCartItem', 'deleteSession', 'cancelOrder'];
  const owned = operations
    .filter(({ fullName }) => cellOf(fullName, 'another') === '404')
    .toSorted((a, b) => changing.indexOf(a.name) - changing.indexOf(b.name));
  for (const { name, fullName, operation } of owned) {
    const who = cellOf(fullName, 'customer') === 'yes' ? owner : seller;
    const { status, code } = await ask(operation, who.token, things.inputs[name]);
    expect([401, 403, 404], `${fullName} ${code}`).not.toContain(status);
    expect(status, fullName).toBeLessThan(500);
  }
  for (const text of [
    await ask(ownList('orders', 'listOrders'), owner.token),
    await ask(ownList('inventory', 'listOwnKeys'), owner.token),
    await ask(ownList('payments', 'listWithdrawals'), owner.token),
    await ask(ownList('catalog', 'listProposals'), seller.token),
  ].map((answer) => answer.text))
    expect(things.ids.some((id) => text.includes(id))).toBe(true);
});

function ownList(service: string, name: string): Operation {
  const found = operations.find((one) => one.service === service && one.name === name);
  if (!found) throw new Error(`There is no ${service}.${name}`);
  return found.operation;
}

/** The same input with ids of nothing. */
function missingIds(input: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(input)
      .filter((field) => field.endsWith('Id'))
      .map((field) => [field, newId()]),
  );
}

/** Three groups of five, as Steam's codes look; of the id's end, which is drawn. */
function newCode(): string {
  const digits = newId().replaceAll('-', '').slice(-15).toUpperCase();
  return [digits.slice(0, 5), digits.slice(5, 10), digits.slice(10)].join('-');
}

/** One of everything that a customer or a seller can own. */
async function makeThings(owner: SignedIn, seller: SignedIn) {
  const { userId } = owner.actor;
  const both = (text: string) => ({ fa: text, en: text });
  const { categoryId } = await shop
    .as(catalogContract, serviceActor)
    .createCategory({ slug: `c-${newId()}`, title: both('Cards'), parentId: null, position: 1 });
  const fields = {
    summary: both('s'),
    description: both('d'),
    activationGuide: { fa: [], en: [] },
    type: 'gift_card' as const,
    brand: 'Steam',
    platform: 'steam',
    categoryId,
    aliases: [],
    isFeatured: false,
  };
  const create = async (actor: Actor) => {
    const slug = `p-${newId()}`;
    const variant = { title: both('10'), region: 'US', faceValue: 1_000, faceCurrency: 'USD', priceRial: 1_000_000 };
    const made = await shop
      .as(catalogContract, actor)
      .createProduct({ ...fields, slug, title: both(slug), variants: [{ ...variant, sku: slug }] });
    return { productId: made.productId, variantId: made.variants[0]?.id ?? '', sku: slug };
  };
  const bought = await create(serviceActor);
  const sold = await create(seller.actor);
  const vault = shop.as(inventoryContract, serviceActor);
  await vault.importKeys({ sku: bought.sku, label: 'two', codes: [newCode(), newCode()] });

  const call = async (service: 'orders' | 'payments', name: string, input: Record<string, unknown>) => {
    const { status, text } = await ask(ownList(service, name), owner.token, input);
    expect(status, `${name} ${text}`).toBeLessThan(300);
    return JSON.parse(text) as Record<string, unknown>;
  };
  await call('orders', 'addCartItem', { variantId: bought.variantId, quantity: 1 });
  const order = (await call('orders', 'checkout', { psp: 'card-to-card' })) as {
    orderId: string;
    payment: { attemptId: string };
  };
  const orderId = order.orderId;
  const { lines: orderLines } = (await call('orders', 'getOrder', { orderId })) as { lines: { id: string }[] };
  const { lines: bound } = await vault.fulfillOrder({
    orderId,
    customerId: userId,
    round: 1,
    lines: [{ orderLineId: orderLines[0]?.id ?? '', variantId: bought.variantId, quantity: 1 }],
  });
  const keyId = bound[0]?.keyIds[0] ?? '';
  const cart = (await call('orders', 'addCartItem', { variantId: bought.variantId, quantity: 1 })) as {
    items: { id: string }[];
  };
  const itemId = cart.items[0]?.id ?? '';
  const [bankAccountId, withdrawalId, sessionId] = [newId(), newId(), newId()];
  await shop.ownerSql(
    'payments',
    `insert into bank_accounts (id, customer_id, sheba, holder_name, status) values ($1, $2, 'IR062960000000100324200001', 'A', 'verified')`,
    [bankAccountId, userId],
  );
  await shop.ownerSql(
    'payments',
    `insert into withdrawals (id, customer_id, bank_account_id, amount_rial, moved_by, move_cause) values ($1, $2, $3, 100000, 'test', 'test')`,
    [withdrawalId, userId, bankAccountId],
  );
  await shop.sql(
    'identity',
    `insert into sessions (id, user_id, token_hash, user_agent, ip_prefix) values ($1, $2, $3, 'another device', '127.0.0.1')`,
    [sessionId, userId, newId()],
  );
  const { attemptId } = order.payment;
  const inputs: Record<string, Record<string, unknown>> = {
    deleteSession: { sessionId },
    updateCartItem: { itemId, quantity: 1 },
    deleteCartItem: { itemId },
    payOrder: { orderId, psp: 'card-to-card' },
    getOrder: { orderId },
    getOrderHistory: { orderId },
    cancelOrder: { orderId },
    getTransfer: { attemptId },
    submitTransfer: { attemptId, trackingNumber: '123456', cardLast4: '1234' },
    getOrderPayments: { orderId },
    requestWithdrawal: { bankAccountId, amountRial: 100_000 },
    cancelWithdrawal: { withdrawalId },
    revealKey: { orderId, keyId },
    reportKey: { orderId, keyId, reason: 'invalid' },
    updateProduct: { productId: sold.productId, brand: 'Xbox' },
    updateVariant: { variantId: sold.variantId, region: 'DE' },
    uploadProductImage: { productId: sold.productId },
  };
  return {
    orderId,
    inputs,
    ids: [sold.productId, orderId, attemptId, keyId, itemId, bankAccountId, withdrawalId, sessionId],
  };
}

test('A98: of 250 pages of customers that one member of staff asks for, ten at a time, thirty are shown, somebody is told, and who read whose data is written down for ever', async () => {
  const [customer, seller, support] = [await signIn('customer'), await signIn('seller'), await signIn('support')];
  const { orderId } = await makeThings(customer, seller);
  const operation = ownList('orders', 'listAllOrders');
  const answers: Asked[] = [];
  for (let round = 0; round < 25; round += 1)
    answers.push(...(await Promise.all(Array.from({ length: 10 }, () => ask(operation, support.token)))));
  const shown = answers.filter(({ status }) => status === 200);
  expect(shown).toHaveLength(30); // Pages of twenty, 600 customers a minute.
  expect(shown[0]?.text).toContain(orderId);
  for (const { status, code, text } of answers)
    if (status !== 200) expect([status, code, text.includes(orderId)]).toEqual([429, 'staff-views-limited', false]);
  expect(
    shop.logLines.some((line) => line.includes('"alarm":"staff-views"') && line.includes(support.actor.userId)),
  ).toBe(true);

  const written = await shop.sql(
    'identity',
    `select v.session_id, v.operation, v.customer_count, v.ip from staff_views v
     join staff_view_customers c on c.view_id = v.id where v.staff_id = $1 and c.customer_id = $2`,
    [support.actor.userId, customer.actor.userId],
  );
  expect(written).toHaveLength(30);
  expect(written[0]).toEqual({
    session_id: support.actor.sessionId,
    operation: 'listAllOrders',
    customer_count: 20,
    ip: '127.0.0.1',
  });
  for (const text of [
    `delete from staff_views`,
    `update staff_views set customer_count = 1`,
    `delete from staff_view_customers`,
  ])
    await expect(shop.sql('identity', text)).rejects.toThrow('permission denied');

  // Another member of staff, who works as people do, is shown customers; this one again when the minute is over, until the hour's are gone.
  expect((await ask(operation, signedIn('admin').token)).status).toBe(200);
  const passMinute = () =>
    shop.ownerSql('identity', `update staff_views set at = at - interval '1 minute' where staff_id = $1`, [
      support.actor.userId,
    ]);
  for (let minute = 1; minute < 5; minute += 1) {
    await passMinute();
    for (let page = 0; page < 6; page += 1) expect((await askPage(support.token)).status, `minute ${minute}`).toBe(200);
    expect((await askPage(support.token)).status).toBe(429);
  }
  await passMinute();
  expect((await askPage(support.token)).status).toBe(429);
});

/** A page of a hundred. */
async function askPage(token: string): Promise<{ status: number }> {
  return fetch(gateway.url + requestOf(contracts.orders.operations.listAllOrders, { limit: 100 }).path, {
    headers: { authorization: `Bearer ${token}` },
  });
}

test('A40: no other method and no other spelling of a staff path opens it to a customer', async () => {
  const { token } = signedIn('customer');
  const { port } = new URL(gateway.url);
  const askRaw = (method: string, path: string, more: Record<string, string> = {}) =>
    new Promise<number>((done, fail) => {
      const body = method === 'GET' || method === 'HEAD' || method === 'TRACE' ? '' : '{}';
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': String(body.length),
        ...more,
      };
      const request = httpRequest({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
        answer.resume();
        done(answer.statusCode ?? 0);
      });
      request.once('error', fail);
      request.end(body);
    });
  const staffOperations = operations.filter(({ operation }) => operation.path.startsWith('/admin/'));
  const opened: string[] = [];
  for (const { operation } of staffOperations) {
    const { method } = operation;
    const path = apiRoot + operation.path.replaceAll(/\{\w+\}/g, newId);
    const tries: [string, string, Record<string, string>?][] = [
      ...['HEAD', 'OPTIONS', 'TRACE', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((other): [string, string] => [
        other,
        path,
      ]),
      ['GET', path, { 'x-http-method-override': method, 'x-method-override': method, 'x-http-method': method }],
      ['POST', path, { 'x-http-method-override': method }],
      ...[
        path.replace('/api', '//api'),
        path.replace('/admin', '//admin'),
        path.replace('/admin', '/./admin'),
        path.replace('/admin', '/products/%2e%2e/admin'),
        path.replace('/admin', '/products/../admin'),
        path.replace('/admin', '/%61dmin'),
        path.replace('/admin', '/Admin'),
        path.replace('/admin', '/admin;x'),
        path.toUpperCase(),
        `${path}/`,
        `${path}.`,
        `${path};x`,
        `${path}%2f`,
        `${path}%00`,
        `${path}?x=1`,
      ].map((spelling): [string, string] => [method, spelling]),
    ];
    for (const [by, at, headers] of tries) {
      const status = await askRaw(by, at, headers);
      if (![400, 403, 404, 405, 422].includes(status)) opened.push(`${by} ${at} ${status}`);
    }
  }
  expect(staffOperations.length).toBeGreaterThan(60);
  expect(opened).toEqual([]);
});
