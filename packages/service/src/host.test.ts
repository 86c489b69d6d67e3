import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { contracts } from '@kelid/contracts/all';
import { serviceUnavailable } from '@kelid/contracts/common';
import { type Operation, ProblemError } from '@kelid/contracts/contract';
import { stockShort } from '@kelid/contracts/inventory';
import { notificationsContract, otpNotAccepted } from '@kelid/contracts/notifications';
import { startServices, type TestServices, waitFor } from '@kelid/testing/start-service';
import { sql } from 'drizzle-orm';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { Actor, BaseContext } from './context.ts';
import type { AnyService } from './define-service.ts';
import { type Host, startHost } from './host.ts';
import { ConfigError } from './host-config.ts';
import { newId } from './ids.ts';
import { parseInput } from './invoke.ts';
import { signServiceToken } from './service-token.ts';
import { effects } from './test-tables.ts';
import { serviceOf, setAway } from './test-services.ts';

const origin = { ip: '127.0.0.1', userAgent: 'vitest' };
const open: TestServices[] = [];
afterEach(async () => {
  for (const shop of open.splice(0)) await shop.close();
});

async function start(service: AnyService, env: Record<string, string> = {}): Promise<TestServices> {
  const shop = await startServices({ services: [service], env: { RUN: 'api', ...env } });
  open.push(shop);
  return shop;
}

async function tokenOf(shop: TestServices, actor: Actor, audience = 'notifications'): Promise<string> {
  return signServiceToken(new TextEncoder().encode(shop.env['SERVICE_TOKEN_SECRET']), audience, { actor, origin });
}

const otp = () => ({
  challengeId: newId(),
  sendNumber: 1,
  phone: '+989121234567',
  code: '482913',
  expiresAt: new Date(Date.now() + 180_000).toISOString(),
});

function callOtp(shop: TestServices, headers: Record<string, string>, body: object = otp()): Promise<Response> {
  return fetch(`${shop.host.internalUrl}/rpc/notifications/sendOtp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

/** A service whose operation waits until the test opens its gate, and then writes a row. */
function gatedService() {
  let letGo = () => {};
  const gate = new Promise<void>((done) => (letGo = done));
  const seen = { startedCount: 0 };
  // One after another: on a busy machine 200 at once would wait too long for the pool's few connections.
  let turn: Promise<unknown> = gate;
  const service = serviceOf(notificationsContract, {
    operations: {
      sendOtp: async (ctx: BaseContext, input: Record<string, unknown>) => {
        seen.startedCount += 1;
        turn = turn.then(() => ctx.db.insert(effects).values({ eventId: String(input['challengeId']) }));
        await turn;
        return undefined;
      },
    },
  });
  return { service, seen, letGo: () => letGo() };
}

test('PL-12: a shutdown amid 200 requests finishes each of them and takes no new one', async () => {
  const { service, seen, letGo } = gatedService();
  const shop = await start(service);
  const authorization = `Bearer ${await tokenOf(shop, { kind: 'service', name: 'identity' })}`;
  const inputs = Array.from({ length: 200 }, otp);
  const answers = Promise.all(inputs.map((input) => callOtp(shop, { authorization }, input)));
  await waitFor('200 requests in flight', async () => seen.startedCount === 200);

  let isClosed = false;
  const closing = shop.host.close().then(() => (isClosed = true));
  expect((await shop.host.readiness()).isReady).toBe(false);
  const late = await callOtp(shop, { authorization }).then(
    (response) => response.status,
    () => 'no connection',
  );
  expect([503, 'no connection']).toContain(late);
  expect(isClosed).toBe(false);

  letGo();
  expect((await answers).map((answer) => answer.status)).toEqual(inputs.map(() => 200));
  await closing;
  // No connection that is only kept alive holds it up until its patience is over.
  expect(shop.logLines.filter((line) => line.includes('what was running was not waited for'))).toEqual([]);
  const rows = await shop.ownerSql('notifications', 'select event_id from effects order by event_id');
  expect(rows.map((row) => row['event_id'])).toEqual(inputs.map((input) => input.challengeId).toSorted());
  expect(seen.startedCount).toBe(200);
});

test('PL-12: an event that is being handled at shutdown is handled to its end', async () => {
  let startedCount = 0;
  let finishedCount = 0;
  const shop = await start(
    serviceOf(notificationsContract, {
      events: {
        'order.placed': async (ctx) => {
          startedCount += 1;
          await ctx.db.insert(effects).values({ eventId: newId() });
          await new Promise((done) => setTimeout(done, 300));
          await ctx.db.insert(effects).values({ eventId: newId() });
          finishedCount += 1;
        },
      },
    }),
    { RUN: 'all' },
  );
  await shop.sql('notifications', 'insert into outbox (id, type, data) values ($1, $2, $3)', [
    newId(),
    'order.placed',
    { orderId: newId(), orderNumber: 'K7M2-94QX', customerId: newId(), version: 1, totalRial: 1 },
  ]);
  await waitFor('the event', async () => startedCount === 1);
  await shop.host.close();
  expect(finishedCount).toBe(1);
});

test('a problem that an operation does not declare, or whose data is not as declared, is a logged bug and a bare 500', async () => {
  const ends: ProblemError[] = [
    otpNotAccepted(),
    serviceUnavailable({ retryAfterSeconds: 3 }),
    stockShort({ variantIds: [newId()] }), // As a peer answers one, when nobody catches it.
    ProblemError.fromBody({ ...serviceUnavailable({ retryAfterSeconds: 3 }).toBody(), retryAfterSeconds: 'soon' }, 503),
    ProblemError.fromBody({ ...otpNotAccepted().toBody(), phone: '+989121234567' }, 422),
  ];
  const shop = await start(
    serviceOf(notificationsContract, { operations: { sendOtp: () => Promise.reject(ends.shift() ?? new Error()) } }),
  );
  const authorization = `Bearer ${await tokenOf(shop, { kind: 'service', name: 'identity' })}`;
  const answers: unknown[] = [];
  while (ends.length > 0) {
    const response = await callOtp(shop, { authorization });
    const { code, retryAfterSeconds, variantIds, phone } = (await response.json()) as Record<string, unknown>;
    answers.push([response.status, code, retryAfterSeconds ?? variantIds ?? phone]);
  }
  expect(answers).toEqual([
    [otpNotAccepted.status, 'notifications.otp-not-accepted', undefined],
    [503, 'service-unavailable', 3],
    [500, 'internal-error', undefined],
    [500, 'internal-error', undefined],
    [otpNotAccepted.status, 'notifications.otp-not-accepted', undefined],
  ]);
  const alarms = shop.logLines.filter((line) => line.includes('"alarm":"bug"'));
  expect(alarms.map((line) => (JSON.parse(line) as { err: { code: string } }).err.code)).toEqual([
    'inventory.stock-short',
    'service-unavailable',
  ]);
});

test('PL-16: a process of the API runs no job, and worker processes share the work: each piece once, and each of them some', async () => {
  const done: { worker: string; id: number }[] = [];
  const worker = (name: string) =>
    serviceOf(notificationsContract, {
      sweeps: [
        {
          name: 'work',
          everyMs: 10,
          async run(ctx: BaseContext) {
            const { rows } = await ctx.db.execute<{ id: number }>(
              sql`delete from effects where id = (select id from effects order by id limit 1 for update skip locked) returning id`,
            );
            for (const { id } of rows) {
              done.push({ worker: name, id });
              await new Promise((slept) => setTimeout(slept, 20));
            }
            return rows.length;
          },
        },
      ],
    });
  const shop = await start(worker('api'));
  await shop.sql('notifications', 'insert into effects (event_id) select uuidv7() from generate_series(1, 60)');
  await new Promise((slept) => setTimeout(slept, 300));
  expect(done).toEqual([]);
  const names = ['worker 1', 'worker 2', 'worker 3'];
  const hosts = await Promise.all(
    names.map((name) =>
      startHost({
        services: [worker(name)],
        env: { ...shop.env, RUN: 'jobs' },
        logDestination: { write: () => undefined },
      }),
    ),
  );
  await waitFor('the work', async () => done.length === 60);
  await Promise.all(hosts.map((host) => host.close()));
  expect(new Set(done.map(({ id }) => id)).size).toBe(60);
  for (const name of names) expect(done.filter((piece) => piece.worker === name).length).toBeGreaterThan(5);
});

test('PL-13 F9: /ready names each part that is away and is right again by itself; a shop stays open without its queue, a worker does not; /health stays 200', async () => {
  const shop = await start(serviceOf(notificationsContract, {}), { RUN: 'all' });
  const worker = await startHost({
    services: [serviceOf(notificationsContract, {})],
    env: { ...shop.env, RUN: 'jobs' },
    logDestination: { write: () => undefined },
  });
  const statusOf = async (host: Host, path = '/ready') => {
    const response = await fetch(host.internalUrl + path);
    return [response.status, (await response.json()) as unknown];
  };
  const all = { notifications: 'ready', queue: 'ready' };
  const inOrder = { status: 'ready', parts: all };
  for (const host of [shop.host, worker]) expect(await statusOf(host)).toEqual([200, inOrder]);

  for (const [part, url, shopStatus] of [
    ['notifications', shop.databaseUrls['notifications']?.appUrl ?? '', 503],
    ['queue', shop.env['QUEUE_DATABASE_URL'] ?? '', 200],
  ] as const) {
    await setAway(url, true);
    const parts = { ...all, [part]: 'away' };
    for (const [host, code] of [
      [shop.host, shopStatus],
      [worker, 503],
    ] as const) {
      await waitFor(`${part} away`, async () => JSON.stringify(await statusOf(host)).includes('away'));
      expect(await statusOf(host)).toEqual([code, { status: code === 200 ? 'ready' : 'not-ready', parts }]);
      expect(await statusOf(host, '/health')).toEqual([200, { status: 'alive' }]);
    }
    await setAway(url, false);
    for (const host of [shop.host, worker])
      await waitFor('ready again', async () => !JSON.stringify(await statusOf(host)).includes('away'));
  }
  await worker.close();
});

test('PL-5: calls between processes, readiness and metrics are on the internal address alone, which is this machine unless it is set', async () => {
  const shop = await start(serviceOf(notificationsContract, {}), { HOST: '127.0.0.3' });
  const { hostname, port } = new URL(shop.host.internalUrl);
  expect(hostname).toBe('127.0.0.1');
  // A port on every address would be told as this one too.
  await expect(fetch(`http://127.0.0.3:${port}/health`)).rejects.toThrow('fetch failed');
  const elsewhere = await start(serviceOf(notificationsContract, {}), { INTERNAL_HOST: '127.0.0.2' });
  expect(new URL(elsewhere.host.internalUrl).hostname).toBe('127.0.0.2');
});

test('AU-12: text that no database keeps, NUL or half a character, is a 422 that names its field, wherever it stands', async () => {
  const { service, seen, letGo } = gatedService();
  letGo();
  const shop = await start(service);
  const authorization = `Bearer ${await tokenOf(shop, { kind: 'service', name: 'identity' })}`;
  for (const [body, field] of [
    [{ ...otp(), code: '48\u000013' }, 'code'],
    [{ ...otp(), code: '48\ud80013' }, 'code'],
    [{ ...otp(), more: { deep: ['fine', '\udc00'] } }, 'more.deep.1'],
    [{ ...otp(), more: { 'na\u0000me': 1 } }, 'more.?'],
  ] as const) {
    const answer = await callOtp(shop, { authorization }, body);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ errors: [{ field }] });
  }
  expect(seen.startedCount).toBe(0);
  // A character of two halves is one, and Persian is fine.
  expect((await callOtp(shop, { authorization }, { ...otp(), code: '🗝کلید' })).status).not.toBe(500);
});

test('A83: a line break is a 422 that names its field, in every text of every operation but those that may have several lines', async () => {
  const made = 'Ali\r\nBcc: everybody@shop.ir';
  const told = (operation: Operation, input: object) => {
    try {
      parseInput(operation, input);
    } catch (error) {
      const { errors } = (error as { data: { errors: { field: string; message: string }[] } }).data;
      return errors.filter(({ message }) => message === 'Is one line').map(({ field }) => field);
    }
    return [];
  };
  for (const contract of Object.values(contracts)) {
    for (const [name, operation] of Object.entries<Operation>(contract.operations)) {
      for (const field of Object.keys(operation.input.shape)) {
        const isOneLine = !/^(about|activationGuide|body|codes|csv|description|lines|note|params|reason)$/.test(field);
        const fields = told(operation, { [field]: made, more: { deep: [made] } });
        expect(fields, name).toEqual(isOneLine ? [field, 'more.deep.0'] : ['more.deep.0']);
      }
    }
  }
  const { sendOtp } = notificationsContract.operations;
  for (const sign of ['\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029'])
    expect(told(sendOtp, { code: `48${sign}13` }), JSON.stringify(sign)).toEqual(['code']);
  const { service, letGo } = gatedService();
  letGo();
  const shop = await start(service);
  const authorization = `Bearer ${await tokenOf(shop, { kind: 'service', name: 'identity' })}`;
  const answer = await callOtp(shop, { authorization }, { ...otp(), phone: '+989121234567\r\n+989121234568' });
  expect([answer.status, await answer.json()]).toMatchObject([422, { errors: [{ field: 'phone' }] }]);
});

test('thousands of calls on one connection leave no listener behind on it', async () => {
  const { service, letGo } = gatedService();
  letGo();
  const shop = await start(service);
  const authorization = `Bearer ${await tokenOf(shop, { kind: 'service', name: 'identity' })}`;
  const sockets = new Set<Socket>();
  const listenerCounts: number[] = [];
  const look = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort !== Number(new URL(shop.host.internalUrl).port)) return;
    sockets.add(socket);
    listenerCounts.push(socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0));
  };
  subscribe('http.server.request.start', look);
  for (let number = 0; number < 60; number += 1) expect((await callOtp(shop, { authorization })).status).toBe(200);
  unsubscribe('http.server.request.start', look);
  expect(sockets.size).toBeLessThan(10);
  expect(Math.max(...listenerCounts) - Math.min(...listenerCounts)).toBeLessThan(5);
});

test('who hangs up is called that, not an outage of the database and not a bug', async () => {
  const hasStarted = Promise.withResolvers<void>();
  const shop = await start(
    serviceOf(notificationsContract, {
      operations: {
        sendOtp: async (ctx: BaseContext) => {
          hasStarted.resolve();
          await sleep(60_000, undefined, { signal: ctx.signal });
        },
      },
    }),
  );
  const caller = new AbortController();
  const answer = fetch(`${shop.host.internalUrl}/rpc/notifications/sendOtp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await tokenOf(shop, { kind: 'service', name: 'identity' })}`,
    },
    body: JSON.stringify(otp()),
    signal: caller.signal,
  }).catch(() => 'hung up');
  await hasStarted.promise;
  caller.abort();
  expect(await answer).toBe('hung up');
  const line = await waitFor('the log', async () => shop.logLines.find((text) => text.includes('given up')));
  expect(JSON.parse(line)).toMatchObject({ level: 'info', reason: 'the caller hung up' });
  expect(shop.logLines.join('')).not.toMatch(/"alarm"|database did not answer/);
});

test('PL-14: a start with a poor configuration names every missing or weak variable in one line, and shows no value', async () => {
  const service = serviceOf(notificationsContract, { peers: ['identity', 'orders'] });
  const env = {
    SERVICE_TOKEN_SECRET: 'hunter2',
    RUN: 'sometimes',
    INTERNAL_PORT: '99999',
    IDENTITY_URL: 'http://identity:3000',
  };
  const error: unknown = await startHost({ services: [service], env }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConfigError);
  const { message } = error instanceof Error ? error : new Error('none');
  for (const name of ['SERVICE_TOKEN_SECRET', 'RUN', 'INTERNAL_PORT', 'NOTIFICATIONS_DATABASE_URL', 'ORDERS_URL'])
    expect(message).toContain(name);
  expect(message).not.toMatch(/IDENTITY_URL|hunter2|\n/);

  const noQueue = {
    SERVICE_TOKEN_SECRET: 'a secret of the test run, long enough',
    NOTIFICATIONS_DATABASE_URL: 'postgres://db/x',
    IDENTITY_URL: 'http://i',
    ORDERS_URL: 'http://o',
  };
  await expect(startHost({ services: [service], env: noQueue })).rejects.toThrow(
    'QUEUE_DATABASE_URL (or REDIS_URL) is missing',
  );
});

test('A46 A41: a service port refuses every call that carries no identity signed for that service', async () => {
  const { service, seen, letGo } = gatedService();
  letGo();
  const shop = await start(service);
  const system: Actor = { kind: 'service', name: 'identity' };
  const forged = await signServiceToken(
    new TextEncoder().encode('a secret that somebody else made up'),
    'notifications',
    { actor: system, origin },
  );
  const foreign = await tokenOf(shop, system, 'payments');
  const customer = await tokenOf(shop, {
    kind: 'user',
    userId: newId(),
    sessionId: newId(),
    roles: ['customer', 'admin'],
  });
  const guest = await tokenOf(shop, { kind: 'guest' });
  const forgedHeaders = {
    'x-internal': '1',
    'x-user-id': newId(),
    'x-forwarded-for': '127.0.0.1',
    'x-middleware-subrequest': 'middleware',
  };
  for (const [headers, status] of [
    [{}, 401],
    [forgedHeaders, 401],
    [{ authorization: 'Basic aWRlbnRpdHk6' }, 401],
    [{ authorization: `Bearer ${forged}` }, 401],
    [{ authorization: `Bearer ${foreign}` }, 401],
    [{ authorization: `Bearer ${guest}` }, 401],
    [{ authorization: `Bearer ${customer}`, ...forgedHeaders }, 403],
  ] as const) {
    const answer = await callOtp(shop, headers);
    expect(answer.status, JSON.stringify(headers)).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  }
  expect(seen.startedCount).toBe(0);
  const allowed = await callOtp(shop, { authorization: `Bearer ${await tokenOf(shop, system)}` });
  expect([allowed.status, seen.startedCount]).toEqual([200, 1]);
});

test('A46 A94: who brings no token is answered before a byte of the 58 MB that they announce is taken', async () => {
  const { service } = gatedService();
  const shop = await start(service);
  const announced = request(`${shop.host.internalUrl}/rpc/notifications/sendOtp`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': 58_000_000 },
  });
  announced.write('{');
  const [answer] = (await once(announced, 'response')) as [IncomingMessage];
  expect([answer.statusCode, answer.headers.connection]).toEqual([401, 'close']);
  announced.destroy();
});

test('A46: two hosts with one secret call each other over HTTP; with different secrets they do not', async () => {
  const { service, seen, letGo } = gatedService();
  letGo();
  const shop = await start(service);
  const callerEnv = { INTERNAL_PORT: '0', RUN: 'api', NOTIFICATIONS_URL: shop.host.internalUrl, LOG_LEVEL: 'silent' };
  for (const [secret, outcome] of [
    [shop.env['SERVICE_TOKEN_SECRET'], 'fulfilled'],
    ['another secret, also long enough to be one', 'rejected'],
  ] as const) {
    const caller = await startHost({ services: [], env: { ...callerEnv, SERVICE_TOKEN_SECRET: secret } });
    const [result] = await Promise.allSettled([
      caller.call('notifications', 'sendOtp', otp(), caller.contextOf('identity')),
    ]);
    expect(result.status).toBe(outcome);
    await caller.close();
  }
  expect(seen.startedCount).toBe(1);
});
