import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { rateLimited } from '@kelid/contracts/common';
import type { Operation } from '@kelid/contracts/contract';
import type { Actor } from '@kelid/service/context';
import type { GatewayConfig } from './config.ts';

type Limiter = Pick<RateLimiterMemory, 'consume'>;

export interface Limits {
  /** Counts a call by who makes it and, for guests, from where; throws the 429 problem. */
  count(operationName: string, operation: Operation, actor: Actor, ip: string): Promise<void>;
}

export function createLimits(config: GatewayConfig, redis: unknown): Limits {
  const make = (name: string, points: number): Limiter => {
    const memory = new RateLimiterMemory({ keyPrefix: name, points, duration: 60 });
    // Shared counters where Redis is; while it is away each process counts alone rather than refusing everybody.
    return redis === undefined
      ? memory
      : new RateLimiterRedis({
          storeClient: redis,
          keyPrefix: `limit:${name}`,
          points,
          duration: 60,
          insuranceLimiter: memory,
        });
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

  return {
    async count(operationName, operation, actor, ip) {
      // What a bank brings or says is never refused for being one too many; what it did not sign is refused for that.
      if (operation.transport === 'form' || operation.transport === 'webhook') return;
      const who = actor.kind === 'user' ? actor.userId : ip;
      await consume(actor.kind === 'user' ? user : anonymous, who);
      if (operation.limitPerMinute === undefined) return;
      const limiter = own.get(operationName) ?? make(operationName, operation.limitPerMinute);
      own.set(operationName, limiter);
      await consume(limiter, who);
    },
  };
}
