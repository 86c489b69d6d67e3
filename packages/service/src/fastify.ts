import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';

/** Fastify with time limits: its own defaults for requests and connections are none. Our own logger logs, once per call. */
export function createFastify(options: FastifyServerOptions): FastifyInstance {
  const server: FastifyInstance = fastify({
    logger: false,
    requestTimeout: 15_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    http: { headersTimeout: 10_000, maxHeaderSize: 16 * 1024 },
    ...options,
  } as FastifyServerOptions);
  // A connection whose answer leaves during shutdown would stay open for its next request, and the shutdown would wait for it.
  let isClosing = false;
  server.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing) reply.header('connection', 'close');
    done(null, payload);
  });
  return server;
}
