import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CompactSign, generateKeyPair } from 'jose';
import { mediaNotFound } from '@kelid/contracts/catalog';
import { serviceUnavailable } from '@kelid/contracts/common';
import { pspWebhookRefused } from '@kelid/contracts/payments';
import { publicOperations } from '@kelid/contracts/routes';
import { newId } from '@kelid/service/ids';
import { signServiceToken } from '@kelid/service/service-token';
import { waitFor } from '@kelid/testing/start-service';
import { expect, test } from 'vitest';
import {
  allowedOrigin,
  answers,
  bearer,
  callOperation,
  claimsOf,
  encode,
  gateway,
  gatewayWith,
  get,
  kid,
  liveTickets,
  logLines,
  more,
  openingOf,
  openPage,
  post,
  publicJwk,
  revoked,
  seconds,
  seen,
  sign,
  tokenOf,
  tokenSecret,
  versionRead,
  writeToCatalog,
} from './test-gateway.ts';

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
    const question = path.endsWith('/suggest') ? '?q=a' : '';
    const answer = await fetch(gateway.url + path.replaceAll(/\{\w+\}/g, () => newId()) + question, {
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

test('H26: a token that is no good stands in nobody’s way to a code, to a new token, to what all may read, or of a bank; a cart it does not open', async () => {
  const dead = [
    bearer(await sign({ ...claimsOf(), exp: seconds() - 60 })),
    { authorization: 'Basic YTpi' },
    { authorization: 'Bearer' },
  ];
  for (const headers of dead) {
    for (const { service, name, operation } of publicOperations()) {
      if (!operation.access.includes('public')) continue;
      seen.length = 0;
      const answer = await callOperation(operation, headers, gateway);
      const isCart = operation.path.startsWith('/cart');
      if (isCart) expect([answer.status, seen.length], name).toEqual([401, 0]);
      else {
        expect(answer.status, name).toBe(operation.status);
        if (operation.cache === undefined)
          expect(seen, name).toMatchObject([{ name: `${service}.${name}`, context: { actor: { kind: 'guest' } } }]);
      }
    }
  }
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

test('AU-8 A26 A27 A28: an ended session is refused when the list of ended ones, read each second, was read twice; its open page is closed with 4401', async () => {
  const [sessionId, userId] = [newId(), newId()];
  const token = await tokenOf(['admin'], sessionId, userId);
  const { socket } = await openPage(userId, sessionId);
  expect((await get('/api/v1/admin/orders', bearer(token))).status).toBe(200);
  const closed = once(socket, 'close');
  let readCount = 0;
  answers.set('identity.listRevocations', () => {
    readCount += 1;
    return { sessionIds: [...revoked], asOf: new Date().toISOString() };
  });
  revoked.add(sessionId);
  await waitFor(
    'two reads by this and every other gateway of this file',
    async () => readCount >= 2 * (more.length + 1),
  );
  expect((await get('/api/v1/admin/orders', bearer(token))).status).toBe(401);
  expect((await closed)[0]).toBe(4401);
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

test('A98: what cannot be written down of who reads customers is not shown', async () => {
  const token = await tokenOf(['support']);
  answers.set('orders.listAllOrders', () => ({ items: [{ customerId: newId() }] }));
  for (const name of ['identity.claimStaffView', 'identity.recordViewedCustomers']) {
    answers.set(name, () => {
      throw new Error('identity is away');
    });
    const answer = await get('/api/v1/admin/orders', bearer(token));
    expect([answer.status, answer.headers.get('retry-after')], name).toEqual([503, '3']);
    expect(await answer.text()).not.toContain('customerId');
    answers.delete(name);
  }
  expect((await get('/api/v1/admin/orders', bearer(token))).status).toBe(200);
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
  writeToCatalog();
  await waitFor('the fresh answer', async () => (await read())[1] === 'after');
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
  writeToCatalog();
  await versionRead();
  expect(await read()).toBe('after');
  release();
  expect(await slow).toBe('before');
  expect(await read()).toBe('after');
});

test('GW-6: what was cached before the first version is known does not outlive it, nor a catalogue that is away', async () => {
  let isAway = true;
  let askedCount = 0;
  const askedAgain = async () => {
    const before = askedCount;
    await waitFor('the version to be asked for', async () => askedCount >= before + 4); // By two gateways.
  };
  answers.set('catalog.getCacheVersion', () => {
    askedCount += 1;
    if (isAway) throw serviceUnavailable({ retryAfterSeconds: 1 });
    return { version: 1 };
  });
  const young = await gatewayWith({});
  const read = async () => (await get('/api/v1/products?q=young', {}, young)).headers.get('x-cache');
  await read();
  isAway = false;
  await askedAgain();
  expect([await read(), await read()]).toEqual(['miss', 'hit']);
  isAway = true;
  await askedAgain();
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

test('GW-6: one question is one answer in the cache, however its address is spelt', async () => {
  const read = async (path: string) => (await get(path)).headers.get('x-cache');
  expect(await read('/api/v1/products?q=spelt&limit=5&inStock=true')).toBe('miss');
  for (const spelling of [
    '/api/v1/products?inStock=true&limit=5&q=spelt',
    '/api/v1/products?q=%73pelt&limit=05&inStock=true',
    '/api/v1/%70roducts?limit=5&q=spelt&inStock=true',
    '/api/v1/products?q=spelt&limit=5&inStock=true&language=fa',
    '/api/v1/products?q=spelt&limit=5&inStock=true&',
  ])
    expect(await read(spelling), spelling).toBe('hit');
  for (const other of ['q=spelt&limit=6&inStock=true', 'q=spelt&limit=5&inStock=false', 'q=Spelt%00&limit=5'])
    expect(await read(`/api/v1/products?${other}`), other).not.toBe('hit');
});

test('A88 A89: what is of one user is never kept, however odd its address; headers that are no part of the question change nothing', async () => {
  answers.set('orders.getOrder', (_input, context) => ({ actor: context.actor }));
  const [first, second] = await Promise.all([tokenOf(), tokenOf()]);
  for (const odd of ['', '.css', ';.js', '%0a', '.js?.css=1', '%2f..%2f..%2fproducts']) {
    for (const token of [first, second]) {
      const answer = await get(`/api/v1/orders/${newId()}${odd}`, bearer(token));
      expect([answer.headers.get('x-cache'), answer.headers.get('cache-control')], odd).toEqual([null, 'no-store']);
    }
    expect((await get(`/api/v1/orders/${newId()}${odd}`)).status, odd).toBeGreaterThan(400);
  }
  const plain = await get('/api/v1/products?q=unkeyed');
  const body = await plain.text();
  const headersOf = ({ headers }: Response) =>
    [...headers].filter(([name]) => !['date', 'x-cache', 'x-request-id'].includes(name));
  for (const junk of [
    { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'gopher', forwarded: 'host=evil.example' },
    { 'x-original-url': '/admin', 'x-rewrite-url': '/admin', 'x-http-method-override': 'DELETE' },
    { 'accept-language': '../../etc/passwd', 'x-language': 'xx', cookie: 'language=xx' },
  ]) {
    const answer = await get('/api/v1/products?q=unkeyed', junk as Record<string, string>);
    expect([answer.headers.get('x-cache'), await answer.text(), headersOf(answer)]).toEqual([
      'hit',
      body,
      headersOf(plain),
    ]);
  }
});

test('a private file is given for as long as its link, and kept nowhere; a public one is kept', async () => {
  const file = { contentType: 'image/png', contentBase64: 'AAAA' };
  const read = () => get('/api/v1/media/private.png?expires=1&signature=a');
  answers.set('catalog.getMedia', () => ({ ...file, isPublic: false }));
  const answer = await read();
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'private, no-store']);
  // The link is over.
  answers.set('catalog.getMedia', () => {
    throw mediaNotFound();
  });
  expect((await read()).status).toBe(404);
  answers.set('catalog.getMedia', () => ({ ...file, isPublic: true }));
  expect((await get('/api/v1/media/public.png')).headers.get('cache-control')).toContain('immutable');
  expect((await get('/api/v1/media/public.png')).headers.get('x-cache')).toBe('hit');
});

test('A81 A82: what is asked of the catalogue is answered or refused, whatever is in it, and what is no choice is refused', async () => {
  for (const q of [
    "'; drop table products --",
    '%',
    '_',
    String.raw`\x`,
    'x'.repeat(10_000),
    'a '.repeat(200),
    '\0',
    '🔑',
  ])
    expect([200, 422], q.slice(0, 20)).toContain((await get(`/api/v1/products?q=${encodeURIComponent(q)}`)).status);
  for (const raw of ['%ED%A0%80', '%C0%AF', '%', '%E0%A4'])
    expect([200, 400, 422], raw).toContain((await get(`/api/v1/products?q=${raw}`)).status);
  seen.length = 0;
  for (const query of [
    'sort=password',
    'sort=price;--',
    'language=xx',
    'type=all',
    'limit=101',
    'limit=1e2',
    'inStock=1',
  ])
    expect((await get(`/api/v1/products?${query}`)).status, query).toBe(422);
  expect(seen).toEqual([]);
});

test('A90: a request whose end can be read in two ways is refused', async () => {
  const { port } = new URL(gateway.url);
  for (const lengths of [
    'Content-Length: 2\r\nTransfer-Encoding: chunked',
    'Content-Length: 2\r\nContent-Length: 3',
    'Transfer-Encoding: chunked, identity',
    'Content-Length: +2',
  ]) {
    const socket = connect(Number(port), '127.0.0.1');
    socket.end(`POST /api/v1/auth/otp/request HTTP/1.1\r\nHost: a\r\n${lengths}\r\n\r\n{}`);
    const text = (await socket.setEncoding('utf8').toArray()).join('');
    expect(text.split('\r\n')[0], lengths).toBe('HTTP/1.1 400 Bad Request');
  }
});

test('A96: the public door shows nothing of what is behind it', async () => {
  for (const path of [
    '/metrics',
    '/.git/config',
    '/.env',
    '/package.json',
    '/src/service.ts',
    '/api/v1/..%2f..%2f.env',
  ])
    expect((await get(path)).status, path).toBe(404);
  expect(await (await get('/health')).json()).toEqual({ status: 'alive' });
  expect(await (await get('/ready')).json()).toEqual({ status: 'ready' });
});

test('PL-9: behind https the door asks to be found that way only', async () => {
  const secure = await gatewayWith({ GATEWAY_PUBLIC_URL: 'https://api.shop.ir' });
  for (const path of ['/health', '/api/v1/products', '/api/v1/nothing'])
    expect((await get(path, {}, secure)).headers.get('strict-transport-security')).toBe('max-age=31536000');
  expect((await get('/health')).headers.get('strict-transport-security')).toBeNull();
});

test('KY-10: a picture of a complaint comes through, and nothing else that is as long', async () => {
  const token = bearer(await tokenOf());
  const long = JSON.stringify({ reason: 'not_working', pictureBase64: 'A'.repeat(1_400_000) });
  const complaint = `/api/v1/orders/${newId()}/keys/${newId()}/complaint`;
  expect((await post(complaint, long, token)).status).toBe(200);
  expect(String(seen.at(-1)?.input['pictureBase64']).length).toBe(1_400_000);
  expect((await post(complaint, long.replace('AAAA', 'A'.repeat(200_000)), token)).status).toBe(413);
  expect((await post('/api/v1/checkout', long, token)).status).toBe(413);
});

test('GW-7 A11 A85 A94: a body or query that can be read in two ways, or is too much, is refused before any service', async () => {
  const otp = '/api/v1/auth/otp/request';
  const expected: [string, number, () => Promise<Response>][] = [
    ['twice', 422, () => post(otp, '{"phone":"1","phone":"2"}')],
    ['twice by an escape', 422, () => post(otp, '{"phone":"1","\\u0070hone":"2"}')],
    ['twice far from its colon', 422, () => post(otp, `{"phone":"1","phone"${' '.repeat(60)}:"2"}`)],
    ['twice inside', 422, () => post(otp, '{"a":{"b":1,"b":2}}')],
    ['query on POST', 422, () => post(`${otp}?phone=1`, '{"phone":"2"}')],
    ['a name that is none', 422, () => post(otp, '{"phone":"1","__proto__":{"role":"admin"}}')],
    ['a name that is none, inside', 422, () => post(otp, '{"phone":{"\\u005f_proto__":1}}')],
    ['twice in a query', 422, () => get('/api/v1/products?q=a&q=b')],
    ['a name that is none in a query', 422, () => get('/api/v1/products?__proto__=1')],
    ['a query that nobody reads', 422, () => get('/api/v1/products?cache=bust')],
    ['100,000 names', 413, () => post(otp, `{${Array.from({ length: 100_000 }, (_, at) => `"${at}":1`).join()}}`)],
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
  // The same name in two objects is no repetition.
  expect((await post(otp, '{"a":{"phone":"x: {"},"phone":"2"}')).status).toBe(202);
});

test('PA-5 A73: a message of a bank reaches its service byte for byte, with the headers that its operation names and no others, and is answered 202', async () => {
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
        headers: { 'stripe-signature': signature },
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

test('a browser that goes away while it sends is called that in the log, and no outage of the database', async () => {
  const { port } = new URL(gateway.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    'POST /api/v1/auth/otp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"phone',
  );
  await once(socket, 'connect');
  const linesBefore = logLines.length;
  await sleep(100);
  socket.resetAndDestroy();
  await waitFor('the log', async () =>
    logLines.slice(linesBefore).find((line) => line.includes('hung up while sending')),
  );
  expect(logLines.slice(linesBefore).join('')).not.toMatch(/"alarm"|did not answer/);
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
