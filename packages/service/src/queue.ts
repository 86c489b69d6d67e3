import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_SCHEMA, PostgresConnection, PostgresQueueBackend, Queue, runMigrations, Worker } from 'bullmq';
import pg from 'pg';
import type { EventEnvelope } from './event-envelope.ts';
import type { Logger } from './log.ts';
import { DatabaseClient } from './postgres/client.ts';

/** Where queues live: PostgreSQL by default, Redis when a URL is given. Losing either loses nothing: outbox and sweepers rebuild it. */
export type QueueStore = { kind: 'postgres'; url: string; poolMax: number } | { kind: 'redis'; url: string };

export interface EventQueues {
  add(queue: string, events: EventEnvelope[]): Promise<void>;
  work(queue: string, concurrency: number, handle: (event: EventEnvelope) => Promise<void>): void;
  /** False when the store does not know this mark: it is new, or was wiped, and with it whatever was waiting there. */
  hasMark(name: string): Promise<boolean>;
  setMark(name: string): Promise<void>;
  /** Rejects when the store is away, as all questions here do after some seconds. */
  ping(): Promise<unknown>;
  close(): Promise<void>;
}

/** How long the store is waited for. While Redis is away its client keeps what it is asked and answers nothing. */
const answerMs = 3_000;

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const end = new AbortController();
  const over = sleep(answerMs, undefined, { signal: end.signal, ref: false }).then(() =>
    Promise.reject(new Error('The queue store did not answer in time')),
  );
  over.catch(() => undefined);
  try {
    return await Promise.race([answer, over]);
  } finally {
    end.abort();
  }
}

// Exponential with jitter: 2 s, 4 s, … and after the eighth try the job stays as a dead letter that staff can see and replay.
const jobOptions = {
  attempts: 8,
  backoff: { type: 'exponential', delay: 2_000, jitter: 0.5 },
  removeOnComplete: true,
  removeOnFail: { age: 30 * 86_400 },
};

/**
 * The schema was brought up when the queues were opened. BullMQ would look at it once more before its first call, and keep a look that
 * failed: after a connection cut at that moment it would never call again.
 */
class OpenedConnection extends PostgresConnection {
  override async waitUntilReady(): Promise<void> {}
}

export async function openQueues(store: QueueStore, log: Logger, lockMs = 30_000): Promise<EventQueues> {
  const pool = store.kind === 'postgres' ? await openPool(store, log) : undefined;
  const queues = new Map<string, Queue<EventEnvelope>>();
  const workers: Worker<EventEnvelope>[] = [];
  function queueOf(name: string): Queue<EventEnvelope> {
    const queue = queues.get(name) ?? openQueue(store, pool, log, name);
    queues.set(name, queue);
    return queue;
  }

  return {
    async add(name, events) {
      await inTime(
        queueOf(name).addBulk(events.map((event) => ({ name: event.type, data: event, opts: { jobId: event.id } }))),
      );
    },
    work(name, concurrency, handle) {
      workers.push(startWorker(store, pool, log, { name, concurrency, lockMs, handle }));
    },
    // A mark is a job that no worker takes, so that both stores keep it in the same way and lose it together with all others.
    async hasMark(name) {
      return (await inTime(queueOf('marks').getJob(name))) !== undefined;
    },
    async setMark(name) {
      await inTime(queueOf('marks').add('mark', { id: name, type: 'mark', data: null }, { jobId: name }));
    },
    async ping() {
      await inTime<unknown>(pool ? pool.query('select 1') : queueOf('marks').getJob('ping'));
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      // With Redis away its client never comes to an end.
      await Promise.all([...queues.values()].map((queue) => inTime(queue.close()).catch(() => undefined)));
      await pool?.end();
    },
  };
}

/** With the schema of the queues brought up. */
async function openPool(store: Extract<QueueStore, { kind: 'postgres' }>, log: Logger): Promise<pg.Pool> {
  const pool = new pg.Pool({
    Client: DatabaseClient,
    connectionString: store.url,
    max: store.poolMax,
    application_name: 'kelid-queue',
    keepAlive: true,
    options: `-c search_path=${DEFAULT_SCHEMA}`,
  });
  pool.on('error', (error) => log.warn({ err: error }, 'an idle queue connection was lost'));
  // Its own advisory lock makes processes that start together take turns; at the newest schema it only reads.
  const client = await pool.connect();
  try {
    await runMigrations(client, DEFAULT_SCHEMA);
  } finally {
    client.release();
  }
  return pool;
}

const backendOn = (pool: pg.Pool) => (name: string, options: never) =>
  new PostgresQueueBackend(new OpenedConnection(pool as never), name, options, true);

function openQueue(store: QueueStore, pool: pg.Pool | undefined, log: Logger, name: string): Queue<EventEnvelope> {
  const options = { prefix: 'kelid', defaultJobOptions: jobOptions };
  const queue = pool
    ? new Queue<EventEnvelope>(name, { ...options, connection: pool } as never, backendOn(pool) as never)
    : new Queue<EventEnvelope>(name, { ...options, connection: { url: store.url } });
  queue.on('error', (error) => log.warn({ err: error }, 'the queue store did not answer'));
  return queue;
}

function startWorker(
  store: QueueStore,
  pool: pg.Pool | undefined,
  log: Logger,
  work: { name: string; concurrency: number; lockMs: number; handle: (event: EventEnvelope) => Promise<void> },
): Worker<EventEnvelope> {
  const { name, concurrency, lockMs, handle } = work;
  // Jobs may run twice (a stalled one is given to another worker), so five stalls are allowed before a job is given up (F2).
  const options = {
    concurrency,
    prefix: 'kelid',
    maxStalledCount: 5,
    lockDuration: lockMs,
    stalledInterval: lockMs,
    runRetryDelay: 1_000, // After a lost connection; every waiting order waits for it.
  };
  const process = async (job: { data: EventEnvelope }) => {
    await handle(job.data);
  };
  const worker = pool
    ? new Worker<EventEnvelope>(name, process, { ...options, connection: pool } as never, backendOn(pool) as never)
    : new Worker<EventEnvelope>(name, process, {
        ...options,
        connection: { url: store.url, maxRetriesPerRequest: null },
      });
  worker.on('error', (error) => log.warn({ err: error }, 'the queue store did not answer'));
  worker.on('failed', (job, error) => {
    // After its last try, or when it took so many workers with it that nobody tries it again.
    const isDead = typeof job?.finishedOn === 'number';
    log[isDead ? 'error' : 'warn'](
      {
        event: job?.name,
        eventId: job?.id,
        attempt: job?.attemptsMade,
        err: error,
        ...(isDead ? { alarm: 'dead-letter' } : {}),
      },
      isDead ? 'an event was given up and waits as a dead letter' : 'an event failed and is tried again',
    );
  });
  return worker;
}
