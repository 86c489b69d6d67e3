import type { z } from 'zod';
import {
  forbidden,
  idempotencyKeyMissing,
  internalError,
  invalidInput,
  serviceUnavailable,
  unauthenticated,
} from '@kelid/contracts/common';
import { type Operation, ProblemError } from '@kelid/contracts/contract';
import type { Actor, Origin } from './context.ts';
import { isDatabaseAway } from './database.ts';
import type { Logger } from './log.ts';

/** What travels with a call, in a process or between processes. */
export interface CallContext {
  actor: Actor;
  origin: Origin;
  requestId: string;
  signal: AbortSignal;
  idempotencyKey?: string | undefined;
}

export interface CallAnswer {
  output: unknown;
  headers: Record<string, string>;
}

/** Calls an operation of some service, wherever it runs. Throws ProblemError. */
export type Call = (service: string, operation: string, input: unknown, context: CallContext) => Promise<CallAnswer>;

/** Deny by default: the caller must be named by the contract's access list. */
export function checkAccess(operation: Operation, actor: Actor): void {
  if (operation.access.includes('public')) return;
  if (actor.kind === 'service') {
    if (operation.access.includes('internal')) return;
    throw forbidden();
  }
  if (actor.kind === 'guest') throw unauthenticated();
  if (!actor.roles.some((role) => operation.access.includes(role))) throw forbidden();
}

/** The fields below a value whose text PostgreSQL cannot keep: with a NUL, or half a character. Names are texts too. */
function unstorableFields(value: unknown, field: string): string[] {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? [field] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const isStorable = Array.isArray(value) || unstorableFields(name, field).length === 0;
    const own = `${field}${field === '' ? '' : '.'}${isStorable ? name : '?'}`;
    return isStorable ? unstorableFields(inner, own) : [own];
  });
}

export function parseInput(operation: Operation, input: unknown): Record<string, unknown> {
  const unstorable = unstorableFields(input, '').filter((field) => field.split('.')[0] !== operation.judgedTexts);
  if (unstorable.length > 0)
    throw invalidInput({
      errors: unstorable.slice(0, 10).map((field) => ({ field, message: 'Has a character that no text can have' })),
    });
  const parsed = operation.input.safeParse(input);
  if (parsed.success) return parsed.data;
  throw invalidInput({ errors: parsed.error.issues.flatMap(fieldErrors) });
}

function fieldErrors(issue: z.core.$ZodIssue): { field: string; message: string }[] {
  const field = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return [{ field, message: issue.message }];
  return issue.keys
    .slice(0, 10)
    .map((name) => ({ field: field ? `${field}.${name}` : name, message: 'Unknown field' }));
}

const KeyShape = /^[A-Za-z0-9_-]{16,64}$/;

export function checkIdempotencyKey(operation: Operation, key: string | undefined): void {
  if (!operation.idempotent) return;
  if (key === undefined || key === '') throw idempotencyKeyMissing();
  if (!KeyShape.test(key)) throw invalidInput({ errors: [{ field: 'Idempotency-Key', message: 'Send a UUID' }] });
}

/** Whether an error only says that this call's own signal ended, and what ended it. */
function endOf(error: unknown, signal: AbortSignal): string | undefined {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if (current.name === 'TimeoutError') return 'its time was over';
    if (current.name === 'AbortError' || current === signal.reason) return 'the caller hung up';
  }
  return undefined;
}

/** Turns anything thrown into a problem: what is no declared one is a bug, logged once here with its cause. */
export function toProblem(error: unknown, log: Logger, signal?: AbortSignal): ProblemError {
  if (error instanceof ProblemError) return error;
  const endedBy = signal?.aborted ? endOf(error, signal) : undefined;
  if (endedBy !== undefined) {
    log.info({ reason: endedBy }, 'a call was given up');
    return serviceUnavailable({ retryAfterSeconds: 1 });
  }
  if (isDatabaseAway(error)) {
    log.warn({ err: error }, 'the database did not answer in time');
    return serviceUnavailable({ retryAfterSeconds: 1 + Math.floor(Math.random() * 3) });
  }
  log.error({ err: error, alarm: 'bug' }, 'a call failed in an undeclared way');
  return internalError();
}
