import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createFastify } from './fastify.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { contracts } from '@kelid/contracts/all';
import { forbidden, routeNotFound, serviceUnavailable, unauthenticated } from '@kelid/contracts/common';
import type { Contract, Operation } from '@kelid/contracts/contract';
import type { BaseContext } from './context.ts';
import { type Database, openDatabase } from './database.ts';
import { type AnyService, deliver, type Sweep } from './define-service.ts';
import { type Environment, presentOnly } from './environment.ts';
import { newId } from './ids.ts';
import {
  type Call,
  type CallContext,
  checkAccess,
  checkIdempotencyKey,
  declaredOnly,
  parseInput,
  toProblem,
} from './invoke.ts';
import { createLogger, type Logger } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { migrateDatabase } from './migrate.ts';
import type { EventEnvelope } from './event-envelope.ts';
import { type Relay, startRelay } from './outbox.ts';
import { createPeers, createRemoteCall, operationOf } from './peers.ts';
import { type EventQueues, openQueues } from './queue.ts';
import { type ServiceClaims, verifyServiceToken } from './service-token.ts';

/** What a host needs of the environment, beside each service's own part. */
export const HostConfig = z.object({
  SERVICES: z.string().default('all'),
  RUN: z.enum(['api', 'jobs', 'all']).default('all'),
  /** Where other processes reach this one: their calls, readiness, metrics. Never a public address. */
  INTERNAL_HOST: z.string().default('127.0.0.1'),
  INTERNAL_PORT: z.coerce.number().int().min(0).max(65_535).default(9464),
  SERVICE_TOKEN_SECRET: z.string().min(32, 'needs 32 characters or more'),
  QUEUE_DATABASE_URL: z.string().optional(),
  REDIS_URL: z.string().optional(),
  /** How long a process that is told to end still takes requests, while its readiness is off. Longer than the proxy in front needs to see it. */
  SHUTDOWN_WAIT_MS: z.coerce.number().int().min(0).max(60_000).default(5_000),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  DATABASE_POOL_MAX: z.coerce.number().int().min(2).max(100).default(10),
  /** How long a job whose worker died waits before another takes it. */
  WORKER_LOCK_MS: z.coerce.number().int().min(1_000).max(300_000).default(30_000),
  WORKER_CONCURRENCY: z.coerce.number().int().min(1).max(200).default(16),
});
export type HostConfig = z.infer<typeof HostConfig>;

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

/** What a process needs, by name, and whether each answers. */
export interface Readiness {
  isReady: boolean;
  isClosing: boolean;
  parts: Record<string, 'ready' | 'away'>;
}

interface Hosted {
  definition: AnyService;
  database: Database;
  parts: object;
  relay?: Relay;
}

/** One clear line for each missing or weak variable, all at once. */
export class ConfigError extends Error {}

export interface HostOptions {
  services: readonly AnyService[];
  env: Environment;
  logDestination?: { write(line: string): void };
  /** How services in other processes are called; by their URLs unless a test answers for them. */
  remoteCall?: Call;
}

export async function startHost(options: HostOptions): Promise<Host> {
  const env = presentOnly(options.env);
  const problems: string[] = [];
  const config = readConfig(HostConfig, env, problems);
  const serviceConfigs = new Map<string, unknown>();
  for (const service of options.services) {
    serviceConfigs.set(service.contract.name, readConfig(service.config, env, problems));
    if (env['NODE_ENV'] === 'production') problems.push(...ofThisMachine(service.config, env));
    if (!env[databaseVariable(service.contract.name)])
      problems.push(`${databaseVariable(service.contract.name)} is missing`);
  }
  const hostedNames = new Set<string>(options.services.map((service) => service.contract.name));
  for (const service of options.services) {
    for (const peer of service.peers) {
      if (!hostedNames.has(peer) && !env[peerVariable(peer)])
        problems.push(
          `${peerVariable(peer)} is missing: ${service.contract.name} calls ${peer}, which is not hosted here`,
        );
    }
  }
  const needsQueue = options.services.length > 0 && config?.RUN !== 'api';
  if (needsQueue && config && !config.REDIS_URL && !config.QUEUE_DATABASE_URL)
    problems.push('QUEUE_DATABASE_URL (or REDIS_URL) is missing');
  if (problems.length > 0 || !config)
    throw new ConfigError(`The configuration is not complete: ${[...new Set(problems)].join('; ')}`);

  const log = createLogger({
    level: config.LOG_LEVEL,
    ...(options.logDestination ? { destination: options.logDestination } : {}),
  });
  const metrics = createMetrics();
  const secret = new TextEncoder().encode(config.SERVICE_TOKEN_SECRET);
  const remoteCall =
    options.remoteCall ?? createRemoteCall({ secret, urlOf: (service) => env[peerVariable(service)] ?? '' });
  const hosted = new Map<string, Hosted>();
  const closers: (() => Promise<void>)[] = [];
  let isLeaving = false;
  let isClosing = false;
  let callsInFlight = 0;

  const call: Call = async (serviceName, operationName, input, context) => {
    const service = hosted.get(serviceName);
    if (!service) {
      if (!env[peerVariable(serviceName)]) throw serviceUnavailable({ retryAfterSeconds: 30 });
      return remoteCall(serviceName, operationName, input, context);
    }
    return callLocal(service, operationName, input, context);
  };

  async function callLocal(service: Hosted, operationName: string, input: unknown, context: CallContext) {
    const serviceName: string = service.definition.contract.name;
    const operation = operationOf(serviceName, operationName);
    const startedAt = performance.now();
    const callLog = log.child({ service: serviceName, operation: operationName, requestId: context.requestId });
    let status = 200;
    callsInFlight += 1;
    try {
      checkAccess(operation, context.actor);
      checkIdempotencyKey(operation, context.idempotencyKey);
      const parsed = parseInput(operation, input);
      const ctx = makeContext(service, context, callLog);
      const run = service.definition.operations[operationName] as (
        ctx: BaseContext,
        input: unknown,
      ) => Promise<unknown>;
      const output: unknown = operation.output.parse(await run(ctx, parsed));
      status = operation.status;
      return { output, headers: ctx.answerHeaders };
    } catch (error) {
      const problem = declaredOnly(operation, toProblem(error, callLog, context.signal), callLog);
      status = problem.status;
      throw problem;
    } finally {
      callsInFlight -= 1;
      const durationMs = performance.now() - startedAt;
      metrics.operationSeconds.observe(
        { service: serviceName, operation: operationName, status: String(status) },
        durationMs / 1000,
      );
      callLog.debug({ status, durationMs: Math.round(durationMs * 10) / 10, actor: context.actor.kind }, 'call');
    }
  }

  function makeContext(service: Hosted, context: CallContext, callLog: Logger): BaseContext {
    const name: string = service.definition.contract.name;
    return {
      ...service.parts,
      db: service.database.db,
      transaction: (work) => service.database.transaction(work),
      wakeRelay: () => service.relay?.wake(),
      peers: createPeers(call, {
        actor: { kind: 'service', name },
        origin: context.origin,
        requestId: context.requestId,
        signal: context.signal,
      }),
      now: () => new Date(),
      log: callLog,
      actor: context.actor,
      origin: context.origin,
      requestId: context.requestId,
      signal: context.signal,
      idempotencyKey: context.idempotencyKey,
      answerHeaders: {},
    };
  }

  function contextOf(name: string): CallContext {
    return {
      actor: { kind: 'service', name },
      origin: { ip: '127.0.0.1', userAgent: `kelid/${name}` },
      requestId: newId(),
      signal: AbortSignal.timeout(60_000),
    };
  }

  function ownContext(service: Hosted): BaseContext {
    const context = contextOf(service.definition.contract.name);
    return makeContext(
      service,
      context,
      log.child({ service: service.definition.contract.name, requestId: context.requestId }),
    );
  }

  // Databases first, all at once: a process takes no call before its tables are there.
  await Promise.all(
    options.services.map(async (definition) => {
      const name: string = definition.contract.name;
      const url = env[databaseVariable(name)] ?? '';
      await migrateDatabase(env[`${name.toUpperCase()}_MIGRATION_URL`] ?? url, definition.migrationsFolder);
      const database = openDatabase({ url, poolMax: config.DATABASE_POOL_MAX, log, name: `kelid-${name}` });
      hosted.set(name, { definition, database, parts: {} });
    }),
  );
  for (const service of hosted.values()) {
    service.parts = await service.definition.createParts(serviceConfigs.get(service.definition.contract.name), {
      contextOf: () => ownContext(service),
      onClose: (close) => closers.push(close),
    });
  }

  const hasConsumers = (service: Hosted) => Object.keys(service.definition.events).length > 0;
  const runsJobs = config.RUN !== 'api';
  let queues: EventQueues | undefined;
  const sweeps: { stop(): Promise<void> }[] = [];
  if (runsJobs && hosted.size > 0) {
    const open = await openQueues(
      config.REDIS_URL
        ? { kind: 'redis', url: config.REDIS_URL }
        : { kind: 'postgres', url: config.QUEUE_DATABASE_URL ?? '', poolMax: 12 },
      log,
      config.WORKER_LOCK_MS,
    );
    queues = open;
    for (const service of hosted.values()) {
      const relay = startRelay(
        service.database.db,
        open,
        log.child({ service: service.definition.contract.name }),
        deliverHere,
      );
      service.relay = relay;
      service.database.onPublish(() => relay.wake());
      if (hasConsumers(service))
        open.work(service.definition.contract.name, config.WORKER_CONCURRENCY, (event) => handleEvent(service, event));
      for (const sweep of service.definition.sweeps ?? []) sweeps.push(startSweep(service, sweep));
    }
  }

  // Between services of one process an event needs no queue; the outbox row is kept until its consumers are done.
  function deliverHere(consumer: string, event: EventEnvelope): Promise<void> | undefined {
    const service = hosted.get(consumer);
    return service && hasConsumers(service) ? handleEvent(service, event) : undefined;
  }

  async function handleEvent(service: Hosted, event: EventEnvelope): Promise<void> {
    const name: string = service.definition.contract.name;
    const stop = metrics.eventSeconds.startTimer({ service: name, event: event.type });
    try {
      await deliver(service.definition, ownContext(service), event);
      stop({ outcome: 'done' });
    } catch (error) {
      stop({ outcome: 'failed' });
      throw error;
    }
  }

  async function runSweep(service: Hosted, sweep: Sweep<BaseContext>): Promise<number> {
    const count = await sweep.run(ownContext(service));
    if (count > 0) metrics.sweptRows.inc({ service: service.definition.contract.name, sweep: sweep.name }, count);
    return count;
  }

  function startSweep(service: Hosted, sweep: Sweep<BaseContext>): { stop(): Promise<void> } {
    const stopping = new AbortController();
    async function loop(): Promise<void> {
      while (!stopping.signal.aborted) {
        let count = 0;
        try {
          count = await runSweep(service, sweep);
        } catch (error) {
          log.warn(
            { service: service.definition.contract.name, job: sweep.name, err: error },
            'a sweep failed; it runs again',
          );
        }
        if (count === 0) await sleep(sweep.everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
    const running = loop();
    return {
      stop: async () => {
        stopping.abort();
        await running;
      },
    };
  }

  /**
   * Databases are needed by every process, the queue by one that only runs jobs. Where the API runs too it is only named: events wait
   * in the outbox, and taking the shop away for a queue would be worse than the queue's absence (F9).
   */
  async function readiness(): Promise<Readiness> {
    const asked: [name: string, isNeeded: boolean, answer: Promise<unknown>][] = [...hosted].map(
      ([name, { database }]) => [name, true, database.pool.query('select 1')],
    );
    if (queues) asked.push(['queue', config?.RUN === 'jobs', queues.ping()]);
    const parts: Readiness['parts'] = {};
    let isReady = !isLeaving;
    await Promise.all(
      asked.map(async ([name, isNeeded, answer]) => {
        const isThere = await answersWithin(1_000, answer);
        parts[name] = isThere ? 'ready' : 'away';
        if (isNeeded && !isThere) isReady = false;
      }),
    );
    return { isReady, isClosing: isLeaving, parts };
  }

  const internal = startInternalServer({
    call,
    callHosted: hosted,
    secret,
    log,
    metrics,
    readiness,
    isLeaving: () => isLeaving,
  });
  const internalUrl = await internal.listen({ host: config.INTERNAL_HOST, port: config.INTERNAL_PORT });

  return {
    call,
    log,
    metrics,
    internalUrl,
    config,
    contextOf,
    readiness,
    announceClose() {
      isLeaving = true;
    },
    isLeaving: () => isLeaving,
    async sweep(serviceName, name) {
      const service = hosted.get(serviceName);
      const sweep = service?.definition.sweeps?.find((candidate) => candidate.name === name);
      if (!service || !sweep) throw new Error(`There is no sweep ${serviceName}.${name}`);
      return runSweep(service, sweep);
    },
    async close() {
      if (isClosing) return;
      isLeaving = true;
      isClosing = true;
      const isDone = await Promise.race([
        (async () => {
          await internal.close();
          while (callsInFlight > 0) await sleep(20);
          await Promise.all(sweeps.map((sweep) => sweep.stop()));
          await Promise.all([...hosted.values()].flatMap((service) => service.relay?.stop() ?? []));
          await queues?.close();
          return true;
        })(),
        sleep(25_000, false, { ref: false }), // A patience that must not itself keep the process alive.
      ]);
      if (!isDone) log.warn({}, 'the patience is over: what was running was not waited for');
      for (const close of closers) await close();
      await Promise.all([...hosted.values()].map((service) => service.database.close()));
    },
  };
}

/** The largest input of any operation, which as JSON between processes, with base64 and escapes, is at most twice as long. */
const callBytesMax =
  2 *
  Math.max(
    ...Object.values(contracts).flatMap(({ operations }: Contract) =>
      Object.values(operations).map(({ bodyBytesMax }) => bodyBytesMax),
    ),
  );

function startInternalServer(options: {
  call: Call;
  callHosted: Map<string, Hosted>;
  secret: Uint8Array;
  log: Logger;
  metrics: Metrics;
  readiness(): Promise<Readiness>;
  isLeaving(): boolean;
}): FastifyInstance {
  const server = createFastify({ bodyLimit: callBytesMax }, () => options.isLeaving());
  server.get('/health', async () => ({ status: 'alive' }));
  server.get('/ready', async (_request, reply) => {
    const { isReady, isClosing, parts } = await options.readiness();
    return reply
      .status(isReady ? 200 : 503)
      .send({ status: isClosing ? 'closing' : isReady ? 'ready' : 'not-ready', parts });
  });
  server.get('/metrics', async (_request, reply) => {
    for (const [service, { database }] of options.callHosted) {
      options.metrics.poolConnections.set({ service, state: 'total' }, database.pool.totalCount);
      options.metrics.poolConnections.set({ service, state: 'idle' }, database.pool.idleCount);
      options.metrics.poolConnections.set({ service, state: 'waiting' }, database.pool.waitingCount);
    }
    return reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics());
  });
  const refuse = (error: unknown, reply: FastifyReply) => {
    const problem = toProblem(error, options.log);
    return reply.status(problem.status).type('application/problem+json').send(JSON.stringify(problem.toBody()));
  };
  const callers = new WeakMap<FastifyRequest, ServiceClaims>();
  server.post<{ Params: { service: string; operation: string } }>(
    '/rpc/:service/:operation',
    {
      // Who asks is known before a byte of what they send is read: a body may be 64 MiB.
      onRequest: async (request, reply) => {
        const { service } = request.params;
        const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
        const claims = token && (await verifyServiceToken(options.secret, service, token).catch(() => undefined));
        if (!claims) return refuse(unauthenticated(), reply.header('connection', 'close'));
        callers.set(request, claims);
      },
    },
    async (request, reply) => {
      const { service, operation: operationName } = request.params;
      const claims = callers.get(request);
      try {
        if (!claims) throw unauthenticated();
        if (!options.callHosted.has(service)) throw forbidden();
        const operation: Operation | undefined =
          options.callHosted.get(service)?.definition.contract.operations[operationName];
        if (!operation) throw routeNotFound();
        const aborter = new AbortController();
        // The answer's own end, not the socket's: a connection lives for thousands of calls and would keep a listener of each.
        reply.raw.once('close', () => {
          if (!reply.raw.writableFinished) aborter.abort();
        });
        const key = request.headers['idempotency-key'];
        const answer = await options.call(service, operationName, request.body ?? {}, {
          ...claims,
          requestId: String(request.headers['x-request-id'] ?? newId()),
          signal: AbortSignal.any([aborter.signal, AbortSignal.timeout(30_000)]),
          idempotencyKey: typeof key === 'string' ? key : undefined,
        });
        return await reply.send(answer);
      } catch (error) {
        return refuse(error, reply);
      }
    },
  );
  return server;
}

/** The simulators, their demo merchant, and this machine as the shop's address: right at home, and in production never by default. */
const demoDefault = /localhost|^Demo|^1{8}-|\.example/;

function ofThisMachine(schema: z.ZodType, env: Environment): string[] {
  const fields = schema instanceof z.ZodObject ? Object.entries<z.core.$ZodType>(schema.shape) : [];
  return fields.flatMap(([name, field]) => {
    const { data } = env[name] === undefined ? z.safeParse(field, undefined) : {};
    return typeof data === 'string' && demoDefault.test(data) ? [`${name} is missing`] : [];
  });
}

function readConfig<Schema extends z.ZodType>(
  schema: Schema,
  env: Environment,
  problems: string[],
): z.output<Schema> | undefined {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const name = issue.path.join('.');
    problems.push(env[name] === undefined ? `${name} is missing` : `${name} is not right: ${issue.message}`);
  }
  return undefined;
}

function answersWithin(ms: number, answer: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    answer.then(
      () => true,
      () => false,
    ),
    sleep(ms, false, { ref: false }),
  ]);
}

function databaseVariable(service: string): string {
  return `${service.toUpperCase()}_DATABASE_URL`;
}

function peerVariable(service: string): string {
  return `${service.toUpperCase()}_URL`;
}
