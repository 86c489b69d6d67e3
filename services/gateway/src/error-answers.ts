import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  badRequest,
  methodNotAllowed,
  payloadTooLarge,
  routeNotFound,
  unsupportedMediaType,
} from '@kelid/contracts/common';
import { ProblemError } from '@kelid/contracts/contract';
import { findRoute } from '@kelid/contracts/routes';
import type { Host } from '@kelid/service/host';
import { toProblem } from '@kelid/service/invoke';
import type { AnswerHeaders } from './answer-headers.ts';

/** Answers anything that was thrown in the shop's one error format. */
export type SendProblem = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

export function createSendProblem(host: Host, headers: AnswerHeaders): SendProblem {
  return (error, request, reply) => {
    const log = host.log.child({ requestId: request.id });
    const path = request.url.split('?')[0];
    if (request.raw.destroyed && !request.raw.complete) {
      log.info({ path }, 'a caller hung up while sending');
      return reply.hijack(); // Nobody is there to be answered.
    }
    const problem = toProblem(fromFastify(error), log);
    const { retryAfterSeconds } = problem;
    if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    return reply
      .status(problem.status)
      .headers({
        ...headers.security,
        ...headers.cors(request),
        'cache-control': 'no-store',
        'x-request-id': request.id,
      })
      .type('application/problem+json')
      .send(JSON.stringify({ ...problem.toBody(), instance: path, requestId: request.id }));
  };
}

export function addErrorAnswers(server: FastifyInstance, sendProblem: SendProblem): void {
  server.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  server.setNotFoundHandler((request, reply) => {
    const { methods } = findRoute(request.method, request.url.split('?')[0] ?? '');
    return sendProblem(methods.length > 0 ? methodNotAllowed() : routeNotFound(), request, reply);
  });
}

/** Fastify's own refusals as problems. */
function fromFastify(error: unknown): unknown {
  if (error instanceof ProblemError || !(error instanceof Error) || !('code' in error)) return error;
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return payloadTooLarge();
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return unsupportedMediaType();
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return routeNotFound();
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return badRequest();
    default:
      return error;
  }
}
