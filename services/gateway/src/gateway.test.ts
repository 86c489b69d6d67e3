import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose';
import { serviceUnavailable } from '@kelid/contracts/common';
import type { Operation, Role } from '@kelid/contracts/contract';
import { pspWebhookRefused } from '@kelid/contracts/payments';
import { type Host, startHost } from '@kelid/service/host';
import { newId } from '@kelid/service/ids';
import type { CallContext } from '@kelid/service/invoke';
import { signServiceToken } from '@kelid/service/service-token';
import { waitFor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { publicOperations } from './openapi.ts';
import { type Gateway, startGateway } from './service.ts';

type Answer = (input: Record<string, unknown>, context: CallContext) => unknown;
interface Seen {
  name: string;
  input: Record<string, unknown>;
  context: CallContext;
}

const tokenSecret = 'a secret of the test run, long enough';
const kid = newId();
const allowedOrigin = 'https://shop.ir';
const asksByItself =
  /^(identity[.](getJwks|listRevocations|checkSession|redeemWsTicket)|catalog[.]getCacheVersion|notifications[.]listFeedSince)$/;

let host: Host;
let gateway: Gateway;
let privateKey: CryptoKey;
let publicJwk: JWK;
const logLines: string[] = [];
const seen: Seen[] = [];
const answers = new Map<string, Answer>();
const revoked = new Set<string>();
const liveTickets = new Map<string, { userId: string; sessionId: string }>();
const feed: { userId: string; entry: { id: string; type: string; data: Record<string, unknown>; at: string } }[] = [];
let version = 1;
const more: Gateway[] = [];

const env = (changes: Record<string, string> = {}) => ({
  PORT: '0',
  GATEWAY_CORS_ORIGINS: allowedOrigin,
  GATEWAY_ANONYMOUS_PER_MINUTE: '1000000',
  GATEWAY_USER_PER_MINUTE: '1000000',
  ...changes,
});

beforeAll(async () => {
  const pair = await generateKeyPair('EdDSA', { extractable: true });
  privateKey = pair.privateKey;
  publicJwk = { ...(await exportJWK(pair.publicKey)), kid };
  const urls = ['IDENTITY', 'CATALOG', 'ORDERS', 'PAYMENTS', 'INVENTORY', 'NOTIFICATIONS'].map((name) => [
    `${name}_URL`,
    'http://answered-by-the-test',
  ]);
  host = await startHost({
    services: [],
    env: { ...Object.fromEntries(urls), SERVICE_TOKEN_SECRET: tokenSecret, INTERNAL_PORT: '0', LOG_LEVEL: 'debug' },
    logDestination: { write: (line) => void logLines.push(line) },
    remoteCall: async (service, operation, input, context) => {
      const name = `${service}.${operation}`;
      const given = input as Record<string, unknown>;
      if (!asksByItself.test(name)) seen.push({ name, input: given, context });
      return {
        output: await (answers.get(name) ?? own[name] ?? (() => ({ ok: true })))(given, context),
        headers: { 'set-cookie': 'from=service' },
      };
    },
  });
  gateway = await startGateway(host, env());
});
beforeEach(() => {
  seen.length = 0;
  answers.clear();
});
afterAll(async () => {
  await Promise.all([gateway, ...more].map((open) => open.close()));
  await host.close();
});

/** What the services behind the door answer unless a test says otherwise. */
const own: Record<string, Answer> = {
  'identity.getJwks': () => ({ keys: [publicJwk] }),
  'identity.listRevocations': () => ({ sessionIds: [...revoked], asOf: new Date().toISOString() }),
  'identity.checkSession': () => ({ isLive: true }),
  'identity.redeemWsTicket': ({ ticket }) => {
    const session = liveTickets.get(String(ticket)) ?? null;
    liveTickets.delete(String(ticket));
    return { session };
  },
  'catalog.getCacheVersion': () => ({ version }),
  'catalog.getMedia': () => ({ contentType: 'image/png', contentBase64: 'AAAA', isPublic: true }),
  'notifications.listFeedSince': ({ since, userId }) => ({
    items: feed.filter(
      (item) =>
        (userId === undefined || item.userId === userId) &&
        Date.parse(item.entry.at) > (typeof since === 'string' ? Date.parse(since) : Date.now()) - 2_000,
    ),
    asOf: new Date().toISOString(),
  }),
  'payments.handlePspCallback': () => ({ location: 'https://shop.ir/payment/result' }),
};

async function gatewayWith(changes: Record<string, string>): Promise<Gateway> {
  const started = await startGateway(host, env(changes));
  more.push(started);
  return started;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = () => Math.floor(Date.now() / 1000);
function claimsOf(roles: Role[] = ['customer'], sessionId = newId(), userId = newId()) {
  const now = seconds();
  return { iss: 'kelid', aud: 'kelid-api', sub: userId, sid: sessionId, jti: newId(), roles, nbf: now, exp: now + 600 };
}
function sign(claims: object, header: Record<string, unknown> = {}, key = privateKey): Promise<string> {
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header })
    .sign(key);
}
const tokenOf = (...who: Parameters<typeof claimsOf>) => sign(claimsOf(...who));
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function get(path: string, headers: Record<string, string> = {}, at = gateway): Promise<Response> {
  return fetch(at.url + path, { headers });
}
function post(path: string, body: string, headers: Record<string, string> = {}, at = gateway): Promise<Response> {
  return fetch(at.url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
}
const pathOf = (operation: Operation) => `/api/v1${operation.path.replaceAll(/\{\w+\}/g, () => newId())}`;
function callOperation(operation: Operation, headers: Record<string, string>, at: Gateway): Promise<Response> {
  const hasBody = operation.method !== 'GET';
  const isUpload = operation.transport === 'upload';
  return fetch(at.url + pathOf(operation), {
    method: operation.method,
    redirect: 'manual',
    headers: { ...(hasBody ? { 'content-type': isUpload ? 'image/png' : 'application/json' } : {}), ...headers },
    ...(hasBody ? { body: isUpload ? 'png' : '{}' } : {}),
  });
}

test('GW-1 A97: each path of openapi.json is routed and says who may call; unknown paths are 404, wrong methods 405', async () => {
  const document = (await (await get('/openapi.json')).json()) as {
    paths: Record<string, Record<string, { operationId: string; 'x-access': string[] }>>;
  };
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  );
  expect(described.map((one) => one.operationId).toSorted()).toEqual(
    publicOperations()
      .map(({ name }) => name)
      .toSorted(),
  );
  for (const { path, method, 'x-access': access } of described) {
    expect(access.length, path).toBeGreaterThan(0);
    const answer = await fetch(gateway.url + path.replaceAll(/\{\w+\}/g, () => newId()), {
      method,
      redirect: 'manual',
    });
    expect([200, 201, 202, 204, 303, 401, 415], `${method} ${path}`).toContain(answer.status);
  }
  for (const path of ['/', '/api/v1', '/api/v1/nothing', '/api/v1/internal/identity/jwks', '/rpc/identity/getJwks'])
    expect((await get(path)).status, path).toBe(404);
  for (const [method, path] of [
    ['DELETE', '/api/v1/products'],
    ['GET', '/api/v1/auth/logout'],
    ['PUT', '/api/v1/checkout'],
  ] as const)
    expect((await fetch(gateway.url + path, { method })).status, path).toBe(405);
  expect((await get(`/api/v1/products/slug/${'x'.repeat(400)}`)).status).toBe(404);
});

test('GW-2 A19 A20 A21 A22 A23 A24 A25: a token that is not good never reaches a service', async () => {
  const claims = claimsOf();
  const good = await sign(claims);
  const [head, body, signature] = good.split('.');
  const other = await generateKeyPair('EdDSA');
  const bad: Record<string, string> = {
    'alg none': `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${body}.`,
    'empty signature': `${head}.${body}.`,
    'HS256 with our public key': await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid })
      .sign(new TextEncoder().encode(String(publicJwk.x))),
    'foreign key': await sign(claims, {}, other.privateKey),
    'unknown kid': await sign(claims, { kid: newId() }),
    'kid as a path': await sign(claims, { kid: '../../etc/passwd' }),
    'kid as SQL': await sign(claims, { kid: "' or 1=1 --" }),
    jku: await sign(claims, { jku: 'http://127.0.0.1:9/keys' }),
    'jwk in the header': await sign(claims, { jwk: publicJwk }),
    expired: await sign({ ...claims, exp: seconds() - 60 }),
    'not yet valid': await sign({ ...claims, nbf: seconds() + 600 }),
    'wrong issuer': await sign({ ...claims, iss: 'other' }),
    'wrong audience': await sign({ ...claims, aud: 'other' }),
    'another type': await sign(claims, { typ: 'rt+jwt' }),
    'roles edited': `${head}.${encode({ ...claims, roles: ['admin'] })}.${signature}`,
    'a refresh token': 'Zq7yQm2cT8vB4nL0xK5sD9wE3rF6gH1j',
    'a service token': await signServiceToken(new TextEncoder().encode(tokenSecret), 'orders', {
      actor: { kind: 'user', userId: claims.sub, sessionId: claims.sid, roles: ['admin'] },
      origin: { ip: '127.0.0.1', userAgent: '' },
    }),
  };
  for (const [name, token] of Object.entries(bad)) {
    for (const path of ['/api/v1/orders', '/api/v1/cart']) {
      const answer = await get(path, bearer(token));
      expect(answer.status, `${name} ${path}`).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  }
  expect((await get('/api/v1/orders')).status).toBe(401);
  expect((await get('/api/v1/orders', { authorization: good })).status).toBe(401);
  for (const name of ['access_token', 'token', 'authorization'])
    expect((await get(`/api/v1/orders?${name}=${good}`)).status).toBe(401);
  expect(seen).toEqual([]);
  expect(logLines.join('\n')).not.toContain(signature);
  expect((await get('/api/v1/orders', bearer(good))).status).toBe(200);
  expect(seen).toMatchObject([{ name: 'orders.listOrders', context: { actor: { userId: claims.sub } } }]);
  expect((await get('/api/v1/categories', bearer(bad['expired'] ?? ''))).status).toBe(200);
});

const roles = ['guest', 'customer', 'seller', 'support', 'developer', 'admin'] as const;
test.each(roles)('GW-3: what the contracts allow a %s is passed on; everything else is 401 or 403', async (role) => {
  const headers: Record<string, string> = role === 'guest' ? {} : bearer(await tokenOf([role]));
  // Without a cache, so that each passed call is seen.
  const uncached = await gatewayWith({ GATEWAY_CACHE_MB: '0' });
  for (const { service, name, operation } of publicOperations()) {
    seen.length = 0;
    const answer = await callOperation(operation, headers, uncached);
    const isPublic = operation.access.includes('public');
    const mayCall = isPublic || (role !== 'guest' && operation.access.includes(role));
    const title = `${role} ${name}`;
    if (mayCall) {
      expect(answer.status, title).toBe(operation.cache ? 200 : operation.status);
      const actor = role === 'guest' || operation.cache ? { kind: 'guest' } : { kind: 'user', roles: [role] };
      expect(seen, title).toMatchObject([{ name: `${service}.${name}`, context: { actor } }]);
    } else {
      expect(answer.status, title).toBe(role === 'guest' ? 401 : 403);
      expect(seen, title).toEqual([]);
    }
  }
});

test('AU-8 A26 A27 A28: an ended session is refused within five seconds, and its open page closed with 4401', async () => {
  const [sessionId, userId] = [newId(), newId()];
  const token = await tokenOf(['admin'], sessionId, userId);
  const { socket } = await openPage(userId, sessionId);
  expect((await get('/api/v1/admin/orders', bearer(token))).status).toBe(200);
  const closed = once(socket, 'close');
  const startedAt = performance.now();
  revoked.add(sessionId);
  await waitFor('the refusal', async () => (await get('/api/v1/admin/orders', bearer(token))).status === 401, 5_000);
  expect((await closed)[0]).toBe(4401);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect((await get('/api/v1/categories', bearer(token))).status).toBe(200);
  liveTickets.set('late', { userId, sessionId });
  expect(await openingOf('late')).toBe(403);
});

test('AU-8 A26: where it counts the session is read at once, and an identity that is away opens nothing', async () => {
  const token = await tokenOf();
  const pay = () => post(`/api/v1/orders/${newId()}/pay`, '{}', bearer(token));
  answers.set('identity.checkSession', () => ({ isLive: false }));
  expect((await pay()).status).toBe(401);
  answers.set('identity.checkSession', () => {
    throw serviceUnavailable({ retryAfterSeconds: 3 });
  });
  const away = await pay();
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '3']);
  expect(seen).toEqual([]);
  answers.delete('identity.checkSession');
  expect((await pay()).status).toBe(200);
});

test('GW-4: limits follow the settings, say when to come back, and never hold up a bank', async () => {
  const limited = await gatewayWith({ GATEWAY_ANONYMOUS_PER_MINUTE: '3', GATEWAY_USER_PER_MINUTE: '5' });
  const statuses = async (count: number, ask: () => Promise<Response>) => {
    const found: number[] = [];
    for (let at = 0; at < count; at += 1) found.push((await ask()).status);
    return found;
  };
  expect(await statuses(5, () => get('/api/v1/cart', {}, limited))).toEqual([200, 200, 200, 429, 429]);
  const refused = await get('/api/v1/cart', {}, limited);
  const { code, retryAfterSeconds } = (await refused.json()) as { code: string; retryAfterSeconds: number };
  expect([code, refused.headers.get('retry-after')]).toEqual(['rate-limited', String(retryAfterSeconds)]);
  expect(retryAfterSeconds).toBeGreaterThan(0);
  const token = await tokenOf();
  expect(await statuses(6, () => get('/api/v1/cart', bearer(token), limited))).toEqual([200, 200, 200, 200, 200, 429]);
  const callback = () =>
    fetch(`${limited.url}/api/v1/payments/callback/zarinpal?Authority=A1&Status=OK`, { redirect: 'manual' });
  expect(new Set(await statuses(30, callback))).toEqual(new Set([303]));
  expect(seen.at(-1)?.input).toEqual({ psp: 'zarinpal', params: { Authority: 'A1', Status: 'OK' } });
  const message = () => fetch(`${limited.url}/api/v1/payments/webhook/stripe`, { method: 'POST', body: '{}' });
  expect(new Set(await statuses(30, message))).toEqual(new Set([202]));
});

test('GW-6 CA-11: the second read is a hit, and a write makes the next read fresh within a second', async () => {
  let title = 'before';
  answers.set('catalog.listProducts', () => ({ title }));
  const read = async () => {
    const answer = await get('/api/v1/products?q=fresh');
    return [answer.headers.get('x-cache'), ((await answer.json()) as { title: string }).title];
  };
  expect(await read()).toEqual(['miss', 'before']);
  expect(await read()).toEqual(['hit', 'before']);
  title = 'after';
  version += 1;
  await waitFor('the fresh answer', async () => (await read())[1] === 'after', 1_000);
  expect(await read()).toEqual(['hit', 'after']);
});

test('GW-6: an answer asked for under the old version is neither kept nor given to who asks after the write', async () => {
  let title = 'before';
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  answers.set('catalog.listProducts', async () => {
    const mine = title;
    if (mine === 'before') await held;
    return { title: mine };
  });
  const read = async () => ((await (await get('/api/v1/products?q=slow')).json()) as { title: string }).title;
  const slow = read();
  await waitFor('the call', async () => seen.length === 1);
  title = 'after';
  version += 1;
  await sleep(600);
  expect(await read()).toBe('after');
  release();
  expect(await slow).toBe('before');
  expect(await read()).toBe('after');
});

test('GW-6: what was cached before the first version is known does not outlive it, nor a catalogue that is away', async () => {
  let isAway = true;
  answers.set('catalog.getCacheVersion', () => {
    if (isAway) throw serviceUnavailable();
    return { version };
  });
  const young = await gatewayWith({});
  const read = async () => (await get('/api/v1/products?q=young', {}, young)).headers.get('x-cache');
  await read();
  isAway = false;
  await sleep(500);
  expect([await read(), await read()]).toEqual(['miss', 'hit']);
  isAway = true;
  await sleep(500);
  expect(await read()).toBe('miss');
});

test('I21: a cached answer is the same bytes for everybody, is asked for as nobody, and sets no cookie', async () => {
  answers.set('catalog.listProducts', (_input, context) => ({ actor: context.actor }));
  const bodies = new Set<string>();
  for (const headers of [bearer(await tokenOf()), bearer(await tokenOf(['admin'])), { cookie: 'a=b' }, {}]) {
    const answer = await get('/api/v1/products?q=whose', headers);
    expect(answer.headers.get('set-cookie')).toBeNull();
    bodies.add(await answer.text());
  }
  expect([...bodies]).toEqual(['{"actor":{"kind":"guest"}}']);
  const etag = (await get('/api/v1/products?q=whose')).headers.get('etag') ?? '';
  expect((await get('/api/v1/products?q=whose', { 'if-none-match': etag })).status).toBe(304);
  expect((await get('/api/v1/cart')).headers.get('cache-control')).toBe('no-store');
});

test('GW-7 A11 A85 A94: a body or query that can be read in two ways, or is too much, is refused before any service', async () => {
  const otp = '/api/v1/auth/otp/request';
  const expected: [string, number, () => Promise<Response>][] = [
    ['twice', 422, () => post(otp, '{"phone":"1","phone":"2"}')],
    ['twice by an escape', 422, () => post(otp, '{"phone":"1","\\u0070hone":"2"}')],
    ['twice far from its colon', 422, () => post(otp, `{"phone":"1","phone"${' '.repeat(60)}:"2"}`)],
    ['twice inside', 422, () => post(otp, '{"a":{"b":1,"b":2}}')],
    ['query on POST', 422, () => post(`${otp}?phone=1`, '{"phone":"2"}')],
    ['an array as body', 422, () => post(otp, '[]')],
    ['text/plain', 415, () => post(otp, '{"phone":"1"}', { 'content-type': 'text/plain' })],
    ['a form', 415, () => post(otp, 'phone=1', { 'content-type': 'application/x-www-form-urlencoded' })],
    ['garbage in the type', 415, () => post(otp, '{"phone":"1"}', { 'content-type': 'application/json garbage' })],
    ['garbage', 400, () => post(otp, '{"phone":')],
    ['10 levels too deep', 400, () => post(otp, `{"a":${'['.repeat(26)}${']'.repeat(26)}}`)],
    ['10,000 levels', 400, () => post(otp, `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`)],
    ['over 64 KiB', 413, () => post(otp, JSON.stringify({ phone: 'x'.repeat(65 * 1024) }))],
    ['10 MiB of {', 413, () => post(otp, '{'.repeat(10 * 1024 * 1024))],
  ];
  for (const [name, status, ask] of expected) {
    const answer = await ask();
    expect(answer.status, name).toBe(status);
    expect(answer.headers.get('content-type'), name).toContain('application/problem+json');
  }
  expect(seen).toEqual([]);
  // The same name in two objects is no repetition. An array in the query reaches the contract as one, which knows none.
  expect((await post(otp, '{"a":{"phone":"x: {"},"phone":"2"}')).status).toBe(202);
  await get('/api/v1/products?q=a&q=b');
  expect(seen.at(-1)?.input).toEqual({ q: ['a', 'b'] });
});

test('PA-5 A73: a message of a bank reaches its service byte for byte, with the headers of its sender and no others, and is answered 202', async () => {
  const hook = '/api/v1/payments/webhook/stripe';
  const signature = `t=${seconds()},v1=${'a'.repeat(64)},v1=${'b'.repeat(64)},v0=${'c'.repeat(64)}`;
  const texts = [
    '{\r\n  "name": "کلید — ‏\u200f🔑",\n\t"a" : 1.0,\n "a": 2,"__proto__":{}\r\n}\n',
    '\uFEFF{"id":"evt_1"}',
    '{"cut":',
    `${'['.repeat(10_000)}`,
    '',
    ' ',
  ];
  // Senders misspell their type, or leave it out.
  const types = ['application/json; charset=utf-8', 'aplication/json', 'text/plain', 'application/octet-stream'];
  for (const text of texts) {
    for (const type of types) {
      const answer = await post(hook, text, {
        'content-type': type,
        'stripe-signature': signature,
        'x-event-secret': 'hook',
        cookie: 'session=1',
      });
      expect(answer.status, `${type} ${text.slice(0, 20)}`).toBe(202);
      const { name, input, context } = seen.at(-1) ?? {};
      expect(name).toBe('payments.handlePspWebhook');
      expect(input).toEqual({
        psp: 'stripe',
        headers: { 'stripe-signature': signature, 'x-event-secret': 'hook' },
        body: text,
      });
      expect(context?.actor).toMatchObject({ kind: 'guest' });
    }
  }
  const bytes = Buffer.from('{"a":"بدون نوع"}');
  const untyped = httpRequest(gateway.url + hook, { method: 'POST', headers: { 'content-length': bytes.length } });
  untyped.end(bytes);
  const [response] = (await once(untyped, 'response')) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(202);
  expect(seen.at(-1)?.input).toEqual({ psp: 'stripe', headers: {}, body: bytes.toString() });
});

test('PA-5 A94: a message over 64 KiB is refused unread, one of exactly that is not; what its service refuses is a 401, for a bank that nobody knows too', async () => {
  const hook = '/api/v1/payments/webhook/stripe';
  const full = `{"a":"${'ک'.repeat((64 * 1024 - 8) / 2)}"}`;
  expect(Buffer.byteLength(full)).toBe(64 * 1024);
  expect((await post(hook, full)).status).toBe(202);
  expect(seen.at(-1)?.input['body']).toBe(full);
  const heardCount = seen.length;
  for (const more of [`${full} `, 'x'.repeat(10 * 1024 * 1024)])
    for (const type of ['application/json', 'text/plain'])
      expect((await post(hook, more, { 'content-type': type })).status).toBe(413);
  expect(seen).toHaveLength(heardCount);
  // A header that no bank writes is left out instead of stopping the call.
  await post(hook, '{}', { 'stripe-signature': 'x'.repeat(513), 'x-long': 'y'.repeat(2_000) });
  expect(seen.at(-1)?.input['headers']).toEqual({});

  answers.set('payments.handlePspWebhook', () => {
    throw pspWebhookRefused();
  });
  for (const psp of ['stripe', 'zarinpal', 'nobody', 'a%20b']) {
    const answer = await post(`/api/v1/payments/webhook/${psp}`, '{}');
    expect(answer.status, psp).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'payments.webhook-refused' });
  }
  expect((await get(hook)).status).toBe(405);
});

test('GW-9 A87: only a listed origin gets CORS headers, on answers, cached answers, problems and preflights', async () => {
  for (const path of ['/api/v1/cart', '/api/v1/categories', '/api/v1/categories', '/api/v1/nothing']) {
    for (const origin of ['https://shop.ir.evil.com', 'null', 'http://shop.ir', 'https://shop.ir:8443'])
      expect((await get(path, { origin })).headers.get('access-control-allow-origin'), origin).toBeNull();
    expect((await get(path, { origin: allowedOrigin })).headers.get('access-control-allow-origin')).toBe(allowedOrigin);
  }
  const preflight = (origin: string) =>
    fetch(`${gateway.url}/api/v1/checkout`, { method: 'OPTIONS', headers: { origin } });
  expect((await preflight('https://evil.com')).headers.get('access-control-allow-methods')).toBeNull();
  expect((await preflight(allowedOrigin)).headers.get('access-control-allow-methods')).toContain('POST');
});

test('GW-10: every error has one shape and a request id, which is in the logs', async () => {
  answers.set('orders.getCart', () => {
    throw new Error('a bug');
  });
  const token = bearer(await tokenOf());
  const errors: [number, Response][] = [
    [400, await post('/api/v1/auth/otp/request', '{')],
    [400, await get('/api/v1/products/%ZZ')],
    [401, await get('/api/v1/orders')],
    [403, await get('/api/v1/admin/orders', token)],
    [404, await get('/api/v1/nothing')],
    [404, await get(`/api/v1/products/slug/${'x'.repeat(400)}`)],
    [405, await fetch(`${gateway.url}/api/v1/orders`, { method: 'DELETE' })],
    [413, await post('/api/v1/auth/otp/request', 'x'.repeat(70_000))],
    [415, await post('/api/v1/auth/otp/request', 'x', { 'content-type': 'text/plain' })],
    [422, await post('/api/v1/auth/otp/request', '[]')],
    [500, await get('/api/v1/cart', token)],
  ];
  for (const [status, answer] of errors) {
    const body = (await answer.json()) as Record<string, unknown>;
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(body).toMatchObject({
      type: `/problems/${String(body['code'])}`,
      title: expect.any(String),
      status,
      instance: new URL(answer.url).pathname,
      requestId: answer.headers.get('x-request-id'),
    });
    if (status === 500) {
      expect(JSON.stringify(body)).not.toContain('a bug');
      expect(logLines.some((line) => line.includes(String(body['requestId'])) && line.includes('a bug'))).toBe(true);
    }
  }
  const fine = await get('/api/v1/cart', {});
  expect(fine.headers.get('x-request-id')).toBe(seen.at(-1)?.context.requestId);
});

test('PL-8 A41: the address comes from X-Forwarded-For only behind a known proxy; headers that name a user mean nothing', async () => {
  const forged = { 'x-forwarded-for': '6.6.6.6, 5.5.5.5', 'x-user-id': newId(), 'x-internal': '1', 'x-role': 'admin' };
  await get('/api/v1/cart', forged);
  expect(seen.at(-1)?.context).toMatchObject({ origin: { ip: '127.0.0.1' }, actor: { kind: 'guest' } });
  expect((await get('/api/v1/admin/orders', forged)).status).toBe(401);
  const behind = await gatewayWith({ GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
  await get('/api/v1/cart', forged, behind);
  expect(seen.at(-1)?.context.origin.ip).toBe('5.5.5.5');
});

test('PL-11: answers over 1 KiB are compressed, small ones are not', async () => {
  const big = () => ({ text: 'کلید '.repeat(2_000) });
  answers.set('orders.getCart', big);
  answers.set('catalog.listProducts', big);
  for (const path of ['/api/v1/cart', '/api/v1/products?q=big']) {
    for (const encoding of ['br', 'gzip']) {
      const answer = await get(path, { 'accept-encoding': encoding });
      expect(answer.headers.get('content-encoding')).toBe(encoding);
      expect(Number(answer.headers.get('content-length'))).toBeLessThan(1_024);
      expect(await answer.json()).toEqual(big());
    }
    expect((await get(path, { 'accept-encoding': 'identity' })).headers.get('content-encoding')).toBeNull();
  }
  answers.clear();
  expect((await get('/api/v1/cart', { 'accept-encoding': 'br' })).headers.get('content-encoding')).toBeNull();
});

const pageUrl = (query: string) => `${gateway.url.replace('http', 'ws')}/ws?${query}`;
/** The status that an attempt to open a live page is refused with, or 101. */
function openingOf(ticket: string | undefined, origin?: string): Promise<number> {
  const socket = new WebSocket(pageUrl(ticket === undefined ? '' : `ticket=${ticket}`), origin ? { origin } : {});
  return new Promise((done) => {
    socket.on('unexpected-response', (_request, response) => done(response.statusCode ?? 0));
    socket.on('error', () => undefined);
    socket.on('open', () => {
      socket.close();
      done(101);
    });
  });
}
async function openPage(userId: string, sessionId = newId(), query = '') {
  const ticket = newId();
  liveTickets.set(ticket, { userId, sessionId });
  const socket = new WebSocket(pageUrl(`ticket=${ticket}${query}`), { origin: allowedOrigin });
  const got: { id: string; data: unknown }[] = [];
  socket.on('message', (text: Buffer) => got.push(JSON.parse(text.toString()) as (typeof got)[number]));
  await once(socket, 'open');
  return { socket, got };
}
function happen(userId: string, agoMs = 0): string {
  const entry = { id: newId(), type: 'order.status-changed', data: {}, at: new Date(Date.now() - agoMs).toISOString() };
  feed.push({ userId, entry });
  return entry.id;
}

test('A86: a live page opens by a fresh ticket from a listed origin only, and a huge frame ends it', async () => {
  const ticket = () => {
    const made = newId();
    liveTickets.set(made, { userId: newId(), sessionId: newId() });
    return made;
  };
  const used = ticket();
  expect(await openingOf(used, allowedOrigin)).toBe(101);
  expect(await openingOf(used, allowedOrigin)).toBe(403);
  expect(await openingOf(undefined, allowedOrigin)).toBe(403);
  expect(await openingOf(ticket(), 'https://evil.com')).toBe(403);
  expect(await openingOf(ticket(), 'null')).toBe(403);
  const { socket } = await openPage(newId());
  const closed = once(socket, 'close');
  socket.send('x'.repeat(1024 * 1024));
  expect((await closed)[0]).toBe(1009);
});

test('A86: a connection that breaks while its ticket is read ends nothing but itself', async () => {
  answers.set('identity.redeemWsTicket', () => sleep(300).then(() => ({ session: null })));
  const { port } = new URL(gateway.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    'GET /ws?ticket=x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await sleep(100);
  socket.resetAndDestroy();
  await sleep(400);
  expect((await get('/health')).status).toBe(200);
});

test('NT-5: an open page gets the entries of its own user, each once, and `since` replays what it missed', async () => {
  const [userId, other] = [newId(), newId()];
  const { socket, got } = await openPage(userId);
  happen(other);
  const first = happen(userId);
  await waitFor('the entry', async () => got.length > 0);
  await sleep(500);
  expect(got.map(({ id }) => id)).toEqual([first]);
  socket.close();

  const since = new Date(Date.now() - 60_000).toISOString();
  const missed = [happen(userId, 50_000), happen(userId, 40_000)];
  happen(other, 45_000);
  const before = happen(userId, 61_000);
  const again = await openPage(userId, newId(), `&since=${since}`);
  await waitFor('the missed entries', async () => missed.every((id) => again.got.some((entry) => entry.id === id)));
  expect(again.got.map(({ id }) => id)).not.toContain(before);
  again.socket.close();

  // A replay that fails closes the page, which then comes again; it must not take the process with it.
  answers.set('notifications.listFeedSince', () => {
    throw serviceUnavailable();
  });
  const unlucky = await openPage(userId, newId(), `&since=${since}`);
  expect((await once(unlucky.socket, 'close'))[0]).toBe(1011);
});

test('PL-12: a cached answer that leaves during shutdown ends its connection', async () => {
  const closing = await gatewayWith({});
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  answers.set('catalog.listProducts', () => held.then(() => ({ ok: true })));
  const request = httpRequest(`${closing.url}/api/v1/products?q=closing`, { headers: { connection: 'keep-alive' } });
  request.end();
  const answered = once(request, 'response');
  await waitFor('the call', async () => seen.length === 1);
  const closed = closing.close();
  await sleep(50);
  release();
  const [response] = (await answered) as [IncomingMessage];
  expect([response.statusCode, response.headers.connection]).toEqual([200, 'close']);
  response.resume();
  await closed;
  more.splice(more.indexOf(closing), 1);
});
