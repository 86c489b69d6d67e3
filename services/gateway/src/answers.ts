import type { FastifyReply, FastifyRequest } from 'fastify';
import { paymentsContract } from '@kelid/contracts/payments';
import type { Operation } from '@kelid/contracts/contract';
import type { Actor } from '@kelid/service/context';
import type { Host } from '@kelid/service/host';
import { type CallContext, checkAccess } from '@kelid/service/invoke';
import type { Callers } from './callers.ts';
import { compress, effortOnce, encodingOf } from './compression.ts';
import type { Limits } from './limits.ts';
import { inputOf, type Route } from './operation-input.ts';
import type { SignInState } from './sign-in-state.ts';
import type { StaffViews } from './staff-views.ts';

const Redirect = paymentsContract.operations.handlePspCallback.output;

export interface Door {
  host: Host;
  callers: Callers;
  limits: Limits;
  signIns: SignInState;
  staffViews: StaffViews;
}

/** Who is it, may they, not too often; then the service that knows is asked, and its answer is sent. */
export async function answer(
  door: Door,
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { service, name, operation } = route;
  const actor = await door.callers.actorOf(request, operation);
  const ip = door.callers.addressOf(request);
  await door.limits.count(name, operation, actor, ip);
  checkAccess(operation, actor);
  if (operation.checksSession && actor.kind === 'user') await door.signIns.checkSession(actor.sessionId);
  const input = inputOf(route, request);
  const context = contextOf(request, operation, actor, ip);
  const view = operation.showsCustomers ? await door.staffViews.begin(name, operation, input, context) : undefined;
  const call = () => door.host.call(service, name, input, context);
  // What a bank or a supplier brings comes as a form or a webhook, and waits its turn.
  const isHint = operation.transport === 'form' || operation.transport === 'webhook';
  const { output, headers } = await (isHint ? door.limits.hint(name, input, ip, call) : call());
  await view?.end(output);
  reply.headers(headers).header('cache-control', 'no-store');
  return send(operation, output, request, reply);
}

function contextOf(request: FastifyRequest, operation: Operation, actor: Actor, ip: string): CallContext {
  const aborter = new AbortController();
  request.raw.once('aborted', () => aborter.abort());
  const key = request.headers['idempotency-key'];
  const timeoutMs = operation.method === 'GET' && operation.transport === 'json' ? 5_000 : 20_000;
  return {
    actor,
    origin: { ip, userAgent: String(request.headers['user-agent'] ?? '').slice(0, 300) },
    requestId: request.id,
    signal: AbortSignal.any([aborter.signal, AbortSignal.timeout(timeoutMs)]),
    idempotencyKey: typeof key === 'string' ? key : undefined,
  };
}

async function send(
  operation: Operation,
  output: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (operation.status === 204) return reply.status(204).send();
  if (operation.status === 303) return reply.redirect(Redirect.parse(output).location, 303);
  const body = Buffer.from(JSON.stringify(output));
  const encoding = encodingOf(request);
  const compressed = compress(body, encoding, effortOnce);
  if (compressed) reply.header('vary', 'accept-encoding').header('content-encoding', encoding);
  const bytes = compressed ? await compressed : body;
  return reply.status(operation.status).type('application/json; charset=utf-8').send(bytes);
}
