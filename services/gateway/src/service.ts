import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { Redis } from 'ioredis';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiRoot } from '@kelid/contracts/address';
import { catalogContract } from '@kelid/contracts/catalog';
import {
  badRequest,
  invalidInput,
  methodNotAllowed,
  payloadTooLarge,
  routeNotFound,
  unauthenticated,
  unsupportedMediaType,
} from '@kelid/contracts/common';
import { type Operation, ProblemError } from '@kelid/contracts/contract';
import { paymentsContract } from '@kelid/contracts/payments';
import { findRoute, publicOperations, type Route as KnownRoute } from '@kelid/contracts/routes';
import type { Actor } from '@kelid/service/context';
import { createFastify } from '@kelid/service/fastify';
import { type Environment, presentOnly } from '@kelid/service/environment';
import type { Host } from '@kelid/service/host';
import { newId } from '@kelid/service/ids';
import { type CallContext, checkAccess, parseInput, toProblem } from '@kelid/service/invoke';
import { lineOf, visitorAddress } from '@kelid/service/ip-network';
import { createClient } from '@kelid/service/peers';
import { ByteCache, type CachedAnswer } from './byte-cache.ts';
import { GatewayConfig } from './config.ts';
import { createLimits } from './limits.ts';
import { createLiveUpdates } from './live-updates.ts';
import { docsPage, openApiDocument } from './openapi.ts';
import { createQueryReader, mergeInput, parseJsonBody, type QueryReader } from './raw-input.ts';
import { watchSignIns } from './sign-in-state.ts';
import { createStaffViews } from './staff-views.ts';

const gzipAsync = promisify(gzip);
const brotliAsync = promisify(brotliCompress);
const compressFromBytes = 1024;
/** So many spellings of cached addresses are remembered, so that a known one need not be read again. */
const spellingsMax = 10_000;
const spellingLengthMax = 500;
/** A slow Redis is no reason to keep a visitor waiting: what it does not say in this time is counted here. */
const redisPatienceMs = 50;
const versionEveryMs = 200;
const versionWaitMs = 700;

const Download = catalogContract.operations.getMedia.output;
const Redirect = paymentsContract.operations.handlePspCallback.output;

export interface Gateway {
  url: string;
  close(): Promise<void>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a route is made from: how its body is read is said there and nowhere else. */
    operation?: Operation;
  }
}

interface Route extends KnownRoute {
  readQuery: QueryReader;
}

/** The only public door: who is it, may they, not too often, and then the service that knows. Routes are made from the contracts. */
export async function startGateway(host: Host, env: Environment): Promise<Gateway> {
  const config = GatewayConfig.parse(presentOnly(env));
  const signIns = watchSignIns(host);
  const staffViews = createStaffViews(host);
  const redis =
    config.REDIS_URL === undefined
      ? undefined
      : new Redis(config.REDIS_URL, { enableOfflineQueue: false, lazyConnect: false, commandTimeout: redisPatienceMs });
  redis?.on('error', (error) => host.log.warn({ err: error }, 'Redis does not answer; limits are counted per process'));
  const limits = createLimits(config, redis);
  const cache = new ByteCache(config.GATEWAY_CACHE_MB * 1024 * 1024);
  const securityHeaders = {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'strict-origin-when-cross-origin',
    'cross-origin-resource-policy': 'cross-origin',
    ...(config.GATEWAY_PUBLIC_URL?.startsWith('https:') ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
  const origins = new Set(config.GATEWAY_CORS_ORIGINS);
  const isCaching = config.GATEWAY_CACHE_MB > 0;
  const inFlight = new Map<string, Promise<CachedAnswer>>();
  const live = createLiveUpdates(host, signIns, limits, { isOriginAllowed: (origin) => origins.has(origin) });
  let isClosing = false;
  const isLeaving = () => isClosing || host.isLeaving();
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

  // A write anywhere shows itself as a new version: what was cached before it is dropped, here and in every replica.
  let version: number | undefined;
  const versionTimer = setInterval(() => {
    const catalog = createClient(catalogContract, host.call, host.contextOf('gateway'));
    catalog.getCacheVersion({}, { signal: AbortSignal.timeout(versionWaitMs) }).then(
      ({ version: now }) => {
        // The first one known tells nothing of what was cached before it.
        if (now !== version) cache.clear();
        version = now;
      },
      // Not knowing is no reason to show what may be old.
      () => cache.clear(),
    );
  }, versionEveryMs);

  let isMisplaced = false;
  function clientIp(request: Pick<FastifyRequest, 'headers' | 'socket'>): string {
    const peer = request.socket.remoteAddress ?? '';
    const forwarded = request.headers['x-forwarded-for'];
    const isTrusted = config.GATEWAY_TRUSTED_PROXIES;
    if (forwarded !== undefined && !isMisplaced && !isTrusted(peer)) {
      isMisplaced = true; // Said once: a shop that is missing from the list would share one limit among all of its visitors.
      host.log.warn({ peer }, 'X-Forwarded-For of an address that is not in GATEWAY_TRUSTED_PROXIES is not believed');
    }
    return visitorAddress(peer, String(forwarded ?? ''), isTrusted);
  }

  async function actorOf(request: FastifyRequest, operation: Operation): Promise<Actor> {
    const cartHeader = request.headers['x-cart-token'];
    const cartToken =
      typeof cartHeader === 'string' && /^[A-Za-z0-9_-]{20,100}$/.test(cartHeader)
        ? cartHeader
        : cartHeader === undefined
          ? undefined
          : 'not-a-token';
    const token = /^Bearer ([\w.-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (request.headers.authorization === undefined) return { kind: 'guest', cartToken };
    const user = token === undefined ? undefined : await signIns.identify(token);
    if (user) return { kind: 'user', ...user, cartToken };
    // Who sends a token that is no good believes to be signed in: no guest's cart is theirs. What is the same for everybody, signing in
    // above all, needs no token and is not refused for one.
    if (operation.access.includes('public') && !operation.isPersonal) return { kind: 'guest', cartToken };
    throw unauthenticated();
  }

  function inputOf(route: Route, request: FastifyRequest): Record<string, unknown> {
    const params = plain(request.params);
    const query = plain(request.query);
    const { operation } = route;
    if (operation.transport === 'form') {
      const all = { ...query, ...plain(request.body) };
      const texts = Object.entries(all).filter(
        ([name, value]) => typeof value === 'string' && value.length <= 512 && name.length <= 64,
      );
      return { ...params, params: Object.fromEntries(texts.slice(0, 30)) };
    }
    if (operation.transport === 'webhook') {
      const own = (operation.webhookHeaders ?? []).flatMap((name) => {
        const value = request.headers[name];
        return typeof value === 'string' && value.length <= 512 ? [[name, value] as const] : [];
      });
      return {
        ...params,
        headers: Object.fromEntries(own),
        body: typeof request.body === 'string' ? request.body : '',
      };
    }
    if (operation.method === 'GET') return mergeInput(route.readQuery(params), route.readQuery(query));
    if (Object.keys(query).length > 0)
      throw invalidInput({ errors: Object.keys(query).map((field) => ({ field, message: 'Send this in the body' })) });
    if (operation.transport === 'upload') {
      if (!Buffer.isBuffer(request.body)) throw unsupportedMediaType('Send the picture itself');
      return {
        ...params,
        contentType: request.headers['content-type'] ?? '',
        contentBase64: request.body.toString('base64'),
      };
    }
    return mergeInput(params, plain(request.body));
  }

  async function answer(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { service, name, operation } = route;
    const actor = await actorOf(request, operation);
    const ip = clientIp(request);
    await limits.count(name, operation, actor, ip);
    checkAccess(operation, actor);
    if (operation.checksSession && actor.kind === 'user') await signIns.checkSession(actor.sessionId);
    const aborter = new AbortController();
    request.raw.once('aborted', () => aborter.abort());
    const key = request.headers['idempotency-key'];
    const input = inputOf(route, request);
    const context: CallContext = {
      actor,
      origin: { ip, userAgent: String(request.headers['user-agent'] ?? '').slice(0, 300) },
      requestId: request.id,
      signal: AbortSignal.any([
        aborter.signal,
        AbortSignal.timeout(operation.method === 'GET' && operation.transport === 'json' ? 5_000 : 20_000),
      ]),
      idempotencyKey: typeof key === 'string' ? key : undefined,
    };
    const view = operation.showsCustomers ? await staffViews.begin(name, operation, input, context) : undefined;
    const call = () => host.call(service, name, input, context);
    const isHint = operation.transport === 'form' || operation.transport === 'webhook';
    const { output, headers } = await (isHint ? limits.hint(name, input, ip, call) : call());
    await view?.end(output);
    reply.headers(headers).header('cache-control', 'no-store');
    if (operation.status === 204) return reply.status(204).send();
    if (operation.status === 303) return reply.redirect(Redirect.parse(output).location, 303);
    const body = Buffer.from(JSON.stringify(output));
    return reply
      .status(operation.status)
      .type('application/json; charset=utf-8')
      .send(await compressed(body, request, reply));
  }

  async function compressed(body: Buffer, request: FastifyRequest, reply: FastifyReply): Promise<Buffer> {
    const encoding = encodingOf(request);
    if (encoding === 'identity' || body.length < compressFromBytes) return body;
    reply.header('vary', 'accept-encoding').header('content-encoding', encoding);
    return encoding === 'br'
      ? brotliAsync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })
      : gzipAsync(body, { level: 5 });
  }

  // Two spellings of one question are one answer: what is kept is found by what the operation understood, in its own order.
  const spellings = new Map<string, string>();
  function readQuestion(route: Route, request: FastifyRequest, spelling: string): string {
    const question = `${route.name} ${JSON.stringify(parseInput(route.operation, inputOf(route, request)))}`;
    if (spellings.size >= spellingsMax) spellings.clear();
    if (spelling.length <= spellingLengthMax) spellings.set(spelling, question);
    return question;
  }

  /** A public answer as bytes: the same for everybody, so nothing of a user can be in it (I21). */
  async function answerCached(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const encoding = encodingOf(request);
    const spelling = request.raw.url ?? '';
    let question = spellings.get(spelling);
    let entry = question === undefined ? undefined : cache.get(`${encoding} ${question}`);
    // Only what is answered from memory is free.
    if (question === undefined || entry === undefined)
      await limits.count(route.name, route.operation, await actorOf(request, route.operation), clientIp(request));
    question ??= readQuestion(route, request, spelling);
    const cacheKey = `${encoding} ${question}`;
    entry ??= cache.get(cacheKey);
    const isHit = entry !== undefined;
    if (entry === undefined) {
      // An answer that was asked for under an older version is no answer to this call.
      const running = isCaching ? inFlight.get(`${cache.epoch} ${cacheKey}`) : undefined;
      entry = await (running ?? fill(route, request, cacheKey, encoding));
    } else if (Math.random() < 0.01) cache.touch(cacheKey); // Sampled: recency needs no exact count.
    reply.hijack();
    const isKnown = request.headers['if-none-match'] === entry.headers['etag'];
    const raw = reply.raw;
    const cors = corsHeaders(request);
    raw.writeHead(isKnown ? 304 : 200, {
      ...entry.headers,
      'x-cache': isHit ? 'hit' : 'miss',
      'x-request-id': request.id,
      ...cors,
      // Cached answers leave past Fastify's hooks, so they end their connections by themselves.
      ...(isLeaving() ? { connection: 'close' } : {}),
    });
    raw.end(isKnown || request.method === 'HEAD' ? undefined : entry.body);
  }

  function fill(
    route: Route,
    request: FastifyRequest,
    cacheKey: string,
    encoding: 'br' | 'gzip' | 'identity',
  ): Promise<CachedAnswer> {
    const { epoch } = cache;
    const work = (async () => {
      const { output } = await host.call(route.service, route.name, inputOf(route, request), {
        actor: { kind: 'guest' },
        origin: { ip: clientIp(request), userAgent: '' },
        requestId: request.id,
        signal: AbortSignal.timeout(5_000),
      });
      const isFile = route.operation.transport === 'download';
      const file = isFile ? Download.parse(output) : undefined;
      let body: Buffer = file ? Buffer.from(file.contentBase64, 'base64') : Buffer.from(JSON.stringify(output));
      const headers: Record<string, string> = {
        'content-type': file?.contentType ?? 'application/json; charset=utf-8',
        'cache-control': file
          ? file.isPublic
            ? 'public, max-age=31536000, immutable'
            : 'private, no-store'
          : 'public, no-cache',
        etag: `"${createHash('sha1').update(body).digest('base64url')}-${encoding}"`,
        ...securityHeaders,
      };
      if (!file && body.length >= compressFromBytes && encoding !== 'identity') {
        body =
          encoding === 'br'
            ? await brotliAsync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } })
            : await gzipAsync(body);
        headers['content-encoding'] = encoding;
      }
      if (!file) headers['vary'] = 'accept-encoding';
      headers['content-length'] = String(body.length);
      const ttlMs = (route.operation.cache?.ttlSeconds ?? 0) * 1000;
      const entry = { body, headers, expiresAtMs: performance.now() + ttlMs };
      if (isCaching && file?.isPublic !== false) cache.set(cacheKey, entry, epoch);
      return entry;
    })().finally(() => inFlight.delete(`${epoch} ${cacheKey}`));
    inFlight.set(`${epoch} ${cacheKey}`, work);
    return work;
  }

  function corsHeaders(request: FastifyRequest): Record<string, string> {
    const { origin } = request.headers;
    if (origin === undefined || !origins.has(origin)) return {};
    return {
      'access-control-allow-origin': origin,
      vary: 'origin, accept-encoding',
      'access-control-expose-headers': 'x-cart-token, x-request-id, idempotency-replayed, retry-after',
    };
  }

  function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const log = host.log.child({ requestId: request.id });
    if (request.raw.destroyed && !request.raw.complete) {
      log.info({ path: request.url.split('?')[0] }, 'a caller hung up while sending');
      return reply.hijack(); // Nobody is there to be answered.
    }
    const problem = toProblem(fromFastify(error), log);
    const { retryAfterSeconds } = problem;
    if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    return reply
      .status(problem.status)
      .headers({ ...securityHeaders, ...corsHeaders(request), 'cache-control': 'no-store', 'x-request-id': request.id })
      .type('application/problem+json')
      .send(JSON.stringify({ ...problem.toBody(), instance: request.url.split('?')[0], requestId: request.id }));
  }

  function registerParsers(scope: FastifyInstance): void {
    scope.removeAllContentTypeParsers();
    const transportOf = (request: FastifyRequest) => request.routeOptions.config.operation?.transport;
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
      if (transportOf(request) === 'webhook') return done(null, body);
      try {
        done(null, body.length === 0 ? {} : parseJsonBody(body.toString()));
      } catch (error) {
        done(error instanceof Error ? error : new Error('unreadable'), undefined);
      }
    });
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (request, body, done) => {
      const transport = transportOf(request);
      if (transport === 'form') done(null, Object.fromEntries(new URLSearchParams(body.toString())));
      else if (transport === 'webhook') done(null, body);
      else done(unsupportedMediaType(), undefined);
    });
    // Senders of webhooks misspell their content type; what they sent is read by who knows them.
    scope.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
      if (transportOf(request) === 'webhook') done(null, body);
      else done(unsupportedMediaType(), undefined);
    });
    scope.addContentTypeParser(/^image\//, { parseAs: 'buffer' }, (request, body, done) => {
      const transport = transportOf(request);
      if (transport === 'upload') done(null, body);
      else if (transport === 'webhook') done(null, body.toString());
      else done(unsupportedMediaType(), undefined);
    });
  }

  registerParsers(server);
  server.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  server.setNotFoundHandler((request, reply) =>
    sendProblem(
      findRoute(request.method, request.url.split('?')[0] ?? '').methods.length > 0
        ? methodNotAllowed()
        : routeNotFound(),
      request,
      reply,
    ),
  );
  server.addHook('onRequest', async (request, reply) => {
    if (request.method === 'OPTIONS' && request.headers.origin !== undefined) {
      const cors = corsHeaders(request);
      const isAllowed = Object.keys(cors).length > 0;
      return reply
        .status(204)
        .headers(
          isAllowed
            ? {
                ...cors,
                'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
                'access-control-allow-headers': 'authorization, content-type, idempotency-key, x-cart-token',
                'access-control-max-age': '600',
              }
            : {},
        )
        .send();
    }
    reply.headers({ ...securityHeaders, ...corsHeaders(request), 'x-request-id': request.id });
  });

  const routes = publicOperations().map((route): Route => ({
    ...route,
    readQuery: createQueryReader(route.operation),
  }));
  for (const route of routes) {
    const { operation } = route;
    server.route({
      method: operation.transport === 'form' ? ['GET', 'POST'] : operation.cache ? ['GET', 'HEAD'] : [operation.method],
      url: apiRoot + operation.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      bodyLimit: operation.bodyBytesMax,
      config: { operation },
      handler: operation.cache
        ? (request, reply) => answerCached(route, request, reply)
        : (request, reply) => answer(route, request, reply),
    });
  }
  server.get('/health', async () => ({ status: 'alive' }));
  server.get('/ready', async (_request, reply) => {
    const { isReady, isClosing } = await host.readiness();
    const status = isClosing ? 'closing' : isReady ? 'ready' : 'not-ready';
    // Without Redis each process counts its own limits, and the shop stays open.
    return reply
      .status(isReady ? 200 : 503)
      .send({ status, ...(redis ? { parts: { redis: redis.status === 'ready' ? 'ready' : 'away' } } : {}) });
  });
  const openApi = JSON.stringify(openApiDocument(config.GATEWAY_PUBLIC_URL));
  server.get('/openapi.json', async (_request, reply) => reply.type('application/json').send(openApi));
  server.get('/docs', async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .send(docsPage()),
  );
  server.get('/.well-known/jwks.json', async (_request, reply) =>
    reply.header('cache-control', 'public, max-age=300').send(await signIns.jwks()),
  );
  server.server.on('upgrade', (request, socket, head) =>
    live.handleUpgrade(request, socket, head, lineOf(clientIp(request))),
  );

  const url = await server.listen({ host: config.HOST, port: config.PORT });
  return {
    url,
    async close() {
      isClosing = true;
      clearInterval(versionTimer);
      live.close();
      await server.close();
      signIns.stop();
      redis?.disconnect();
    },
  };
}

function encodingOf(request: FastifyRequest): 'br' | 'gzip' | 'identity' {
  const accepted = request.headers['accept-encoding'];
  if (accepted === undefined) return 'identity';
  const text = String(accepted);
  return text.includes('br') ? 'br' : text.includes('gzip') ? 'gzip' : 'identity';
}

function plain(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value)) : {};
}

/** Fastify's own refusals in the shop's one error format. */
function fromFastify(error: unknown): unknown {
  if (error instanceof ProblemError || !(error instanceof Error) || !('code' in error)) return error;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return payloadTooLarge();
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return unsupportedMediaType();
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return routeNotFound();
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return badRequest();
    default:
      return error;
  }
}
