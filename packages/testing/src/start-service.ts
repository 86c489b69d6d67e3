import { newId } from '@kelid/service/ids';
import { invariantsBeside, wholeStatement } from '@kelid/service/invariants';
import { type Host, startHost } from '@kelid/service/host';
import type { AnyService } from '@kelid/service/define-service';
import type { Actor } from '@kelid/service/context';
import { createClient } from '@kelid/service/peers';
import type { Client } from '@kelid/contracts/client';
import type { Contract, Role } from '@kelid/contracts/contract';
import pg from 'pg';
import { wrongSqlEvents } from './sql-events.ts';
import { createTestDatabase, createTestQueueDatabase } from './test-postgres.ts';

type PeerAnswers = Record<string, Record<string, (input: never) => unknown>>;

export interface TestServices {
  host: Host;
  /** Each service's database as its app role, for looking at rows and ageing them. */
  sql(service: string, text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** The same database as the owner role, for what the app role may not do. */
  ownerSql(service: string, text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** A transaction of the app role that stays open until it is committed: what others do meanwhile meets it. */
  begin(service: string): Promise<{ sql(text: string, values?: unknown[]): Promise<unknown>; commit(): Promise<void> }>;
  /** Waits until somebody at this service's database waits for a lock, or this promise has ended without. */
  untilWaiting(service: string, work: Promise<unknown>): Promise<void>;
  /** Ends every connection that this service has to its database, in whatever process, and waits until they are gone; answers how many. */
  cutConnections(service: string): Promise<number>;
  /** A typed client that calls as this actor, through access check, parsing and problems. */
  as<C extends Contract>(contract: C, actor: Actor, options?: { idempotencyKey?: string; ip?: string }): Client<C>;
  /** What does not hold of a service's db/invariants.sql, as `I1: its sentence`. */
  brokenInvariants(service: string): Promise<string[]>;
  databaseUrls: Record<string, { appUrl: string; ownerUrl: string }>;
  env: Record<string, string>;
  logLines: string[];
  /** Ends all of it. Throws when an SQL function has written an event that is not as it is declared. */
  close(): Promise<void>;
}

/**
 * Hosts services on databases of their own, cloned from migrated templates. Background jobs run unless RUN=api is given;
 * services that are not among them are answered by `peerAnswers`.
 */
export async function startServices(options: {
  services: readonly AnyService[];
  env?: Record<string, string>;
  peerAnswers?: PeerAnswers;
}): Promise<TestServices> {
  const databases: { drop(): Promise<void> }[] = [];
  const databaseUrls: Record<string, { appUrl: string; ownerUrl: string }> = {};
  const queue = await createTestQueueDatabase();
  const env: Record<string, string> = {
    SERVICE_TOKEN_SECRET: 'a secret of the test run, long enough',
    QUEUE_DATABASE_URL: queue.ownerUrl,
    INTERNAL_PORT: '0',
    LOG_LEVEL: 'debug',
  };
  for (const service of options.services) {
    const name: string = service.contract.name;
    const database = await createTestDatabase(name, { migrationsFolder: service.migrationsFolder });
    databases.push(database);
    databaseUrls[name] = { appUrl: database.appUrl, ownerUrl: database.ownerUrl };
    env[`${name.toUpperCase()}_DATABASE_URL`] = database.appUrl;
    env[`${name.toUpperCase()}_MIGRATION_URL`] = database.ownerUrl;
    for (const peer of service.peers) env[`${peer.toUpperCase()}_URL`] ??= 'http://answered-by-the-test';
  }
  Object.assign(env, options.env);
  const logLines: string[] = [];
  const host = await startHost({
    services: options.services,
    env,
    logDestination: { write: (line) => void logLines.push(line) },
    ...(options.peerAnswers
      ? {
          remoteCall: async (service, operation, input) => {
            const answer = options.peerAnswers?.[service]?.[operation];
            if (!answer) throw new Error(`The test has no answer for ${service}.${operation}`);
            return { output: await answer(input as never), headers: {} };
          },
        }
      : {}),
  });
  const pools = new Map<string, pg.Pool>();
  const begun = new Set<pg.Client>();
  async function query(url: string, text: string, values: unknown[] = []) {
    const pool = pools.get(url) ?? new pg.Pool({ connectionString: url, max: 2 });
    pools.set(url, pool);
    const result = await pool.query<Record<string, unknown>>(text, values);
    return result.rows;
  }
  return {
    host,
    databaseUrls,
    env,
    logLines,
    sql: (service, text, values) => query(databaseUrls[service]?.appUrl ?? '', text, values),
    ownerSql: (service, text, values) => query(databaseUrls[service]?.ownerUrl ?? '', text, values),
    async brokenInvariants(service) {
      const definition = options.services.find(({ contract }) => contract.name === service);
      const broken: string[] = [];
      for (const invariant of await invariantsBeside(definition?.migrationsFolder ?? ''))
        if ((await query(databaseUrls[service]?.appUrl ?? '', wholeStatement(invariant))).length > 0)
          broken.push(`${invariant.id}: ${invariant.sentence}`);
      return broken;
    },
    async begin(service) {
      const client = new pg.Client({ connectionString: databaseUrls[service]?.appUrl });
      begun.add(client);
      await client.connect();
      await client.query('begin');
      return {
        sql: (text, values = []) => client.query(text, values),
        async commit() {
          await client.query('commit');
          begun.delete(client);
          await client.end();
        },
      };
    },
    async untilWaiting(service, work) {
      let hasEnded = false;
      const end = () => void (hasEnded = true);
      work.then(end, end);
      await waitFor('somebody to wait for a lock', async () => {
        const waiting = await query(
          databaseUrls[service]?.appUrl ?? '',
          "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        );
        return hasEnded || waiting.length > 0;
      });
    },
    async cutConnections(service) {
      const cut = await query(
        databaseUrls[service]?.appUrl ?? '',
        'select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and application_name = $1',
        [`kelid-${service}`],
      );
      return cut.length;
    },
    as(contract, actor, call = {}) {
      return createClient(
        contract,
        (service, operation, input, context) =>
          host.call(service, operation, input, {
            ...context,
            idempotencyKey: context.idempotencyKey ?? call.idempotencyKey,
          }),
        {
          actor,
          origin: { ip: call.ip ?? '127.0.0.1', userAgent: 'vitest' },
          requestId: newId(),
          signal: AbortSignal.timeout(600_000),
        },
      );
    },
    async close() {
      // Of a test that failed before its commit: dropping the database would end them with an error that nobody hears.
      await Promise.all([...begun].map((client) => client.end()));
      await host.close();
      const wrong: string[] = [];
      for (const { contract, migrationsFolder } of options.services) {
        const { appUrl } = databaseUrls[contract.name] ?? {};
        wrong.push(...(await wrongSqlEvents(migrationsFolder, (text, values) => query(appUrl ?? '', text, values))));
      }
      await Promise.all([...pools.values()].map((pool) => pool.end()));
      await Promise.all([...databases.map((database) => database.drop()), queue.drop()]);
      if (wrong.length > 0) throw new Error(`SQL wrote events that are not as they are declared:\n${wrong.join('\n')}`);
    },
  };
}

export function userActor(userId: string = newId(), roles: Role[] = ['customer'], sessionId: string = newId()): Actor {
  return { kind: 'user', userId, sessionId, roles };
}

export const serviceActor: Actor = { kind: 'service', name: 'test' };

/** Waits until a condition holds, by looking again every 20 ms; fails with its name after the limit. */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  timeoutMs = 40_000,
): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > until) throw new Error(`Waited ${timeoutMs} ms for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Asks again as clients do that hear "come back in a moment": a crowd on a busy machine waits longer for a connection than one caller may. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  const until = performance.now() + 40_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if ((error as { status?: number }).status !== 503 || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 200));
    }
  }
}
