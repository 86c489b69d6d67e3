import type { FastifyRequest } from 'fastify';
import { unauthenticated } from '@kelid/contracts/common';
import type { Operation } from '@kelid/contracts/contract';
import type { Actor } from '@kelid/service/context';
import type { Host } from '@kelid/service/host';
import { visitorAddress } from '@kelid/service/ip-network';
import type { GatewayConfig } from './config.ts';
import type { SignInState } from './sign-in-state.ts';

/** Who makes a call, and from where. */
export interface Callers {
  /** The visitor's own address, told by the proxies that are named to us and by nobody else. */
  addressOf(request: Pick<FastifyRequest, 'headers' | 'socket'>): string;
  /** Throws 401 for a token that is no good, where it would matter. */
  actorOf(request: FastifyRequest, operation: Operation): Promise<Actor>;
}

export function createCallers(config: GatewayConfig, host: Host, signIns: SignInState): Callers {
  let isMisplaced = false;
  return {
    addressOf(request) {
      const peer = request.socket.remoteAddress ?? '';
      const forwarded = request.headers['x-forwarded-for'];
      const isTrusted = config.GATEWAY_TRUSTED_PROXIES;
      if (forwarded !== undefined && !isMisplaced && !isTrusted(peer)) {
        isMisplaced = true; // Said once: a shop that is missing from the list would share one limit among all of its visitors.
        host.log.warn({ peer }, 'X-Forwarded-For of an address that is not in GATEWAY_TRUSTED_PROXIES is not believed');
      }
      return visitorAddress(peer, String(forwarded ?? ''), isTrusted);
    },
    async actorOf(request, operation) {
      const { authorization } = request.headers;
      const cartToken = cartTokenOf(request);
      const token = /^Bearer ([\w.-]+)$/i.exec(authorization ?? '')?.[1];
      if (authorization === undefined) return { kind: 'guest', cartToken };
      const user = token === undefined ? undefined : await signIns.identify(token);
      if (user) return { kind: 'user', ...user, cartToken };
      // Who sends a token that is no good believes to be signed in: no guest's cart is theirs. What is the same for everybody, signing in
      // above all, needs no token and is not refused for one.
      if (operation.access.includes('public') && !operation.isPersonal) return { kind: 'guest', cartToken };
      throw unauthenticated();
    },
  };
}

function cartTokenOf(request: FastifyRequest): string | undefined {
  const text = request.headers['x-cart-token'];
  if (text === undefined) return undefined;
  return typeof text === 'string' && /^[A-Za-z0-9_-]{20,100}$/.test(text) ? text : 'not-a-token';
}
