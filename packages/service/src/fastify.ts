import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { cutSlowReaders, patience } from './slow-clients.ts';

/**
 * Fastify with time limits: its own defaults for requests and connections are none. Our own logger logs, once per call. From
 * `isLeaving` on, each answer ends its connection, so that nothing is under way on one when it is closed.
 */
export function createFastify(options: FastifyServerOptions, isLeaving: () => boolean): FastifyInstance {
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
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (isLeaving()) reply.header('connection', 'close');
    done(null, payload);
  });
  return server;
}
