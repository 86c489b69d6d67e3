import { setTimeout as sleep } from 'node:timers/promises';
import { type Background, startBackground } from './background.ts';
import { openDatabase } from './database.ts';
import type { AnyService } from './define-service.ts';
import type { Environment } from './environment.ts';
import { databaseVariable, type HostConfig, peerVariable, readSettings, type Settings } from './host-config.ts';
import { HostedCalls } from './hosted-calls.ts';
import { createInternalServer } from './internal-server.ts';
import type { Call, CallContext } from './invoke.ts';
import { createLogger, type Logger } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { migrateDatabase } from './migrate.ts';
import { createRemoteCall } from './peers.ts';
import { type Need, type Readiness, readinessOf } from './readiness.ts';
import { runSweep } from './sweeps.ts';

export interface Host {
  /** Calls any operation as whoever the context says; the gateway's way in. */
  call: Call;
  log: Logger;
  metrics: Metrics;
  internalUrl: string;
  config: HostConfig;
  /** A client context of the host itself, for commands and tests. */
  contextOf(name: string): CallContext;
  /** Runs one sweep of a hosted service now, for tests and commands. */
  sweep(service: string, name: string): Promise<number>;
  readiness(): Promise<Readiness>;
  /** Readiness is off from here on, and calls are still taken: whoever sends them here has time to learn of it. */
  announceClose(): void;
  isLeaving(): boolean;
  /** Stops taking calls and jobs, lets what runs finish (at most 25 s), closes all. */
  close(): Promise<void>;
}

export interface HostOptions {
  services: readonly AnyService[];
  env: Environment;
  logDestination?: { write(line: string): void };
  /** How services in other processes are called; by their URLs unless a test answers for them. */
  remoteCall?: Call;
}

const closePatienceMs = 25_000;

/** Databases, services, jobs and the way in for other processes, in this order: a process takes no call before its tables are there. */
export async function startHost(options: HostOptions): Promise<Host> {
  const settings = readSettings(options.services, options.env);
  const { config, env } = settings;
  const log = createLogger({
    level: config.LOG_LEVEL,
    ...(options.logDestination ? { destination: options.logDestination } : {}),
  });
  const metrics = createMetrics();
  const secret = new TextEncoder().encode(config.SERVICE_TOKEN_SECRET);
  const remoteCall =
    options.remoteCall ?? createRemoteCall({ secret, urlOf: (service) => env[peerVariable(service)] ?? '' });
  const calls = new HostedCalls({ env, log, metrics, remoteCall });
  const closers = await openServices(options.services, settings, calls, log);
  const background =
    config.RUN !== 'api' && calls.services.size > 0
      ? await startBackground({ calls, config, log, metrics })
      : undefined;
  let isLeaving = false;
  let isClosing = false;
  const readiness = () => readinessOf(needsOf(calls, background, config), isLeaving);
  const internal = createInternalServer({ calls, secret, log, metrics, readiness, isLeaving: () => isLeaving });
  const internalUrl = await internal.listen({ host: config.INTERNAL_HOST, port: config.INTERNAL_PORT });

  return {
    call: calls.call,
    log,
    metrics,
    internalUrl,
    config,
    contextOf: (name) => calls.contextOf(name),
    readiness,
    announceClose() {
      isLeaving = true;
    },
    isLeaving: () => isLeaving,
    sweep: (service, name) => sweepNow(calls, metrics, service, name),
    async close() {
      if (isClosing) return;
      isLeaving = true;
      isClosing = true;
      const finished = finish(() => internal.close(), calls, background);
      const patience = sleep(closePatienceMs, false, { ref: false }); // It must not itself keep the process alive.
      if (!(await Promise.race([finished, patience])))
        log.warn({}, 'the patience is over: what was running was not waited for');
      for (const close of closers) await close();
      await Promise.all([...calls.services.values()].map((service) => service.database.close()));
    },
  };
}

/** Migrates and opens the databases, all at once, and makes what each service needs; answers what is to be closed in the end. */
async function openServices(
  definitions: readonly AnyService[],
  { env, config, ofService }: Settings,
  calls: HostedCalls,
  log: Logger,
): Promise<(() => Promise<void>)[]> {
  const closers: (() => Promise<void>)[] = [];
  await Promise.all(
    definitions.map(async (definition) => {
      const name: string = definition.contract.name;
      const url = env[databaseVariable(name)] ?? '';
      await migrateDatabase(env[`${name.toUpperCase()}_MIGRATION_URL`] ?? url, definition.migrationsFolder);
      const database = openDatabase({ url, poolMax: config.DATABASE_POOL_MAX, log, name: `kelid-${name}` });
      calls.services.set(name, { definition, database, parts: {} });
    }),
  );
  for (const service of calls.services.values())
    service.parts = await service.definition.createParts(ofService.get(service.definition.contract.name), {
      contextOf: () => calls.ownContext(service),
      onClose: (close) => closers.push(close),
    });
  return closers;
}

/**
 * Databases are needed by every process, the queue by one that only runs jobs. Where the API runs too it is only named: events wait
 * in the outbox, and taking the shop away for a queue would be worse than the queue's absence (F9).
 */
function needsOf(calls: HostedCalls, background: Background | undefined, config: HostConfig): Need[] {
  const databases = [...calls.services].map(([name, { database }]): Need => ({
    name,
    isNeeded: true,
    answer: database.pool.query('select 1'),
  }));
  if (!background) return databases;
  return [...databases, { name: 'queue', isNeeded: config.RUN === 'jobs', answer: background.queues.ping() }];
}

async function sweepNow(calls: HostedCalls, metrics: Metrics, serviceName: string, name: string): Promise<number> {
  const service = calls.services.get(serviceName);
  const sweep = service?.definition.sweeps?.find((candidate) => candidate.name === name);
  if (!service || !sweep) throw new Error(`There is no sweep ${serviceName}.${name}`);
  return runSweep(calls, metrics, service, sweep);
}

/** Lets what runs come to its end. */
async function finish(
  closeDoor: () => Promise<void>,
  calls: HostedCalls,
  background: Background | undefined,
): Promise<boolean> {
  await closeDoor();
  while (calls.inFlight > 0) await sleep(20);
  await background?.stop();
  return true;
}
