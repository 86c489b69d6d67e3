import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrizzleQueryError } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import type { Db, Tx } from './context.ts';
import type { Logger } from './log.ts';
import { DatabaseClient } from './postgres/client.ts';

// bigint columns are Rial and counts within 2^53; a value beyond is a bug that must not be rounded silently.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('A bigint of the database is beyond 2^53');
  return value;
});

/** As many texts as one connection keeps a plan for; an `in` list of every length is a text of its own and must not grow without end. */
const preparedMax = 400;
const preparedNames = new Map<string, string>();

/** Every query of ours is a text with parameters, so each connection parses and plans it once: more than half of a short query's cost. */
class PreparingClient extends DatabaseClient {
  // The driver's own overloads are many; what is passed on is what came in, but for the name.
  override query(...args: unknown[]): never {
    const [config] = args;
    if (typeof config === 'object' && config !== null && 'text' in config && !('submit' in config)) {
      const query = config as pg.QueryConfig;
      query.name ??= nameOf(query.text) ?? (undefined as never);
    }
    return super.query(...(args as [string])) as never;
  }
}

function nameOf(text: string): string | undefined {
  let name = preparedNames.get(text);
  if (name === undefined && preparedNames.size < preparedMax) {
    name = `q${preparedNames.size}`;
    preparedNames.set(text, name);
  }
  return name;
}

export interface Database {
  db: Db;
  pool: pg.Pool;
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Called after each commit that published an event: the relay need not wait for its next round. */
  onPublish: (listener: () => void) => void;
  close(): Promise<void>;
}

interface OpenTransaction {
  hasPublished: boolean;
}
const openTransaction = new AsyncLocalStorage<OpenTransaction>();

/** No call may leave the process while a transaction is open: a slow bank would hold rows and connections. */
export function assertNoTransaction(what: string): void {
  if (openTransaction.getStore()) throw new Error(`${what} was called inside a database transaction`);
}

/** Told by `publish`. */
export function markPublished(): void {
  const open = openTransaction.getStore();
  if (!open) throw new Error('An event was published outside ctx.transaction');
  open.hasPublished = true;
}

export function openDatabase(options: { url: string; poolMax: number; log: Logger; name: string }): Database {
  const pool = new pg.Pool({
    Client: PreparingClient,
    connectionString: options.url,
    max: options.poolMax,
    connectionTimeoutMillis: 2_000,
    idleTimeoutMillis: 60_000,
    application_name: options.name,
    options: '-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000',
  });
  // An idle connection that the server closes must not end the process; the pool makes a new one.
  pool.on('error', (error) => options.log.warn({ err: error }, 'an idle database connection was lost'));
  const db: Db = drizzle(pool);
  const listeners: (() => void)[] = [];
  const ofClient = new WeakMap<pg.PoolClient, Db>();

  /** The client is lent and given back here: Drizzle never gives one back whose `begin` fails, and a few cuts would empty the pool. */
  async function runOnce<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      const own: Db = ofClient.get(client) ?? drizzle(client);
      ofClient.set(client, own);
      return await own.transaction(work);
    } finally {
      client.release();
    }
  }

  async function transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    if (openTransaction.getStore()) throw new Error('A transaction was opened inside another');
    for (let attempt = 1; ; attempt += 1) {
      const open: OpenTransaction = { hasPublished: false };
      try {
        const result = await openTransaction.run(open, () => runOnce(work));
        if (open.hasPublished) for (const listener of listeners) listener();
        return result;
      } catch (error) {
        if (attempt >= 4 || !isRetryable(error)) {
          if (error instanceof Error) thrownByTransactions.add(error);
          throw error;
        }
        await sleep(Math.random() * 20 * 2 ** attempt);
      }
    }
  }

  return { db, pool, transaction, onPublish: (listener) => listeners.push(listener), close: () => pool.end() };
}

/** The SQLSTATE of a driver's error, also below the wrapper that Drizzle puts around it. */
export function sqlState(error: unknown): string | undefined {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if ('code' in current && typeof current.code === 'string') return current.code;
  }
  return undefined;
}

/** The name of the constraint that refused a row, for turning a unique violation into its problem. */
export function violatedConstraint(error: unknown): string | undefined {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if ('constraint' in current && typeof current.constraint === 'string') return current.constraint;
  }
  return undefined;
}

function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** What the server says when it is shutting down, full, out of disk or too slow, and when deadlocks went on through all tries (F7). */
const awayStates = new Set(['57P01', '57P02', '57P03', '57014', '53100', '53300', '55P03', '25P03', '40001', '40P01']);
const brokenConnection =
  /^(connect|read|write) E[A-Z]+|^getaddrinfo |timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|Client was closed and is not queryable/;
/** No other call may be made inside a transaction, so a connection that broke there was the database's. */
const thrownByTransactions = new WeakSet<Error>();

/** True when the database is away, overloaded or shutting down: the caller should hear 503, not 500. */
export function isDatabaseAway(error: unknown): boolean {
  if (awayStates.has(sqlState(error) ?? '')) return true;
  let isOfDatabase = false;
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    isOfDatabase ||= current instanceof DrizzleQueryError || thrownByTransactions.has(current);
    if (isOfDatabase && brokenConnection.test(current.message)) return true;
  }
  return false;
}
