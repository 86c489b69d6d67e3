import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { ordersContract } from '@kelid/contracts/orders';
import { notificationsContract } from '@kelid/contracts/notifications';
import { orderPlaced } from '@kelid/contracts/events';
import { waitFor } from '@kelid/testing/start-service';
import { createTestDatabase, createTestQueueDatabase, type TestDatabase } from '@kelid/testing/test-postgres';
import { createPostgresBackend, DEFAULT_SCHEMA, Queue } from 'bullmq';
import { sql } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { BaseContext } from './context.ts';
import { type Host, startHost } from './host.ts';
import { newId } from './ids.ts';
import { consumeOnce } from './inbox.ts';
import { createLogger } from './log.ts';
import type { EventEnvelope } from './event-envelope.ts';
import { pruneTechnicalTables } from './prune.ts';
import { publish, relayOnce, resendAfterLoss, startRelay } from './outbox.ts';
import { type EventQueues, openQueues, type QueueStore } from './queue.ts';
import { effects } from './test-tables.ts';
import { hasRedis, migrationsFolder, serviceOf, startRedis } from './test-services.ts';

// Orders publishes, notifications consumes; each is a host of its own with its own database, as in two containers.

const silent = createLogger({ level: 'silent' });
let redis: Awaited<ReturnType<typeof startRedis>> | undefined;
beforeAll(async () => {
  if (hasRedis) redis = await startRedis();
});
afterAll(() => redis?.stop());

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Shop {
  store: QueueStore;
  /** The orders service without its jobs: what is published stays in the outbox until the test relays it. */
  orders: BaseContext;
  ordersDatabase: TestDatabase;
  queues: EventQueues;
  /** Every delivery to notifications, also those that took no effect. */
  deliveries: string[];
  placeOrders(count: number): Promise<void>;
  startNotifications(fails?: (event: EventEnvelope) => boolean): Promise<Host>;
  startRelayOfOrders(): Promise<Host>;
  wipeQueues(): Promise<void>;
  outboxRows(): Promise<{ id: string; type: string; data: unknown; isSent: boolean }[]>;
  effectIds(): Promise<string[]>;
}

async function openShop(kind: QueueStore['kind']): Promise<Shop> {
  const [ordersDatabase, notificationsDatabase, queueDatabase] = await Promise.all([
    createTestDatabase('orders', { migrationsFolder }),
    createTestDatabase('notifications', { migrationsFolder }),
    createTestQueueDatabase(),
  ]);
  closers.push(() => Promise.all([ordersDatabase.drop(), notificationsDatabase.drop(), queueDatabase.drop()]));
  if (kind === 'redis') redis?.wipe();
  const env = {
    SERVICE_TOKEN_SECRET: 'a secret of the test run, long enough',
    ORDERS_DATABASE_URL: ordersDatabase.appUrl,
    ORDERS_MIGRATION_URL: ordersDatabase.ownerUrl,
    NOTIFICATIONS_DATABASE_URL: notificationsDatabase.appUrl,
    NOTIFICATIONS_MIGRATION_URL: notificationsDatabase.ownerUrl,
    QUEUE_DATABASE_URL: queueDatabase.ownerUrl,
    INTERNAL_PORT: '0',
    LOG_LEVEL: 'silent',
    ...(kind === 'redis' ? { REDIS_URL: redis?.url } : {}),
  };
  const store: QueueStore =
    kind === 'redis' ? { kind, url: redis?.url ?? '' } : { kind, url: queueDatabase.ownerUrl, poolMax: 4 };

  async function host(run: string, service: Parameters<typeof startHost>[0]['services'][number]): Promise<Host> {
    const started = await startHost({ services: [service], env: { ...env, RUN: run } });
    closers.push(() => started.close());
    return started;
  }
  let context: BaseContext | undefined;
  await host('api', serviceOf(ordersContract, { onStart: (ctx) => (context = ctx) }));
  if (!context) throw new Error('The host made no context');
  const orders = context;
  const queues = await openQueues(store, silent);
  closers.push(() => queues.close());
  const deliveries: string[] = [];

  return {
    store,
    orders,
    ordersDatabase,
    queues,
    deliveries,
    placeOrders: (count) =>
      orders.transaction((tx) =>
        publish(
          tx,
          ...Array.from({ length: count }, () =>
            orderPlaced({
              orderId: newId(),
              orderNumber: 'K7M2-94QX',
              customerId: newId(),
              version: 1,
              totalRial: 500_000,
            }),
          ),
        ),
      ),
    startNotifications: (fails = () => false) =>
      host(
        'jobs',
        serviceOf(notificationsContract, {
          events: {
            'order.placed': async (ctx, event) => {
              if (fails(event)) throw new Error('The SMS provider is away');
              await consumeOnce(
                ctx,
                event.id,
                'notifications',
                async (tx) => void (await tx.insert(effects).values({ eventId: event.id })),
              );
              deliveries.push(event.id);
            },
          },
        }),
      ),
    startRelayOfOrders: () => host('jobs', serviceOf(ordersContract, {})),
    async wipeQueues() {
      if (kind === 'redis') return redis?.wipe();
      const client = new pg.Client({ connectionString: queueDatabase.ownerUrl });
      await client.connect();
      await client.query('drop schema bullmq cascade');
      await client.end();
    },
    async outboxRows() {
      const { rows } = await orders.db.execute<{ id: string; type: string; data: unknown; isSent: boolean }>(
        sql`select id, type, data, sent_at is not null as "isSent" from outbox order by id`,
      );
      return rows;
    },
    async effectIds() {
      const client = new pg.Client({ connectionString: notificationsDatabase.ownerUrl });
      await client.connect();
      const { rows } = await client.query<{ event_id: string }>('select event_id from effects order by event_id');
      await client.end();
      return rows.map((row) => row.event_id);
    },
  };
}

/** A relay in a process of its own, which dies by SIGKILL at the named point. Answers the signal that ended it. */
function relayUntil(point: string, shop: Shop): Promise<string | null> {
  const code = `
    import { openDatabase } from './database.ts';
    import { createLogger } from './log.ts';
    import { relayOnce } from './outbox.ts';
    import { openQueues } from './queue.ts';
    const log = createLogger({ level: 'silent' });
    const { db } = openDatabase({ url: process.env.DATABASE_URL, poolMax: 2, log, name: 'relay' });
    await relayOnce(db, await openQueues(JSON.parse(process.env.QUEUE_STORE), log));
    process.exit(0);`;
  const relay = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      NODE_ENV: 'test',
      FAILPOINTS: point,
      DATABASE_URL: shop.ordersDatabase.appUrl,
      QUEUE_STORE: JSON.stringify(shop.store),
    },
  });
  return new Promise((done) => relay.once('exit', (_code, signal) => done(signal)));
}

/** Soon enough to see a dead worker's job taken up again, and longer than this machine ever stands still. */
const lockMs = 3_000;

/** A worker in a process of its own, which does with each event what this code says. */
function startWorker(
  shop: Shop,
  handle: string,
  { nodeOptions = [], lockMs: ownLockMs = lockMs }: { nodeOptions?: string[]; lockMs?: number } = {},
): ChildProcess {
  const code = `
    import { createLogger } from './log.ts';
    import { openQueues } from './queue.ts';
    const queues = await openQueues(JSON.parse(process.env.QUEUE_STORE), createLogger({ level: 'silent' }), ${ownLockMs});
    queues.work('notifications', 1, async (event) => { ${handle} });`;
  return spawn(process.execPath, [...nodeOptions, '--input-type=module', '-e', code], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, QUEUE_STORE: JSON.stringify(shop.store) },
  });
}

/** A worker of this process; what it was given, and what it said of it. */
async function work(shop: Shop, handle: (event: EventEnvelope) => void = () => undefined) {
  const given: string[] = [];
  const logLines: string[] = [];
  const log = createLogger({ level: 'error', destination: { write: (line) => void logLines.push(line) } });
  const queues = await openQueues(shop.store, log, lockMs);
  closers.push(() => queues.close());
  queues.work('notifications', 4, async (event) => {
    given.push(event.id);
    handle(event);
  });
  return { given, logLines };
}

/** The queue itself, for making what waits due now and for looking at dead letters. */
function openQueue(shop: Shop): Queue<EventEnvelope> {
  if (shop.store.kind === 'redis') {
    const queue = new Queue<EventEnvelope>('notifications', { connection: { url: shop.store.url }, prefix: 'kelid' });
    closers.push(() => queue.close());
    return queue;
  }
  const options = `-c search_path=${DEFAULT_SCHEMA}`;
  const pool = new pg.Pool({ connectionString: shop.store.url, max: 2, options });
  const queue = new Queue<EventEnvelope>(
    'notifications',
    { connection: pool, prefix: 'kelid' } as never,
    createPostgresBackend as never,
  );
  closers.push(
    () => pool.end(),
    () => queue.close(),
  );
  return queue;
}

async function letLeasesRunOut(shop: Shop): Promise<void> {
  await shop.orders.db.execute(sql`update outbox set claimed_until = now() - interval '1 second'`);
}

for (const kind of ['postgres', 'redis'] as const) {
  describe.skipIf(kind === 'redis' && !hasRedis)(`with its queues on ${kind}`, () => {
    test('I14: an event leaves with the commit of its state, and none leaves with a rollback', async () => {
      const shop = await openShop(kind);
      await shop.startNotifications();
      const refused = shop.orders.transaction(async (tx) => {
        await publish(
          tx,
          orderPlaced({ orderId: newId(), orderNumber: 'K7M2-94QX', customerId: newId(), version: 1, totalRial: 1 }),
        );
        throw new Error('The stock ran out');
      });
      await expect(refused).rejects.toThrow('The stock ran out');
      expect(await relayOnce(shop.orders.db, shop.queues)).toBe(0);
      await shop.placeOrders(3);
      expect(await relayOnce(shop.orders.db, shop.queues)).toBe(3);
      await waitFor('three messages', async () => shop.deliveries.length === 3);
      expect(await shop.effectIds()).toEqual((await shop.outboxRows()).map((row) => row.id));
    });

    test('I14 CP10: a relay that is killed after taking events and before sending them leaves them to the next one', async () => {
      const shop = await openShop(kind);
      await shop.placeOrders(5);
      expect(await relayUntil('outbox.claimed', shop)).toBe('SIGKILL');
      expect(await relayOnce(shop.orders.db, shop.queues)).toBe(0); // The dead one's lease still holds.
      await letLeasesRunOut(shop);
      expect(await relayOnce(shop.orders.db, shop.queues)).toBe(5);
      await shop.startNotifications();
      await waitFor('five messages', async () => shop.deliveries.length === 5);
      expect(await shop.effectIds()).toEqual((await shop.outboxRows()).map((row) => row.id));
    });

    test('I14 CP10: a relay that is killed after sending and before noting it sends twice, and each message goes out once', async () => {
      const shop = await openShop(kind);
      const notifications = await shop.startNotifications();
      await shop.placeOrders(5);
      expect(await relayUntil('outbox.enqueued', shop)).toBe('SIGKILL');
      await waitFor('five messages', async () => shop.deliveries.length === 5);
      expect((await shop.outboxRows()).every((row) => !row.isSent)).toBe(true);
      await notifications.close(); // Until its jobs have left the queue, which refuses a copy of what it still holds.
      await letLeasesRunOut(shop);
      expect(await relayOnce(shop.orders.db, shop.queues)).toBe(5);
      await shop.startNotifications();
      await waitFor('the second copies', async () => shop.deliveries.length === 10);
      expect(await shop.effectIds()).toEqual((await shop.outboxRows()).map((row) => row.id));
    });

    test('I14 I29 F11: events that were sent and not yet handled when the queue store was wiped are sent again', async () => {
      const shop = await openShop(kind);
      const relay = await shop.startRelayOfOrders();
      await shop.placeOrders(5);
      await waitFor('the relay', async () => (await shop.outboxRows()).every((row) => row.isSent));
      await relay.close();
      await shop.wipeQueues();
      await shop.startNotifications();
      await shop.startRelayOfOrders();
      await waitFor('five messages', async () => shop.deliveries.length === 5);
      expect(await shop.effectIds()).toEqual((await shop.outboxRows()).map((row) => row.id));
    });

    test('I14 I9: every event delivered three more times, shuffled and at once, has its one effect', async () => {
      const shop = await openShop(kind);
      let notifications = await shop.startNotifications();
      await shop.placeOrders(20);
      await relayOnce(shop.orders.db, shop.queues);
      await waitFor('twenty messages', async () => shop.deliveries.length === 20);
      const events = await shop.outboxRows();
      for (let round = 2; round <= 4; round += 1) {
        await notifications.close(); // Until its jobs have left the queue, which refuses a copy of what it still holds.
        await shop.queues.add(
          'notifications',
          events.toSorted(() => Math.random() - 0.5),
        );
        notifications = await shop.startNotifications();
        await waitFor(`round ${round}`, async () => shop.deliveries.length === round * 20);
      }
      expect(await shop.effectIds()).toEqual(events.map((row) => row.id));
    });

    test('PL-18 NT-6: while notifications is down every order is placed, waits for nobody, and its messages go out when it is back', async () => {
      const shop = await openShop(kind);
      await shop.startRelayOfOrders();
      for (let order = 0; order < 100; order += 1) await shop.placeOrders(1);
      // All are placed, and nothing of their messages is done: placing is one local transaction.
      expect([(await shop.outboxRows()).length, await shop.effectIds()]).toEqual([100, []]);
      await shop.startNotifications();
      await waitFor('a hundred messages', async () => shop.deliveries.length === 100);
      expect(await shop.effectIds()).toEqual((await shop.outboxRows()).map((row) => row.id));
    });

    test('PL-18: an event whose handler failed is tried again by itself', async () => {
      const shop = await openShop(kind);
      let failures = 0;
      await shop.startNotifications(() => (failures += 1) === 1);
      await shop.placeOrders(1);
      await relayOnce(shop.orders.db, shop.queues);
      await waitFor('the message', async () => shop.deliveries.length === 1);
      expect(failures).toBe(2);
      expect(await shop.effectIds()).toHaveLength(1);
    });

    test('F2: a job whose worker is killed twice in the middle of it is done by the third', async () => {
      const shop = await openShop(kind);
      await shop.placeOrders(1);
      await relayOnce(shop.orders.db, shop.queues);
      const [event] = await shop.outboxRows();
      for (let death = 1; death <= 2; death += 1) {
        const worker = startWorker(shop, "process.kill(process.pid, 'SIGKILL')");
        expect((await once(worker, 'exit'))[1]).toBe('SIGKILL');
      }
      const { given, logLines } = await work(shop);
      await waitFor('the job', async () => given.length > 0, 40_000);
      expect(given).toEqual([event?.id]);
      expect(logLines).toEqual([]);
    });

    test('F31: an event that nobody can handle is a dead letter after eight tries, with one alarm, and the others flow on', async () => {
      const shop = await openShop(kind);
      await shop.placeOrders(20);
      await relayOnce(shop.orders.db, shop.queues);
      const [poison, ...others] = (await shop.outboxRows()).map(({ id }) => id);
      const queue = openQueue(shop);
      const { given, logLines } = await work(shop, ({ id }) => {
        if (id === poison) throw new Error('its schema is of no release');
      });
      const triesOfPoison = () => given.filter((id) => id === poison).length;
      await waitFor('all others', async () => given.length - triesOfPoison() === others.length, 30_000);
      await waitFor(
        'the dead letter',
        async () => {
          for (const job of await queue.getDelayed()) await job.promote().catch(() => undefined); // It may be due by itself just now.
          return logLines.length > 0;
        },
        40_000,
      );
      expect(triesOfPoison()).toBe(8);
      expect(logLines.map((line) => JSON.parse(line) as object)).toMatchObject([
        { alarm: 'dead-letter', eventId: poison },
      ]);
      expect((await queue.getFailed()).map((job) => job.data.id)).toEqual([poison]);
      await shop.placeOrders(1);
      await relayOnce(shop.orders.db, shop.queues);
      await waitFor('the next event', async () => given.length === 8 + others.length + 1, 30_000);
      expect(triesOfPoison()).toBe(8);
    });
  });
}

test.skipIf(!hasRedis)(
  'F9 F11: when Redis is flushed under the running shop, what was waiting in it is sent again within seconds',
  async () => {
    const shop = await openShop('redis');
    await shop.startRelayOfOrders();
    await shop.placeOrders(5);
    await waitFor('the relay', async () => (await shop.outboxRows()).every((row) => row.isSent));
    await shop.wipeQueues();
    await shop.startNotifications();
    await waitFor('five messages', async () => shop.deliveries.length === 5);
    expect(await shop.effectIds()).toEqual((await shop.outboxRows()).map((row) => row.id));
  },
);

test.skipIf(!hasRedis)(
  'F9 I29: with Redis away every question to it ends, and events of the consumers of this process are handled all the same',
  async () => {
    const shop = await openShop('postgres');
    const own = await startRedis();
    const queues = await openQueues({ kind: 'redis', url: own.url }, silent);
    await resendAfterLoss(shop.orders.db, queues);
    own.stop();
    const event = { id: newId(), type: 'order.placed', data: {} };
    for (const ask of [
      () => queues.hasMark('orders'),
      () => queues.setMark('orders'),
      () => queues.add('notifications', [event]),
      () => queues.ping(),
    ])
      await expect(ask()).rejects.toThrow();
    const handled: string[] = [];
    const relay = startRelay(shop.orders.db, queues, silent, (_consumer, { id }) => {
      handled.push(id);
      return Promise.resolve();
    });
    await shop.placeOrders(5);
    relay.wake();
    await waitFor('the events', async () => (await shop.outboxRows()).every((row) => row.isSent), 60_000);
    expect(handled.toSorted()).toEqual((await shop.outboxRows()).map((row) => row.id).toSorted());
    await relay.stop();
    await queues.close();
  },
  120_000,
);

test('F28: an event whose handling ends its process for want of memory ends six of them, is a dead letter with an alarm, and the others are handled', async () => {
  const shop = await openShop('postgres');
  await shop.placeOrders(3);
  await relayOnce(shop.orders.db, shop.queues);
  const [poison, ...others] = (await shop.outboxRows()).map(({ id }) => id);
  const hoard = `
    if (event.id !== '${poison}') return;
    for (const hoard = []; ; ) hoard.push(Array.from({ length: 100_000 }, Math.random));`;
  for (let death = 1; death <= 6; death += 1) {
    // Only the dead one holds anything, so its lock may be short.
    const worker = startWorker(shop, hoard, { nodeOptions: ['--max-old-space-size=48'], lockMs: 1_000 });
    expect((await once(worker, 'exit'))[1]).toBe('SIGABRT');
  }
  const { given, logLines } = await work(shop);
  await waitFor('the dead letter', async () => logLines.length > 0, 40_000);
  expect(logLines.map((line) => JSON.parse(line) as object)).toMatchObject([{ alarm: 'dead-letter', eventId: poison }]);
  const queue = openQueue(shop);
  await waitFor(
    'the others',
    async () => (await queue.getJobCountByTypes('waiting', 'active', 'delayed')) === 0,
    30_000,
  );
  expect((await queue.getFailed()).map((job) => job.data.id)).toEqual([poison]);
  expect(others).toEqual(expect.arrayContaining(given));
}, 120_000);

test('F27: a worker whose process stands still for two seconds keeps its job: nobody else takes it meanwhile', async () => {
  const shop = await openShop('postgres');
  await shop.placeOrders(1);
  await relayOnce(shop.orders.db, shop.queues);
  const standing = startWorker(
    shop,
    "process.stdout.write('begun'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000); process.stdout.write('done')",
  );
  closers.push(async () => void standing.kill('SIGKILL'));
  let said = '';
  standing.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await waitFor('the job to begin', async () => said.length > 0, 30_000);
  const { given } = await work(shop);
  const queue = openQueue(shop);
  await waitFor(
    'the job to end',
    async () => (await queue.getJobCountByTypes('waiting', 'active', 'delayed')) === 0,
    30_000,
  );
  expect(given).toEqual([]);
  await waitFor('its end to be said', async () => said === 'begundone');
});

test('I14: while the queue store keeps its mark, nothing is sent again', async () => {
  const shop = await openShop('postgres');
  await resendAfterLoss(shop.orders.db, shop.queues);
  await shop.placeOrders(5);
  await relayOnce(shop.orders.db, shop.queues);
  expect(await resendAfterLoss(shop.orders.db, shop.queues)).toBe(0);
  expect((await shop.outboxRows()).every((row) => row.isSent)).toBe(true);
});

test('I14: six relays at once share the events between them and send none twice', async () => {
  const shop = await openShop('postgres');
  await shop.placeOrders(900);
  const sent = await Promise.all(Array.from({ length: 6 }, () => relayOnce(shop.orders.db, shop.queues)));
  expect(sent.reduce((sum, count) => sum + count, 0)).toBe(900);
  expect((await shop.outboxRows()).filter((row) => !row.isSent)).toEqual([]);
});

test('I14: ten deliveries of one event at the same moment have one effect', async () => {
  const shop = await openShop('postgres');
  const eventId = newId();
  const took = await Promise.all(
    Array.from({ length: 10 }, () =>
      consumeOnce(shop.orders, eventId, 'orders', async (tx) => void (await tx.insert(effects).values({ eventId }))),
    ),
  );
  expect(took.filter(Boolean)).toHaveLength(1);
  const { rows } = await shop.orders.db.execute(sql`select event_id from effects`);
  expect(rows).toEqual([{ event_id: eventId }]);
});

test('I14: an effect that fails leaves no mark, so that the next delivery does it', async () => {
  const shop = await openShop('postgres');
  const eventId = newId();
  await expect(consumeOnce(shop.orders, eventId, 'orders', () => Promise.reject(new Error('away')))).rejects.toThrow(
    'away',
  );
  expect(await consumeOnce(shop.orders, eventId, 'orders', async () => undefined)).toBe(true);
});

test('I14: an event cannot be published outside the transaction of its state', async () => {
  const shop = await openShop('postgres');
  await shop.orders.db.transaction(async (tx) => {
    await expect(
      publish(
        tx,
        orderPlaced({ orderId: newId(), orderNumber: 'K7M2-94QX', customerId: newId(), version: 1, totalRial: 1 }),
      ),
    ).rejects.toThrow('published outside ctx.transaction');
  });
});

test('what was sent more than a week ago leaves the outbox; what was never sent stays, however old', async () => {
  const shop = await openShop('postgres');
  await shop.placeOrders(4);
  const [sentLongAgo, sentLately, neverSent, fresh] = await shop.outboxRows();
  const age = async (id: string | undefined, sentDaysAgo: number | null) => {
    const { rows } = await shop.orders.db.execute<{ id: string }>(sql`
      update outbox set id = uuidv7(interval '-30 days'), created_at = now() - interval '30 days',
        sent_at = now() - ${sentDaysAgo}::int * interval '1 day' where id = ${id ?? ''} returning id`);
    return rows[0]?.id;
  };
  await age(sentLongAgo?.id, 8);
  const keptIds = [await age(sentLately?.id, 6), await age(neverSent?.id, null), fresh?.id];
  expect(await pruneTechnicalTables(shop.orders.db)).toBe(false);
  expect((await shop.outboxRows()).map((row) => row.id).toSorted()).toEqual(keptIds.toSorted());
});

test('an inbox forgets an event when no dead letter can bring it again, and not before', async () => {
  const shop = await openShop('postgres');
  await shop.orders.db.execute(sql`insert into inbox (event_id, consumer, at) values
    (uuidv7(interval '-40 days'), 'past', now() - interval '36 days'), (uuidv7(interval '-40 days'), 'kept', now() - interval '34 days')`);
  await pruneTechnicalTables(shop.orders.db);
  const { rows } = await shop.orders.db.execute(sql`select consumer from inbox`);
  expect(rows).toEqual([{ consumer: 'kept' }]);
});
