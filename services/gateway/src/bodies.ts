import type { FastifyInstance, FastifyRequest } from 'fastify';
import { unsupportedMediaType } from '@kelid/contracts/common';
import type { Operation } from '@kelid/contracts/contract';
import { parseJsonBody } from './raw-input.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a route is made from: how its body is read is said there and nowhere else. */
    operation?: Operation;
  }
}

/** Reads bodies as the operation's transport says, whatever their sender calls them. How long one may be, its route says. */
export function addBodyParsers(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  const transportOf = (request: FastifyRequest) => request.routeOptions.config.operation?.transport;
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (transportOf(request) === 'webhook') return done(null, body);
    try {
      done(null, body.length === 0 ? {} : parseJsonBody(body.toString()));
    } catch (error) {
      done(error instanceof Error ? error : new Error('unreadable'), undefined);
    }
  });
  scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (request, body, done) => {
    const transport = transportOf(request);
    if (transport === 'form') done(null, Object.fromEntries(new URLSearchParams(body.toString())));
    else if (transport === 'webhook') done(null, body);
    else done(unsupportedMediaType(), undefined);
  });
  // Senders of webhooks misspell their content type; what they sent is read by who knows them.
  scope.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    if (transportOf(request) === 'webhook') done(null, body);
    else done(unsupportedMediaType(), undefined);
  });
  scope.addContentTypeParser(/^image\//, { parseAs: 'buffer' }, (request, body, done) => {
    const transport = transportOf(request);
    if (transport === 'upload') done(null, body);
    else if (transport === 'webhook') done(null, body.toString());
    else done(unsupportedMediaType(), undefined);
  });
}
