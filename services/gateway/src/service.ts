import { Redis } from 'ioredis';
import type { FastifyInstance } from 'fastify';
import { apiRoot } from '@kelid/contracts/address';
import { publicOperations } from '@kelid/contracts/routes';
import { createFastify } from '@kelid/service/fastify';
import { type Environment, presentOnly } from '@kelid/service/environment';
import type { Host } from '@kelid/service/host';
import { newId } from '@kelid/service/ids';
import { lineOf } from '@kelid/service/ip-network';
import { addAnswerHeaders, createAnswerHeaders } from './answer-headers.ts';
import { answer, type Door } from './answers.ts';
import { addBodyParsers } from './bodies.ts';
import { CachedAnswers } from './cached-answers.ts';
import { createCallers } from './callers.ts';
import { GatewayConfig } from './config.ts';
import { addErrorAnswers, createSendProblem } from './error-answers.ts';
import { createLimits } from './limits.ts';
import { LiveUpdates } from './live-updates.ts';
import type { Route } from './operation-input.ts';
import { addOwnPages } from './own-pages.ts';
import { createQueryReader } from './raw-input.ts';
import { watchSignIns } from './sign-in-state.ts';
import { createStaffViews } from './staff-views.ts';

/** A slow Redis is no reason to keep a visitor waiting: what it does not say in this time is counted here. */
const redisPatienceMs = 50;

export interface Gateway {
  url: string;
  close(): Promise<void>;
}

/** The only public door: who is it, may they, not too often, and then the service that knows. Routes are made from the contracts. */
export async function startGateway(host: Host, env: Environment): Promise<Gateway> {
  const config = GatewayConfig.parse(presentOnly(env));
  const signIns = watchSignIns(host);
  const staffViews = createStaffViews(host);
  const redis = openRedis(config, host);
  const limits = createLimits(config, redis);
  const callers = createCallers(config, host, signIns);
  const headers = createAnswerHeaders(config);
  const live = new LiveUpdates({
    host,
    signIns,
    limits,
    isOriginAllowed: (origin) => config.GATEWAY_CORS_ORIGINS.includes(origin),
  });
  let isClosing = false;
  const isLeaving = () => isClosing || host.isLeaving();
  const cached = new CachedAnswers(config.GATEWAY_CACHE_MB * 1024 * 1024, {
    host,
    callers,
    limits,
    headers,
    isLeaving,
  });
  const sendProblem = createSendProblem(host, headers);
  const server = createFastify(
    {
      trustProxy: false,
      routerOptions: { maxParamLength: 150, ignoreTrailingSlash: false },
      genReqId: () => newId(),
      exposeHeadRoutes: false,
      // A path that the router itself cannot read.
      frameworkErrors: (error, request, reply) => {
        sendProblem(error, request, reply);
      },
    },
    isLeaving,
  );
  addBodyParsers(server);
  addErrorAnswers(server, sendProblem);
  addAnswerHeaders(server, headers);
  addOperations(server, { host, callers, limits, signIns, staffViews }, cached);
  addOwnPages(server, { host, signIns, redis, publicUrl: config.GATEWAY_PUBLIC_URL });
  server.server.on('upgrade', (request, socket, head) =>
    live.handleUpgrade(request, socket, head, lineOf(callers.addressOf(request))),
  );

  const url = await server.listen({ host: config.HOST, port: config.PORT });
  return {
    url,
    async close() {
      isClosing = true;
      cached.close();
      live.close();
      await server.close();
      signIns.stop();
      redis?.disconnect();
    },
  };
}

function openRedis(config: GatewayConfig, host: Host): Redis | undefined {
  if (config.REDIS_URL === undefined) return undefined;
  const redis = new Redis(config.REDIS_URL, {
    enableOfflineQueue: false,
    lazyConnect: false,
    commandTimeout: redisPatienceMs,
  });
  redis.on('error', (error) => host.log.warn({ err: error }, 'Redis does not answer; limits are counted per process'));
  return redis;
}

/** A route for every operation of the contracts that is for the world. */
function addOperations(server: FastifyInstance, door: Door, cached: CachedAnswers): void {
  for (const known of publicOperations()) {
    const { operation } = known;
    const route: Route = { ...known, readQuery: createQueryReader(operation) };
    server.route({
      method: operation.transport === 'form' ? ['GET', 'POST'] : operation.cache ? ['GET', 'HEAD'] : [operation.method],
      url: apiRoot + operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      bodyLimit: operation.bodyBytesMax,
      config: { operation },
      handler: operation.cache
        ? (request, reply) => cached.answer(route, request, reply)
        : (request, reply) => answer(door, route, request, reply),
    });
  }
}
