import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addressRanges } from '@kelid/service/ip-network';
import { afterEach, expect, test, vi } from 'vitest';
import { tellRefusal, visitorHeaders } from './lib/visit.ts';
import { createShopServer, type ShopServerOptions } from './shop-server.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0)) await close();
});

type Page = Parameters<typeof createShopServer>[0];
const seen: IncomingMessage['headers'][] = [];
const page: Page = async (request, response) => {
  seen.push(request.headers);
  await Promise.resolve(); // As pages do, it answers later: the visit is known there too.
  response.end(JSON.stringify(visitorHeaders()));
};

async function start(answer: Page = page, options: Partial<ShopServerOptions> = {}) {
  const server = createShopServer(answer, { isTrusted: addressRanges([]), isSecure: false, ...options });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => server.close());
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('PL-8: a visitor of the shop is where this server sees them; what they say of it counts only behind a proxy of ours', async () => {
  const said = { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
  const alone = await start();
  expect(await (await fetch(alone.url, { headers: said })).json()).toEqual({ 'x-forwarded-for': '127.0.0.1' });
  expect(seen.at(-1)).toMatchObject({ 'x-forwarded-for': '127.0.0.1' });
  expect(seen.at(-1)).not.toHaveProperty('x-forwarded-host');
  const behind = await start(page, { isTrusted: addressRanges(['127.0.0.0/8']) });
  const answer = await fetch(behind.url, { headers: { ...said, 'x-forwarded-for': '6.6.6.6, 198.51.100.7' } });
  expect(await answer.json()).toEqual({ 'x-forwarded-for': '198.51.100.7' });
  expect(seen.at(-1)).toMatchObject({ 'x-forwarded-proto': 'https' });
});

test('F25 A93: the shop gives 10 seconds for headers, 15 for a request and 30 of silence, and looks each second', async () => {
  const settings = {
    headersTimeout: 10_000,
    requestTimeout: 15_000,
    timeout: 30_000,
    connectionsCheckingInterval: 1_000,
  };
  expect((await start()).server).toMatchObject(settings);
});

test('A94: what is longer than its operation takes is refused by its announced length, and pages take nothing at all', async () => {
  const { url } = await start();
  seen.length = 0;
  const announce = async (method: string, path: string, length: number | 'in pieces') => {
    const headers = length === 'in pieces' ? { 'transfer-encoding': 'chunked' } : { 'content-length': length };
    const request = httpRequest(url + path, { method, headers });
    request.on('error', () => undefined);
    request.write('x');
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    request.destroy();
    return answer.statusCode;
  };
  expect(await announce('POST', '/api/v1/checkout', 50_000_000)).toBe(413);
  expect(await announce('POST', '/api/v1/%63heckout', 65_537)).toBe(413);
  expect(await announce('POST', '/api/v1/nothing', 10)).toBe(413);
  expect(await announce('GET', '/products', 10)).toBe(413);
  expect(await announce('GET', '/products', 'in pieces')).toBe(413);
  expect(await announce('POST', '/products', 50_000_000)).toBe(405);
  expect(seen).toEqual([]);
  const picture = Buffer.alloc(1_400_000, 'x');
  const complaint = `${url}/api/v1/orders/${'0'.repeat(36)}/keys/${'1'.repeat(36)}/complaint`;
  expect((await fetch(complaint, { method: 'POST', body: picture })).status).toBe(200);
});

test('a page that is refused says so with its status and when to come back, and every answer with its security headers', async () => {
  const refused = await start(
    async (_request, response) => {
      await Promise.resolve();
      tellRefusal({ status: 429, retryAfterSeconds: 17 });
      response.statusCode = 200;
      response.setHeader('cache-control', 'public');
      response.end('a page');
    },
    { isSecure: true },
  );
  const answer = await fetch(refused.url);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'retry-after': '17',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'strict-transport-security': 'max-age=31536000',
  });
  expect([answer.status, await answer.text()]).toEqual([429, 'a page']);
  const plain = await fetch(`${(await start()).url}/api/v1/cart`);
  expect([plain.status, plain.headers.get('x-content-type-options')]).toEqual([200, 'nosniff']);
  expect([plain.headers.get('retry-after'), plain.headers.get('strict-transport-security')]).toEqual([null, null]);
});

test('a bug of a page is a 500 that somebody can read about', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const { url } = await start(() => Promise.reject(new Error('a bug')));
  expect((await fetch(url)).status).toBe(500);
  expect(String(log.mock.lastCall)).toContain('"message":"a bug"');
});
