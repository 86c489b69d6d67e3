import { randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Fault } from '../faults.ts';
import { isInterrupted } from './supplier-answer.ts';

export interface Refusal {
  refused: { kind: string; status: number; detail: string; context: Record<string, unknown> };
}

export function refusal(status: number, kind: string, detail: string, context: Record<string, unknown> = {}): Refusal {
  return { refused: { kind, status, detail, context } };
}

export function badQuery(propertyPath: string): Refusal {
  return refusal(400, 'ConstraintViolation', `Invalid "${propertyPath}" parameter.`, { propertyPath });
}

export function orderNotFound(orderId: string): Refusal {
  return refusal(404, 'OrderNotFound', `Order "${orderId}" not found.`, { orderId });
}

export function violation(error: z.ZodError): Refusal {
  const issue = error.issues[0];
  const propertyPath = issue?.path.join('.') ?? '';
  return refusal(400, 'ConstraintViolation', `Invalid "${propertyPath}" property. ${issue?.message ?? ''}`, {
    propertyPath,
  });
}

export function isStruck(request: FastifyRequest, reply: FastifyReply, mode: Fault['mode'] | undefined): boolean {
  if (isInterrupted(reply, mode)) return true;
  if (mode !== 'error') return false;
  void refuse(request, reply, refusal(500, 'Error', 'Unspecified error.'));
  return true;
}

export function refuse(request: FastifyRequest, reply: FastifyReply, { refused }: Refusal): FastifyReply {
  const { kind, status, detail, context } = refused;
  const titles: Record<number, string> = {
    400: 'Bad Request',
    401: 'Unauthorized',
    404: 'Not Found',
    422: 'Unprocessable Entity',
    500: 'Internal Server Error',
  };
  // Both names of one field are met: an answer of 401 or 422 says `type`.
  const title = status === 401 || status === 422 ? { type: titles[status] } : { title: titles[status] };
  const path = request.url.split('?')[0]?.replace('/kinguin/esa', '');
  const trace = randomBytes(5).toString('hex');
  return reply.status(status).send({
    kind,
    status,
    ...title,
    detail,
    path,
    method: request.method,
    trace,
    timestamp: seconds(new Date()),
    ...context,
  });
}

/** A time as the API's objects say it. */
export function seconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}+00:00`;
}
