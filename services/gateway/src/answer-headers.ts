import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayConfig } from './config.ts';

export interface AnswerHeaders {
  /** On every answer. */
  security: Record<string, string>;
  /** For a page of an origin that may call from a browser; none for any other. */
  cors(request: FastifyRequest): Record<string, string>;
}

export function createAnswerHeaders(config: GatewayConfig): AnswerHeaders {
  const origins = new Set(config.GATEWAY_CORS_ORIGINS);
  return {
    security: {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'strict-origin-when-cross-origin',
      'cross-origin-resource-policy': 'cross-origin',
      ...(config.GATEWAY_PUBLIC_URL?.startsWith('https:') ? { 'strict-transport-security': 'max-age=31536000' } : {}),
    },
    cors(request) {
      const { origin } = request.headers;
      if (origin === undefined || !origins.has(origin)) return {};
      return {
        'access-control-allow-origin': origin,
        vary: 'origin, accept-encoding',
        'access-control-expose-headers': 'x-cart-token, x-request-id, idempotency-replayed, retry-after',
      };
    },
  };
}

/** Gives every answer its headers, and answers what browsers ask before they call from another origin. */
export function addAnswerHeaders(server: FastifyInstance, headers: AnswerHeaders): void {
  server.addHook('onRequest', async (request, reply) => {
    const cors = headers.cors(request);
    if (request.method === 'OPTIONS' && request.headers.origin !== undefined) return answerPreflight(reply, cors);
    reply.headers({ ...headers.security, ...cors, 'x-request-id': request.id });
  });
}

function answerPreflight(reply: FastifyReply, cors: Record<string, string>): FastifyReply {
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
