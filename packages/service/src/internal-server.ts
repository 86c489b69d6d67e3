import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { contracts } from '@kelid/contracts/all';
import { forbidden, routeNotFound, unauthenticated } from '@kelid/contracts/common';
import type { Contract, Operation } from '@kelid/contracts/contract';
import { createFastify } from './fastify.ts';
import type { HostedCalls } from './hosted-calls.ts';
import { newId } from './ids.ts';
import { type CallAnswer, toProblem } from './invoke.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';
import { type ServiceClaims, verifyServiceToken } from './service-token.ts';

/** The largest input of any operation, which as JSON between processes, with base64 and escapes, is at most twice as long. */
const callBytesMax =
  2 *
  Math.max(
    ...Object.values(contracts).flatMap(({ operations }: Contract) =>
      Object.values(operations).map(({ bodyBytesMax }) => bodyBytesMax),
    ),
  );

interface Options {
  calls: HostedCalls;
  secret: Uint8Array;
  log: Logger;
  metrics: Metrics;
  readiness: () => Promise<Readiness>;
  isLeaving: () => boolean;
}

/** What only other processes of the shop reach: calls of the services here, readiness and metrics. */
export function createInternalServer(options: Options): FastifyInstance {
  const server = createFastify({ bodyLimit: callBytesMax }, options.isLeaving);
  addHealth(server, options);
  addCalls(server, options);
  return server;
}

function addHealth(server: FastifyInstance, { calls, metrics, readiness }: Options): void {
  server.get('/health', async () => ({ status: 'alive' }));
  server.get('/ready', async (_request, reply) => {
    const { isReady, isClosing, parts } = await readiness();
    return reply
      .status(isReady ? 200 : 503)
      .send({ status: isClosing ? 'closing' : isReady ? 'ready' : 'not-ready', parts });
  });
  server.get('/metrics', async (_request, reply) => {
    for (const [service, { database }] of calls.services) {
      metrics.poolConnections.set({ service, state: 'total' }, database.pool.totalCount);
      metrics.poolConnections.set({ service, state: 'idle' }, database.pool.idleCount);
      metrics.poolConnections.set({ service, state: 'waiting' }, database.pool.waitingCount);
    }
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}

type Rpc = { Params: { service: string; operation: string } };

function addCalls(server: FastifyInstance, { calls, secret, log }: Options): void {
  const refuse = (error: unknown, reply: FastifyReply) => {
    const problem = toProblem(error, log);
    return reply.status(problem.status).type('application/problem+json').send(JSON.stringify(problem.toBody()));
  };
  const callers = new WeakMap<FastifyRequest, ServiceClaims>();
  server.post<Rpc>(
    '/rpc/:service/:operation',
    {
      // Who asks is known before a byte of what they send is read: a body may be 64 MiB.
      onRequest: async (request, reply) => {
        const { service } = request.params;
        const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
        const claims = token && (await verifyServiceToken(secret, service, token).catch(() => undefined));
        if (!claims) return refuse(unauthenticated(), reply.header('connection', 'close'));
        callers.set(request, claims);
      },
    },
    async (request, reply) => {
      try {
        return await reply.send(await callFor(calls, callers.get(request), request, reply));
      } catch (error) {
        return refuse(error, reply);
      }
    },
  );
}

async function callFor(
  calls: HostedCalls,
  claims: ServiceClaims | undefined,
  request: FastifyRequest<Rpc>,
  reply: FastifyReply<Rpc>,
): Promise<CallAnswer> {
  const { service, operation: operationName } = request.params;
  if (!claims) throw unauthenticated();
  const hosted = calls.services.get(service);
  if (!hosted) throw forbidden();
  const operation: Operation | undefined = hosted.definition.contract.operations[operationName];
  if (!operation) throw routeNotFound();
  const aborter = new AbortController();
  // The answer's own end, not the socket's: a connection lives for thousands of calls and would keep a listener of each.
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) aborter.abort();
  });
  const key = request.headers['idempotency-key'];
  return calls.call(service, operationName, request.body ?? {}, {
    ...claims,
    requestId: String(request.headers['x-request-id'] ?? newId()),
    signal: AbortSignal.any([aborter.signal, AbortSignal.timeout(30_000)]),
    idempotencyKey: typeof key === 'string' ? key : undefined,
  });
}
