import type { Redis } from 'ioredis';
import type { FastifyInstance } from 'fastify';
import type { Host } from '@kelid/service/host';
import { docsPage, openApiDocument } from './openapi.ts';
import type { SignInState } from './sign-in-state.ts';

/** What the gateway itself tells: whether it lives and is ready, its documentation, and the keys of access tokens. */
export function addOwnPages(
  server: FastifyInstance,
  options: { host: Host; signIns: SignInState; redis: Redis | undefined; publicUrl: string | undefined },
): void {
  const { host, signIns, redis, publicUrl } = options;
  server.get('/health', async () => ({ status: 'alive' }));
  server.get('/ready', async (_request, reply) => {
    const { isReady, isClosing } = await host.readiness();
    const status = isClosing ? 'closing' : isReady ? 'ready' : 'not-ready';
    // Without Redis each process counts its own limits, and the shop stays open.
    return reply
      .status(isReady ? 200 : 503)
      .send({ status, ...(redis ? { parts: { redis: redis.status === 'ready' ? 'ready' : 'away' } } : {}) });
  });
  const openApi = JSON.stringify(openApiDocument(publicUrl));
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
}
