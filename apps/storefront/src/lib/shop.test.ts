import { createServer } from 'node:http';
import { newId } from '@kelid/service/ids';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { nextPage, readListQuery, without } from './list-query.ts';
import { ownPath } from './own-path.ts';
import { refreshTokens, tokenCookies } from './session-cookies.ts';
import { shop } from './shop.ts';

test('A91: after signing in, an address of another shop is never followed', () => {
  for (const evil of [
    '//evil.example',
    String.raw`\\evil`,
    'https:evil.example',
    'https://evil.example',
    String.raw`/\evil.example`,
    '/\t/evil',
    '/.//evil.example/x',
    '/..//evil.example',
    '/%2e//evil.example',
    '/%2E%2e//evil.example',
    '/a/..//evil.example',
    '/a/../..//evil.example?x=1',
    '/./\\evil.example',
    '/\n//evil.example',
    '///evil.example',
    '/en/../fa/..//evil.example',
    'javascript:alert(1)',
    '',
    undefined,
    ['/a'],
  ])
    expect(ownPath(evil, '/')).toBe('/');
  for (const own of ['/checkout?x=1', '/', '/a/../b', '/orders/1?to=//evil.example', '/%5cevil.example'])
    expect(new URL(ownPath(own, 'none'), 'https://shop.ir').origin, own).toBe('https://shop.ir');
  expect(ownPath('/checkout?x=1', '/')).toBe('/checkout?x=1');
});

test('a shared address with Persian digits and nonsense shows what it can', () => {
  expect(
    readListQuery({
      q: ' استیم ',
      maxToman: '۵۰۰٬۰۰۰',
      sort: 'password',
      type: 'gift_card',
      inStock: 'true',
      platform: ['a', 'b'],
    }),
  ).toEqual({ q: 'استیم', maxPriceRial: 5_000_000, type: 'gift_card', inStock: true });
  expect(nextPage({ q: 'a b', cursor: 'old' }, 'new')).toBe('?q=a+b&cursor=new');
});

test('SF-1: taking one filter away keeps the others and goes back to the first page', () => {
  const search = { q: 'استیم', platform: 'steam', inStock: 'true', minToman: '', cursor: 'old', region: ['US', 'TR'] };
  expect(new URLSearchParams(without(search, 'platform')).toString()).toBe(
    new URLSearchParams({ q: 'استیم', inStock: 'true' }).toString(),
  );
  expect(without(search, 'cursor')).not.toContain('cursor');
});

test('a price that is no whole number of Toman filters nothing, and a whole one filters in Rial', () => {
  for (const odd of ['0', '-5', '1.5', '۱٫۵', 'abc', '9'.repeat(18)])
    expect(readListQuery({ minToman: odd, maxToman: odd })).toEqual({});
  expect(readListQuery({ minToman: '۱۰۰٬۰۰۰', maxToman: '200,000' })).toEqual({
    minPriceRial: 1_000_000,
    maxPriceRial: 2_000_000,
  });
});

test('A30: two tabs that refresh together rotate the session once', async () => {
  let count = 0;
  const server = createServer((_request, response) => {
    count += 1;
    const in10 = new Date(Date.now() + 600_000).toISOString();
    setTimeout(
      () =>
        response.setHeader('content-type', 'application/json').end(
          JSON.stringify({
            accessToken: 'a',
            expiresAt: in10,
            refreshToken: 'r2',
            refreshExpiresAt: in10,
            sessionId: newId(),
            user: { id: newId(), phone: '+989120000001', roles: [] },
          }),
        ),
      30,
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const url = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
  const [first, second] = await Promise.all([refreshTokens(url, 'r1'), refreshTokens(url, 'r1')]);
  server.close();
  expect(count).toBe(1);
  expect(second).toEqual(first);
  const cookies = first ? tokenCookies(first) : [];
  expect(
    cookies.every(
      (cookie) =>
        cookie.startsWith('__Host-') &&
        cookie.includes('HttpOnly') &&
        cookie.includes('Secure') &&
        cookie.includes('SameSite=Lax') &&
        cookie.includes('Path=/;'),
    ),
  ).toBe(true);
});

test('pages call operations by name: what is in the address, the query and the body, and problems with their data', async () => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (body: string) => seen.push(body));
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${String(request.headers['idempotency-key'] ?? '')}`);
      const isReading = request.method === 'GET';
      response.writeHead(isReading ? 200 : 409, { 'content-type': 'application/json' });
      response.end(isReading ? '{"items":[]}' : '{"code":"payments.balance-too-small","status":409,"freeRial":7}');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const own = globalThis.fetch;
  // A page's own origin, which Node has none of.
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => own(new URL(path, `http://127.0.0.1:${port}`), init));
  try {
    const orders = await shop.orders.listOrders({ status: 'pending_payment', limit: 1, language: 'fa' });
    if (!orders.ok) throw new Error(orders.code);
    expect(orders.value.items).toEqual([]);
    await shop.orders.getOrder({ orderId: 'a/b', language: 'en' });
    const asked = { bankAccountId: '1', amountRial: 10 };
    const refused = await shop.payments.requestWithdrawal(asked, { idempotencyKey: 'the-same-key' });
    if (refused.ok || refused.code !== 'payments.balance-too-small') throw new Error('It was not refused so');
    expect(refused.data.freeRial + 1).toBe(8);
    expect(seen).toEqual([
      'GET /api/v1/orders?status=pending_payment&limit=1&language=fa ',
      'GET /api/v1/orders/a%2Fb?language=en ',
      JSON.stringify(asked),
      'POST /api/v1/wallet/withdrawals the-same-key',
    ]);
  } finally {
    vi.unstubAllGlobals();
    server.close();
  }
  expect(await shop.orders.getCart({}).catch(() => 'thrown')).toMatchObject({ ok: false, code: 'other', status: 0 });
  // @ts-expect-error -- the order to look at is not named
  void (() => shop.orders.getOrder({ language: 'fa' }));
  // @ts-expect-error -- no operation of the shop's pages
  void (() => shop.orders.updateOrderStatus);
});
