import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { methodNotAllowed, payloadTooLarge } from '@kelid/contracts/common';
import type { ProblemError } from '@kelid/contracts/contract';
import { findRoute } from '@kelid/contracts/routes';
import { type IsTrusted, visitorAddress } from '@kelid/service/ip-network';
import { cutSlowReaders, patience } from '@kelid/service/slow-clients';
import { logFault } from './lib/log.ts';
import { type Visit, visits } from './lib/visit.ts';

export interface ShopServerOptions {
  /** The proxies in front: only their word is taken for where a visitor is. */
  isTrusted: IsTrusted;
  /** Visitors come by https. */
  isSecure: boolean;
}

/** What said by a visitor would have the pages believe that they are elsewhere. */
const forwardedHeaders = ['forwarded', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto'];

/** The server around the pages, which are handed to it so that it can be tried without them. */
export function createShopServer(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  options: ShopServerOptions,
): Server {
  const server = createServer({
    headersTimeout: patience.headersMs,
    requestTimeout: patience.requestMs,
    connectionsCheckingInterval: patience.lookEveryMs,
    keepAliveTimeout: 72_000,
  });
  server.timeout = patience.silenceMs;
  cutSlowReaders(server);
  server.on('request', (request, response) => {
    const visit = welcome(request, options.isTrusted);
    response.setHeader('x-content-type-options', 'nosniff');
    if (options.isSecure) response.setHeader('strict-transport-security', 'max-age=31536000');
    const refusal = refuse(request);
    if (refusal) {
      send(response, refusal);
      return;
    }
    tellRefusals(response, visit);
    visits
      .run(visit, () => answer(request, response))
      .catch((error: unknown) => {
        logFault('error', 'a request to the shop failed', error);
        if (response.headersSent) response.destroy();
        else response.writeHead(500).end();
      });
  });
  return server;
}

function welcome(request: IncomingMessage, isTrusted: IsTrusted): Visit {
  const peer = request.socket.remoteAddress ?? '';
  const address = visitorAddress(peer, String(request.headers['x-forwarded-for'] ?? ''), isTrusted);
  if (!isTrusted(peer)) for (const name of forwardedHeaders) delete request.headers[name];
  request.headers['x-forwarded-for'] = address;
  return { address };
}

/** What no page takes is refused before a byte of it is read. */
function refuse(request: IncomingMessage): ProblemError | undefined {
  const { method = '', headers } = request;
  const path = (request.url ?? '').split('?')[0] ?? '';
  const isReading = method === 'GET' || method === 'HEAD';
  const isApi = path.startsWith('/api/');
  if (!isReading && !isApi) return methodNotAllowed();
  const bytesMax = isReading ? 0 : (findRoute(method, path).route?.operation.bodyBytesMax ?? 0);
  // What comes in pieces is measured where it is read; a page reads nothing at all.
  if (Number(headers['content-length'] ?? 0) > bytesMax || (isReading && headers['transfer-encoding'] !== undefined))
    return payloadTooLarge();
  return undefined;
}

function send(response: ServerResponse, problem: ProblemError): void {
  response
    .writeHead(problem.status, {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      connection: 'close',
      ...(problem.status === 405 ? { allow: 'GET, HEAD' } : {}),
    })
    .end(JSON.stringify(problem.toBody()));
}

/** Pages cannot set a status: theirs is set here, when the head is written. */
function tellRefusals(response: ServerResponse, visit: Visit): void {
  const writeHead = response.writeHead.bind(response) as (status: number, ...rest: unknown[]) => ServerResponse;
  response.writeHead = (status: number, ...rest: unknown[]) => {
    const { refusal } = visit;
    if (!refusal) return writeHead(status, ...rest);
    response.setHeader('retry-after', String(refusal.retryAfterSeconds));
    response.setHeader('cache-control', 'no-store');
    return writeHead(refusal.status, ...rest);
  };
}
