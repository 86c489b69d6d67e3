import { Redis } from 'ioredis';
import { newId } from '@kelid/service/ids';
import { hasRedis, startRedis } from '@kelid/service/test-services';
import { waitFor } from '@kelid/testing/start-service';
import { expect, test } from 'vitest';
import { answers, bearer, gatewayWith, get, logLines, seen, tokenOf } from './test-gateway.ts';

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

test.skipIf(!hasRedis)(
  'F10: a Redis that does not answer keeps nobody waiting: limits are counted here, and after some silence it is not even asked',
  async () => {
    const redis = await startRedis();
    const control = new Redis(redis.url);
    const asker = await gatewayWith({
      REDIS_URL: redis.url,
      GATEWAY_ANONYMOUS_PER_MINUTE: '30',
      GATEWAY_TRUSTED_PROXIES: '127.0.0.1',
    });
    try {
      const scripts = async () => {
        const counts = /cmdstat_evalsha:calls=(\d+)/.exec(await control.info('commandstats'));
        return Number(counts?.[1] ?? 0);
      };
      await waitFor('Redis to be used', async () => {
        const { parts } = (await (await get('/ready', {}, asker)).json()) as { parts: { redis: string } };
        return parts.redis === 'ready';
      });
      // Somebody else: on a busy machine this one may be counted here already.
      expect((await get('/api/v1/cart', { 'x-forwarded-for': '198.51.100.9' }, asker)).status).toBe(200);
      const before = await waitFor('the count in Redis', scripts);
      // Whatever is to be counted in it is answered after the pause, which is longer than this test.
      await control.call('client', 'pause', '120000', 'write');
      const statuses: number[] = [];
      for (let at = 0; at < 31; at += 1) statuses.push((await get('/api/v1/cart', {}, asker)).status);
      expect(statuses).toEqual([...Array.from({ length: 30 }, () => 200), 429]);
      await control.call('client', 'unpause');
      expect((await scripts()) - before).toBeLessThan(15);
    } finally {
      control.disconnect();
      redis.stop();
    }
  },
);

test('GW-4: visitors of the shop have a limit each, as if they came by themselves; what others say of their address is not heard', async () => {
  const limits = { GATEWAY_ANONYMOUS_PER_MINUTE: '3' };
  const shopOf = await gatewayWith({ ...limits, GATEWAY_TRUSTED_PROXIES: '127.0.0.0/8' });
  const statuses = async (at: typeof shopOf, ...addresses: string[]) => {
    const found: number[] = [];
    for (const address of addresses) found.push((await get('/api/v1/cart', { 'x-forwarded-for': address }, at)).status);
    return found;
  };
  const eager = '198.51.100.7';
  expect(await statuses(shopOf, eager, eager, eager, eager)).toEqual([200, 200, 200, 429]);
  expect(await statuses(shopOf, '198.51.100.8', `6.6.6.6, ${eager}`)).toEqual([200, 429]);
  // A line of IPv6 has more addresses than anybody could count.
  const line = ['2001:db8:1:2::1', '2001:db8:1:2::2', '2001:db8:1:2:a::3', '2001:db8:1:2:ffff::4'];
  expect(await statuses(shopOf, ...line, '2001:db8:1:3::1')).toEqual([200, 200, 200, 429, 200]);

  const alone = await gatewayWith(limits);
  expect(await statuses(alone, '1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4')).toEqual([200, 200, 200, 429]);
  expect(logLines.filter((line) => line.includes('GATEWAY_TRUSTED_PROXIES'))).toHaveLength(1);
});

test('GW-4: renewals of a session are counted by the visitor whose session it is', async () => {
  const shopOf = await gatewayWith({ GATEWAY_ANONYMOUS_PER_MINUTE: '2', GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
  const renew = async (address: string) =>
    (
      await fetch(`${shopOf.url}/api/v1/auth/refresh`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
        body: JSON.stringify({ refreshToken: 'x'.repeat(40) }),
      })
    ).status;
  expect([await renew('198.51.100.7'), await renew('198.51.100.7'), await renew('198.51.100.7')]).toEqual([
    200, 200, 429,
  ]);
  expect(await renew('198.51.100.8')).toBe(200);
});

// Written down apart from the contracts, so that a limit cannot be taken from both at once.
test.each([
  ['reportKey', 6, 'POST', '/orders/{id}/keys/{id}/complaint', 'customer'],
  ['addBankAccount', 5, 'POST', '/wallet/bank-accounts', 'customer'],
  ['requestWithdrawal', 10, 'POST', '/wallet/withdrawals', 'customer'],
  ['checkGameAccount', 20, 'POST', '/game-accounts/check', 'guest'],
  ['revealKey', 30, 'POST', '/orders/{id}/keys/{id}/reveal', 'customer'],
  ['putCartCoupon', 30, 'PUT', '/cart/coupon', 'guest'],
  ['revealDigitalKey', 30, 'POST', '/admin/digital-keys/{id}/reveal', 'admin'],
  ['suggest', 120, 'GET', '/search/suggest', 'guest'],
] as const)(
  'GW-5: %s is answered %i times a minute and not once more, to each by themselves',
  async (_name, limit, method, path, role) => {
    const uncached = await gatewayWith({ GATEWAY_CACHE_MB: '0', GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
    const call = async (who: Record<string, string>, at: number) => {
      const url = `${uncached.url}/api/v1${path.replaceAll('{id}', () => newId())}`;
      return fetch(method === 'GET' ? `${url}?q=${at}` : url, {
        method,
        headers: { 'content-type': 'application/json', 'idempotency-key': newId(), ...who },
        ...(method === 'GET' ? {} : { body: '{}' }),
      });
    };
    const somebody = async (address: string): Promise<Record<string, string>> =>
      role === 'guest' ? { 'x-forwarded-for': address } : bearer(await tokenOf([role]));
    const [one, other] = [await somebody('198.51.100.7'), await somebody('198.51.100.8')];
    const statuses = new Set<number>();
    for (let at = 0; at < limit; at += 1) statuses.add((await call(one, at)).status);
    expect([...statuses].filter((status) => status >= 400)).toEqual([]);
    const refused = await call(one, limit);
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect((await call(other, limit)).status).toBeLessThan(400);
  },
);

const callbackPath = (authority: string) => `/api/v1/payments/callback/zarinpal?Authority=${authority}&Status=OK`;

test('GW-4 A47: the same callback again and again is refused in the end; another one, and the same from another address, never', async () => {
  const shopOf = await gatewayWith({ GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
  const comeBack = async (authority: string, address = '198.51.100.7') =>
    (
      await fetch(shopOf.url + callbackPath(authority), {
        redirect: 'manual',
        headers: { 'x-forwarded-for': address },
      })
    ).status;
  const statuses = await Promise.all(Array.from({ length: 62 }, () => comeBack('A1')));
  expect(statuses.filter((status) => status === 303)).toHaveLength(60);
  expect(statuses.filter((status) => status === 429)).toHaveLength(2);
  expect([await comeBack('A2'), await comeBack('A1', '198.51.100.8')]).toEqual([303, 303]);
  // As many different ones as anybody likes: none is refused for its number.
  const others = await Promise.all(Array.from({ length: 150 }, (_, at) => comeBack(`B${at}`)));
  expect(new Set(others)).toEqual(new Set([303]));
});

test('A47: the noise of one address takes eight places at most, and a true callback of another address passes it by', async () => {
  const shopOf = await gatewayWith({ GATEWAY_TRUSTED_PROXIES: '127.0.0.1' });
  let letGo = () => {};
  const held = new Promise<void>((done) => (letGo = done));
  answers.set('payments.handlePspCallback', async ({ params }) => {
    if ((params as { Authority: string }).Authority.startsWith('noise')) await held;
    return { location: 'https://shop.ir/payment/result' };
  });
  const comeBack = async (authority: string, address: string) =>
    (
      await fetch(shopOf.url + callbackPath(authority), {
        redirect: 'manual',
        headers: { 'x-forwarded-for': address },
      })
    ).status;
  const noise = Array.from({ length: 230 }, (_, at) => comeBack(`noise${at}`, '198.51.100.7'));
  let refusedCount = 0;
  for (const call of noise) void call.then((status) => (refusedCount += status === 429 ? 1 : 0));
  await waitFor('the places to be taken', async () => refusedCount === 22);
  expect(seen).toHaveLength(8);
  expect(await comeBack('true', '198.51.100.8')).toBe(303);
  letGo();
  const statuses = await Promise.all(noise);
  expect(statuses.filter((status) => status === 303)).toHaveLength(208);
});
