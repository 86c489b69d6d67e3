import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';

/** Fastify with time limits: its own defaults for requests and connections are none. Our own logger logs, once per call. */
export function createFastify(options: FastifyServerOptions): FastifyInstance {
  return fastify({
    logger: false,
    requestTimeout: 15_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    http: { headersTimeout: 10_000, maxHeaderSize: 16 * 1024 },
    ...options,
  } as FastifyServerOptions);
}
