import { createHash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { rateLimited } from '@kelid/contracts/common';
import type { Operation } from '@kelid/contracts/contract';
import { Breaker } from '@kelid/service/breaker';
import type { Actor } from '@kelid/service/context';
import { lineOf } from '@kelid/service/ip-network';
import type { GatewayConfig } from './config.ts';

/** The same news of a bank from the same address: a browser that is sent back again, or somebody who plays it over and over. */
const sameHintPerMinute = 60;
const hintsAtOnceMax = 8;
const hintsWaitingMax = 200;
const handshakesPerMinute = 120;

type Limiter = Pick<RateLimiterMemory, 'consume'>;

/** Counts in Redis, for all processes together; while Redis is away or slow each process counts alone rather than keeping everybody waiting. */
function createSharedLimiter(shared: RateLimiterRedis, own: RateLimiterMemory, breaker: Breaker): Limiter {
  return {
    async consume(key) {
      if (!breaker.tryEnter()) return own.consume(key);
      try {
        const counted = await shared.consume(key);
        breaker.succeed();
        return counted;
      } catch (error) {
        const isAnswer = error instanceof RateLimiterRes;
        if (isAnswer) breaker.succeed();
        else breaker.fail();
        if (isAnswer) throw error;
        return own.consume(key);
      }
    },
  };
}

export interface Limits {
  /** Counts a call by who makes it and, for guests, from where; throws the 429 problem. */
  count(operationName: string, operation: Operation, actor: Actor, ip: string): Promise<void>;
  /**
   * What a bank or a supplier brings: from one address a few at a time, the others wait their turn. Nothing is refused for the noise of
   * another address, and from the same one only what is the same again and again, or more than 200 that wait.
   */
  hint<T>(operationName: string, input: object, ip: string, work: () => Promise<T>): Promise<T>;
  /** An attempt to open a live page. */
  countHandshake(line: string): Promise<void>;
}

export function createLimits(config: GatewayConfig, redis: unknown): Limits {
  const breaker = new Breaker();
  const make = (name: string, points: number): Limiter => {
    const own = new RateLimiterMemory({ keyPrefix: name, points, duration: 60 });
    if (redis === undefined) return own;
    const shared = new RateLimiterRedis({ storeClient: redis, keyPrefix: `limit:${name}`, points, duration: 60 });
    return createSharedLimiter(shared, own, breaker);
  };
  const anonymous = make('anonymous', config.GATEWAY_ANONYMOUS_PER_MINUTE);
  const user = make('user', config.GATEWAY_USER_PER_MINUTE);
  const own = new Map<string, Limiter>();

  async function consume(limiter: Limiter, key: string): Promise<void> {
    try {
      await limiter.consume(key);
    } catch (error) {
      if (error instanceof RateLimiterRes)
        throw rateLimited({ retryAfterSeconds: Math.max(1, Math.ceil(error.msBeforeNext / 1000)) });
      throw error;
    }
  }

  const sameHint = make('hint', sameHintPerMinute);
  const handshakes = make('handshake', handshakesPerMinute);
  const lanes = new Map<string, Lane>();

  return {
    async count(operationName, operation, actor, ip) {
      const who = actor.kind === 'user' ? actor.userId : lineOf(ip);
      // What a bank brings or says is never refused for being one too many; what it did not sign is refused for that.
      if (operation.transport !== 'form' && operation.transport !== 'webhook')
        await consume(actor.kind === 'user' ? user : anonymous, who);
      if (operation.limitPerMinute === undefined) return;
      const limiter = own.get(operationName) ?? make(operationName, operation.limitPerMinute);
      own.set(operationName, limiter);
      await consume(limiter, who);
    },
    async hint(operationName, input, ip, work) {
      const line = lineOf(ip);
      const content = createHash('sha256').update(JSON.stringify(input)).digest('base64url');
      await consume(sameHint, `${line} ${operationName} ${content}`);
      return inTurn(lanes, line, work);
    },
    countHandshake: (line) => consume(handshakes, line),
  };
}

interface Lane {
  runningCount: number;
  waiting: (() => void)[];
}

async function inTurn<T>(lanes: Map<string, Lane>, key: string, work: () => Promise<T>): Promise<T> {
  const lane = lanes.get(key) ?? { runningCount: 0, waiting: [] };
  lanes.set(key, lane);
  if (lane.runningCount < hintsAtOnceMax) lane.runningCount += 1;
  else if (lane.waiting.length >= hintsWaitingMax) throw rateLimited({ retryAfterSeconds: 2 });
  else await new Promise<void>((begin) => lane.waiting.push(begin));
  try {
    return await work();
  } finally {
    const next = lane.waiting.shift();
    if (next) next();
    else lane.runningCount -= 1;
    if (lane.runningCount === 0) lanes.delete(key);
  }
}
