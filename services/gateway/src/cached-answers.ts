import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catalogContract } from '@kelid/contracts/catalog';
import type { Host } from '@kelid/service/host';
import { parseInput } from '@kelid/service/invoke';
import { createClient } from '@kelid/service/peers';
import type { AnswerHeaders } from './answer-headers.ts';
import { ByteCache, type CachedAnswer } from './byte-cache.ts';
import type { Callers } from './callers.ts';
import { compress, effortKept, type Encoding, encodingOf } from './compression.ts';
import type { Limits } from './limits.ts';
import { inputOf, type Route } from './operation-input.ts';

/** So many spellings of cached addresses are remembered, so that a known one need not be read again. */
const spellingsMax = 10_000;
const spellingLengthMax = 500;
const versionEveryMs = 200;
const versionWaitMs = 700;

const Download = catalogContract.operations.getMedia.output;

interface Door {
  host: Host;
  callers: Callers;
  limits: Limits;
  headers: AnswerHeaders;
  isLeaving: () => boolean;
}

/** Public answers as finished bytes: the same for everybody, so nothing of a user can be in them (I21). */
export class CachedAnswers {
  readonly #door: Door;
  readonly #cache: ByteCache;
  readonly #isCaching: boolean;
  readonly #running = new Map<string, Promise<CachedAnswer>>();
  /** Two spellings of one question are one answer: what is kept is found by what the operation understood, in its own order. */
  readonly #spellings = new Map<string, string>();
  readonly #versionTimer: NodeJS.Timeout;
  #version: number | undefined;

  /** With a size of 0 nothing is kept. */
  constructor(bytesMax: number, door: Door) {
    this.#door = door;
    this.#cache = new ByteCache(bytesMax);
    this.#isCaching = bytesMax > 0;
    this.#versionTimer = setInterval(() => this.#readVersion(), versionEveryMs);
  }

  close(): void {
    clearInterval(this.#versionTimer);
  }

  async answer(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { callers, limits } = this.#door;
    const encoding = encodingOf(request);
    const spelling = request.raw.url ?? '';
    let question = this.#spellings.get(spelling);
    let entry = question === undefined ? undefined : this.#cache.get(`${encoding} ${question}`);
    // Only what is answered from memory is free.
    if (question === undefined || entry === undefined) {
      const actor = await callers.actorOf(request, route.operation);
      await limits.count(route.name, route.operation, actor, callers.addressOf(request));
    }
    question ??= this.#readQuestion(route, request, spelling);
    const key = `${encoding} ${question}`;
    entry ??= this.#cache.get(key);
    const isHit = entry !== undefined;
    if (entry === undefined) {
      // An answer that was asked for under an older version is no answer to this call.
      const running = this.#isCaching ? this.#running.get(`${this.#cache.epoch} ${key}`) : undefined;
      entry = await (running ?? this.#fill(route, request, key, encoding));
    } else if (Math.random() < 0.01) this.#cache.touch(key); // Sampled: recency needs no exact count.
    this.#send(entry, isHit, request, reply);
  }

  /** A write anywhere shows itself as a new version: what was cached before it is dropped, here and in every replica. */
  #readVersion(): void {
    const { host } = this.#door;
    const catalog = createClient(catalogContract, host.call, host.contextOf('gateway'));
    catalog.getCacheVersion({}, { signal: AbortSignal.timeout(versionWaitMs) }).then(
      ({ version: now }) => {
        // The first one known tells nothing of what was cached before it.
        if (now !== this.#version) this.#cache.clear();
        this.#version = now;
      },
      // Not knowing is no reason to show what may be old.
      () => this.#cache.clear(),
    );
  }

  #readQuestion(route: Route, request: FastifyRequest, spelling: string): string {
    const question = `${route.name} ${JSON.stringify(parseInput(route.operation, inputOf(route, request)))}`;
    if (this.#spellings.size >= spellingsMax) this.#spellings.clear();
    if (spelling.length <= spellingLengthMax) this.#spellings.set(spelling, question);
    return question;
  }

  /** Many who ask at once are one call of the service. */
  #fill(route: Route, request: FastifyRequest, key: string, encoding: Encoding): Promise<CachedAnswer> {
    const { epoch } = this.#cache;
    const work = this.#make(route, request, encoding)
      .then(({ entry, isForAll }) => {
        if (this.#isCaching && isForAll) this.#cache.set(key, entry, epoch);
        return entry;
      })
      .finally(() => this.#running.delete(`${epoch} ${key}`));
    this.#running.set(`${epoch} ${key}`, work);
    return work;
  }

  async #make(
    route: Route,
    request: FastifyRequest,
    encoding: Encoding,
  ): Promise<{ entry: CachedAnswer; isForAll: boolean }> {
    const { host, callers, headers: common } = this.#door;
    const { output } = await host.call(route.service, route.name, inputOf(route, request), {
      actor: { kind: 'guest' },
      origin: { ip: callers.addressOf(request), userAgent: '' },
      requestId: request.id,
      signal: AbortSignal.timeout(5_000),
    });
    const file = route.operation.transport === 'download' ? Download.parse(output) : undefined;
    const whole: Buffer = file ? Buffer.from(file.contentBase64, 'base64') : Buffer.from(JSON.stringify(output));
    const headers: Record<string, string> = {
      'content-type': file?.contentType ?? 'application/json; charset=utf-8',
      'cache-control': cacheControlOf(file),
      etag: `"${createHash('sha1').update(whole).digest('base64url')}-${encoding}"`,
      ...common.security,
    };
    const compressed = file ? undefined : await compress(whole, encoding, effortKept);
    if (compressed) headers['content-encoding'] = encoding;
    if (!file) headers['vary'] = 'accept-encoding';
    const body = compressed ?? whole;
    headers['content-length'] = String(body.length);
    const ttlMs = (route.operation.cache?.ttlSeconds ?? 0) * 1000;
    return { entry: { body, headers, expiresAtMs: performance.now() + ttlMs }, isForAll: file?.isPublic !== false };
  }

  #send(entry: CachedAnswer, isHit: boolean, request: FastifyRequest, reply: FastifyReply): void {
    const { headers, isLeaving } = this.#door;
    reply.hijack();
    const isKnown = request.headers['if-none-match'] === entry.headers['etag'];
    reply.raw.writeHead(isKnown ? 304 : 200, {
      ...entry.headers,
      'x-cache': isHit ? 'hit' : 'miss',
      'x-request-id': request.id,
      ...headers.cors(request),
      // Cached answers leave past Fastify's hooks, so they end their connections by themselves.
      ...(isLeaving() ? { connection: 'close' } : {}),
    });
    reply.raw.end(isKnown || request.method === 'HEAD' ? undefined : entry.body);
  }
}

function cacheControlOf(file: { isPublic: boolean } | undefined): string {
  if (!file) return 'public, no-cache';
  return file.isPublic ? 'public, max-age=31536000, immutable' : 'private, no-store';
}
