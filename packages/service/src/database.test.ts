import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { ordersContract } from '@kelid/contracts/orders';
import { ProblemError } from '@kelid/contracts/contract';
import { startServices, type TestServices, waitFor } from '@kelid/testing/start-service';
import { createTestDatabase, type TestDatabase } from '@kelid/testing/test-postgres';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { BaseContext } from './context.ts';
import { type Database, isDatabaseAway, openDatabase, sqlState } from './database.ts';
import { answerKey, claimKey, type KeyScope } from './idempotency.ts';
import { newId } from './ids.ts';
import { toProblem } from './invoke.ts';
import { createLogger } from './log.ts';
import { DatabaseClient } from './postgres/client.ts';
import { migrationsFolder, serviceOf } from './test-services.ts';
import { effects } from './test-tables.ts';

const silent = createLogger({ level: 'silent' });
const poolMax = 4;
let testDatabase: TestDatabase;
let proxy: Awaited<ReturnType<typeof startProxy>>;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase('orders', { migrationsFolder });
  proxy = await startProxy();
  database = openDatabase({ url: proxy.urlOf(testDatabase.appUrl), poolMax, log: silent, name: 'database-test' });
});
afterAll(async () => {
  await database.close();
  proxy.close();
  await testDatabase.drop();
});
beforeEach(async () => {
  await database.db.delete(effects);
});

type Cut = 'before the server hears it' | 'before its answer comes back';

/** Stands between us and PostgreSQL, resets the connection on which a text passes, and holds answers back. */
async function startProxy() {
  const target = new URL(inject('adminUrl'));
  // A statement that was prepared on a connection is sent by its name alone.
  const nameOf = new Map<string, string>();
  let armed: { text: string; cut: Cut } | undefined;
  const sockets = new Set<Socket>();
  let delayMs = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), '127.0.0.1');
    let isCutting = false;
    const end = () => {
      client.resetAndDestroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', end);
    }
    client.on('data', (chunk) => {
      const sent = chunk.toString('latin1');
      for (const [, name = '', text = ''] of sent.matchAll(/P[^]{4}(q\d+)\0([^\0]*)\0/g)) nameOf.set(text, name);
      const names = [...nameOf].flatMap(([text, name]) => (armed && text.startsWith(armed.text) ? name : []));
      if (armed && names.some((name) => sent.includes(`\0${name}\0`))) {
        const { cut } = armed;
        armed = undefined;
        if (cut === 'before the server hears it') return end();
        isCutting = true;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (isCutting) return end();
      // Answers keep their order: timers of one length fire in the order they were set.
      if (delayMs > 0) setTimeout(() => client.write(chunk), delayMs);
      else client.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  return {
    cutAt: (text: string, cut: Cut) => (armed = { text, cut }),
    slowDown: (ms: number) => (delayMs = ms),
    urlOf(url: string) {
      const through = new URL(url);
      through.search = '';
      through.port = String(port);
      return through.href;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** What an operation with a key does: claims it and leaves its effect and its answer, all in one transaction. */
function orderOnce(scope: KeyScope): Promise<string> {
  return database.transaction(async (tx) => {
    const claim = await claimKey(tx, scope, { quantity: 1 }, newId());
    if (claim.kind === 'done') return String(claim.answer);
    const eventId = newId();
    await tx.insert(effects).values({ eventId });
    await answerKey(tx, scope, 200, eventId);
    return eventId;
  });
}

test.each<[what: string, text: string, cut: Cut, isDone: boolean]>([
  ['begin', 'begin', 'before its answer comes back', false],
  ['a statement', 'insert into "effects"', 'before its answer comes back', false],
  ['COMMIT on its way', 'commit', 'before the server hears it', false],
  ['the answer to COMMIT', 'commit', 'before its answer comes back', true],
])(
  'F4 I14: the connection is reset in %s: the caller hears 503, the same key finds the outcome, and nothing is done twice',
  async (_what, text, cut, isDone) => {
    const scope: KeyScope = { actorId: newId(), operation: 'checkout', key: newId() };
    proxy.cutAt(text, cut);
    const error: unknown = await orderOnce(scope).catch((thrown: unknown) => thrown);
    expect(toProblem(error, silent)).toMatchObject({ status: 503, data: { retryAfterSeconds: expect.any(Number) } });

    const rows = await waitFor('the outcome', async () => {
      const found = await database.db.select({ eventId: effects.eventId }).from(effects);
      return found.length === (isDone ? 1 : 0) ? found : undefined;
    });
    const answer = await orderOnce(scope);
    if (isDone) expect(answer).toBe(rows[0]?.eventId);
    expect(await database.db.$count(effects)).toBe(1);
  },
);

test('F6: connections that were cut while lent out are not lost to the pool: after more cuts than it holds, it serves as before', async () => {
  for (const text of ['begin', 'insert into "effects"', 'commit', 'begin', 'rollback', 'begin', 'begin', 'begin']) {
    proxy.cutAt(text, 'before its answer comes back');
    const insert = database.transaction(async (tx) => {
      await tx.insert(effects).values({ eventId: newId() });
      if (text === 'rollback') throw new Error('changed its mind');
    });
    await expect(insert, text).rejects.toSatisfy(isDatabaseAway);
  }
  const together = Array.from({ length: poolMax * 2 }, () => database.transaction((tx) => tx.execute(sql`select 1`)));
  expect(await Promise.all(together)).toHaveLength(poolMax * 2);
  expect(database.pool.totalCount - database.pool.idleCount).toBe(0);
});

test('F3: a client alone that is cut in mid-statement tells its query, and the process lives', async () => {
  const client = new DatabaseClient({ connectionString: testDatabase.ownerUrl });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const waiting = client.query('select pg_sleep(60)').catch((error: unknown) => sqlState(error));
  const admin = new DatabaseClient({ connectionString: inject('adminUrl') });
  await admin.connect();
  await admin.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
  expect(await waiting).toBe('57P01');
  await admin.end();
  await client.end();
});

test('F5: where every statement takes 300 ms, nobody waits for ever for a connection: some are served whole, the others hear 503, and then all is as before', async () => {
  await database.db.$count(effects); // Connections that are open already serve too.
  proxy.slowDown(300);
  const asked = await Promise.allSettled(
    Array.from({ length: 60 }, () =>
      database.transaction(async (tx) => void (await tx.insert(effects).values({ eventId: newId() }))),
    ),
  );
  proxy.slowDown(0);
  const refused = asked.flatMap((one) => (one.status === 'rejected' ? [toProblem(one.reason, silent)] : []));
  // Four connections, and three statements each: not even half of them can be served in the two seconds that a caller waits.
  expect(refused.length).toBeGreaterThan(20);
  for (const problem of refused)
    expect(problem).toMatchObject({ status: 503, data: { retryAfterSeconds: expect.any(Number) } });
  expect(await database.db.$count(effects)).toBe(asked.length - refused.length);
  expect(asked.length - refused.length).toBeGreaterThan(0);
  expect([database.pool.waitingCount, database.pool.totalCount - database.pool.idleCount]).toEqual([0, 0]);
});

test('F7: two that lock each other out are tried again as a whole, and both get what they wanted', async () => {
  const [first, second] = [newId(), newId()];
  await database.db.insert(effects).values([{ eventId: first }, { eventId: second }]);
  let tries = 0;
  // Each holds its first row before either asks for its second; a second try finds nobody in its way.
  const isHolding = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const both = [
    [first, second],
    [second, first],
  ].map(([own = '', other = ''], index) =>
    database.transaction(async (tx) => {
      tries += 1;
      await tx.select().from(effects).where(eq(effects.eventId, own)).for('update');
      isHolding[index]?.resolve();
      await Promise.all(isHolding.map(({ promise }) => promise));
      await tx.select().from(effects).where(eq(effects.eventId, other)).for('update');
      await tx.insert(effects).values({ eventId: newId() });
    }),
  );
  expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  expect(tries).toBe(3);
  expect(await database.db.$count(effects)).toBe(4);
});

test('F7: who is locked out at every try hears 503 after the fourth, and nothing of it stays', async () => {
  let tries = 0;
  const error: unknown = await database
    .transaction(async (tx) => {
      tries += 1;
      await tx.insert(effects).values({ eventId: newId() });
      await tx.execute(sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`);
    })
    .catch((thrown: unknown) => thrown);
  expect(tries).toBe(4);
  expect(toProblem(error, silent).status).toBe(503);
  expect(await database.db.$count(effects)).toBe(0);
});

test('what is no outage of the database is not called one', async () => {
  const refused = await fetch('http://127.0.0.1:1/').catch((error: unknown) => error);
  const hungUp = Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
  const wrong: unknown = await database.db.execute(sql`select 1 / 0`).catch((error: unknown) => error);
  for (const error of [refused, hungUp, wrong, new Error('Connection terminated by the bank')])
    expect(isDatabaseAway(error), String(error)).toBe(false);
});

let shop: TestServices | undefined;
afterAll(() => shop?.close());

test('no service is called while a transaction is open: the call throws before anything leaves, and the transaction is undone', async () => {
  let ctx: BaseContext | undefined;
  let callCount = 0;
  shop = await startServices({
    services: [serviceOf(ordersContract, { peers: ['inventory'], onStart: (context) => (ctx = context) })],
    env: { RUN: 'api' },
    peerAnswers: { inventory: { getStock: () => (callCount += 1) && { items: [] } } },
  });
  const own = ctx;
  if (!own) throw new Error('The host made no context');
  const ask = () => own.peers.inventory.getStock({ variantIds: [newId()] });
  const inside = own.transaction(async (tx) => {
    await tx.insert(effects).values({ eventId: newId() });
    return ask();
  });
  await expect(inside).rejects.toThrow('inventory.getStock was called inside a database transaction');
  expect([callCount, await own.db.$count(effects)]).toEqual([0, 0]);
  await expect(ask()).resolves.toEqual({ items: [] });
  await expect(own.transaction(() => own.transaction(async () => undefined))).rejects.not.toBeInstanceOf(ProblemError);
});
