import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { cutSlowReaders, patience } from './slow-clients.ts';

/** Fastify with time limits: its own defaults for requests and connections are none. Our own logger logs, once per call. */
export function createFastify(options: FastifyServerOptions): FastifyInstance {
  const server: FastifyInstance = fastify({
    logger: false,
    requestTimeout: patience.requestMs,
    connectionTimeout: patience.silenceMs,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    http: {
      headersTimeout: patience.headersMs,
      connectionsCheckingInterval: patience.lookEveryMs,
      maxHeaderSize: 16 * 1024,
    },
    ...options,
  } as FastifyServerOptions);
  cutSlowReaders(server.server);
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
