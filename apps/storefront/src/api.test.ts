import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NextRequest } from 'next/server';
import { newId } from '@kelid/service/ids';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { visits } from './lib/visit.ts';

interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}
type Forward = (request: NextRequest) => Promise<Response>;

/** What the gateway answers, by path; 200 and `{}` unless a test says otherwise. */
const answers = new Map<string, { status: number; body: unknown }>();
const seen: Seen[] = [];
const gateway = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const [path = ''] = (request.url ?? '').split('?');
    const { method = '', headers } = request;
    seen.push({ method, path, headers, body: Buffer.concat(parts).toString() });
    const { status, body } = answers.get(path) ?? { status: 200, body: {} };
    response.writeHead(status, { 'content-type': 'application/json', 'x-cart-token': 'c'.repeat(40) });
    response.end(JSON.stringify(body));
  });
});
let forward: Forward;
beforeAll(async () => {
  await new Promise<void>((done) => gateway.listen(0, '127.0.0.1', done));
  process.env['GATEWAY_URL'] = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  process.env['SHOP_URL'] = 'https://shop.ir';
  forward = (await import('./app/api/v1/[...path]/route.ts')).POST;
});
beforeEach(() => {
  answers.clear();
  seen.length = 0;
  vi.restoreAllMocks();
});
afterAll(() => gateway.close());

const own = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
function ask(
  method: string,
  path: string,
  headers: Record<string, string> = own,
  body: BodyInit | undefined = method === 'GET' ? undefined : '{}',
): Promise<Response> {
  const request = new NextRequest(`http://localhost:3000/api/v1${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body, duplex: 'half' }),
  });
  return visits.run({ address: '198.51.100.7' }, () => forward(request));
}
const in10Minutes = () => new Date(Date.now() + 600_000).toISOString();
const user = { id: newId(), phone: '+989120000001', roles: [] };
const tokens = (refreshToken: string) => ({
  accessToken: 'an-access-token',
  expiresAt: in10Minutes(),
  refreshToken,
  refreshExpiresAt: in10Minutes(),
  sessionId: newId(),
  user,
});
const codeOf = async (answer: Response) => ((await answer.json()) as { code: string }).code;

test('A25: however its address is spelt, the answer of signing in holds no token; they are cookies', async () => {
  answers.set('/api/v1/auth/otp/verify', { status: 200, body: tokens('a-refresh-token') });
  for (const path of ['/auth/otp/verify', '/auth/otp/%76erify', '/auth/%6ftp/verify', '/auth/./otp/verify']) {
    const answer = await ask('POST', path);
    expect([answer.status, await answer.text()], path).toEqual([200, JSON.stringify({ user })]);
    expect(answer.headers.getSetCookie().join()).toContain('__Host-kelid_access=an-access-token');
    expect(seen.at(-1)?.path).toBe('/api/v1/auth/otp/verify');
    expect(JSON.parse(seen.at(-1)?.body ?? '')).toEqual({ device: expect.stringMatching(/^[\w-]{32}$/) });
  }
  seen.length = 0;
  for (const path of [
    '/auth/refresh',
    '/auth/refres%68',
    '/payments/callback/zarinpal',
    '/nothing',
    '/auth//otp/verify',
  ])
    expect([404, 405], path).toContain((await ask('POST', path)).status);
  expect((await ask('DELETE', '/products')).status).toBe(405);
  expect(seen).toEqual([]);
});

test('A85: a form or a script of another site cannot act with the cookies of the shop', async () => {
  const type = { 'content-type': 'application/json' };
  const cookie = { cookie: '__Host-kelid_access=mine' };
  for (const foreign of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://shop.ir' },
    { origin: 'https://evil.example' },
    { origin: 'https://shop.ir.evil.example' },
    { origin: 'null' },
    {},
  ])
    for (const [method, path] of [
      ['POST', '/checkout'],
      ['PUT', '/cart/coupon'],
      ['DELETE', '/cart/items/1'],
      ['POST', '/auth/logout'],
      ['POST', '/auth/otp/request'],
    ] as const)
      expect((await ask(method, path, { ...type, ...cookie, ...foreign })).status, JSON.stringify(foreign)).toBe(403);
  expect(seen).toEqual([]);
  for (const ours of [own, { ...type, origin: 'https://shop.ir' }, { ...type, origin: 'http://localhost:3000' }])
    expect((await ask('POST', '/checkout', { ...ours, ...cookie })).status).toBe(200);
  for (const wrong of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=a'])
    expect((await ask('POST', '/checkout', { ...own, 'content-type': wrong })).status).toBe(415);
});

test('A94: a body that is sent in pieces is given up where it grows longer than its operation takes', async () => {
  let pulledCount = 0;
  const endless = new ReadableStream({
    pull(controller) {
      pulledCount += 1;
      controller.enqueue(new Uint8Array(16 * 1024));
    },
  });
  const answer = await ask('POST', '/checkout', own, endless);
  expect([answer.status, seen.length]).toEqual([413, 0]);
  expect(pulledCount).toBeLessThan(10);
  const picture = JSON.stringify({ pictureBase64: 'A'.repeat(1_400_000) });
  expect((await ask('POST', '/orders/1/keys/2/complaint', own, picture)).status).toBe(200);
  expect(seen.at(-1)?.body.length).toBe(picture.length);
});

test('GW-4: a call of the shop, and the renewal of a session before it, carry the address of the visitor and no other', async () => {
  answers.set('/api/v1/auth/refresh', { status: 200, body: tokens('next') });
  await ask('GET', '/orders', { ...own, cookie: '__Host-kelid_refresh=first', 'x-forwarded-for': '6.6.6.6' });
  expect(seen.map(({ path, headers }) => [path, headers['x-forwarded-for']])).toEqual([
    ['/api/v1/auth/refresh', '198.51.100.7'],
    ['/api/v1/orders', '198.51.100.7'],
  ]);
  expect(seen.at(-1)?.headers.authorization).toBe('Bearer an-access-token');
});

test('a session that was renewed is kept though the call after it fails, and one that cannot be renewed now is not thrown away', async () => {
  answers.set('/api/v1/auth/refresh', { status: 200, body: tokens('renewed') });
  answers.set('/api/v1/orders', { status: 503, body: { code: 'service-unavailable' } });
  const failed = await ask('GET', '/orders', { ...own, cookie: '__Host-kelid_refresh=second' });
  expect([failed.status, failed.headers.getSetCookie().join()]).toEqual([503, expect.stringContaining('renewed')]);

  const limited = { type: '/problems/rate-limited', title: 'Too many', status: 429, code: 'rate-limited' };
  answers.set('/api/v1/auth/refresh', { status: 429, body: { ...limited, retryAfterSeconds: 30 } });
  const busy = await ask('GET', '/orders', { ...own, cookie: '__Host-kelid_refresh=third' });
  expect([busy.status, busy.headers.get('retry-after'), busy.headers.getSetCookie()]).toEqual([429, '30', []]);

  answers.set('/api/v1/auth/refresh', { status: 422, body: { code: 'invalid-input' } });
  const garbage = await ask('GET', '/orders', { ...own, cookie: '__Host-kelid_refresh=x' });
  expect(garbage.headers.getSetCookie().join()).toContain('__Host-kelid_refresh=;');
});

test('a gateway that is away is said to be away; a bug is said to be one, and is written down without what was sent', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  answers.set('/api/v1/auth/otp/verify', { status: 200, body: { nonsense: 'a-secret-token' } });
  const bug = await ask('POST', '/auth/otp/verify');
  expect([bug.status, await codeOf(bug)]).toEqual([500, 'internal-error']);
  expect(log).toHaveBeenCalledOnce();
  expect(String(log.mock.lastCall)).toContain('"level":"error"');
  expect(String(log.mock.lastCall)).not.toContain('a-secret-token');

  await new Promise((done) => gateway.close(done));
  const away = await ask('GET', '/products');
  expect([away.status, await codeOf(away), away.headers.get('retry-after')]).toEqual([503, 'service-unavailable', '5']);
  expect(String(log.mock.lastCall)).toContain('"level":"warn"');
});
