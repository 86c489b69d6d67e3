import type { z } from 'zod';
import {
  forbidden,
  idempotencyKeyMissing,
  internalError,
  invalidInput,
  problemsOf,
  serviceUnavailable,
  textsOfLines,
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

/** The fields below a value with a text that this says is wrong. Names are texts too. */
function fieldsWith(isWrong: (text: string) => boolean, value: unknown, field: string): string[] {
  if (typeof value === 'string') return isWrong(value) ? [field] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const isRight = Array.isArray(value) || !isWrong(name);
    const own = `${field}${field === '' ? '' : '.'}${isRight ? name : '?'}`;
    return isRight ? fieldsWith(isWrong, inner, own) : [own];
  });
}

/** What PostgreSQL cannot keep: a NUL, or half a character. */
const isUnstorable = (text: string) => text.includes('\0') || !text.isWellFormed();
/** In a text of one line this would be a line of an SMS, a mail or a list that its sender made up (A83). */
const hasLineBreak = (text: string) => /[\r\n\v\f\u0085\u2028\u2029]/.test(text);

function refuseFields(fields: string[], message: string): void {
  if (fields.length > 0) throw invalidInput({ errors: fields.slice(0, 10).map((field) => ({ field, message })) });
}

/** Throws for a value with a text that no database keeps; also for what an operation has parsed out of a text of its own. */
export function requireStorable(value: unknown, judgedTexts?: string): void {
  const unstorable = fieldsWith(isUnstorable, value, '').filter((field) => field.split('.')[0] !== judgedTexts);
  refuseFields(unstorable, 'Has a character that no text can have');
}

function requireOneLine(input: unknown): void {
  const ofOneLine = Object.entries(input ?? {}).filter(([name]) => !textsOfLines.has(name));
  refuseFields(fieldsWith(hasLineBreak, Object.fromEntries(ofOneLine), ''), 'Is one line');
}

export function parseInput(operation: Operation, input: unknown): Record<string, unknown> {
  requireStorable(input, operation.judgedTexts);
  requireOneLine(input);
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

/**
 * A problem as the operation's contract declares it, without data that is not declared. Another one, also one that a peer answered with
 * and nobody caught, is a bug like any other: logged, and a bare 500 to the caller.
 */
export function declaredOnly(operation: Operation, problem: ProblemError, log: Logger): ProblemError {
  const { code, status, title, detail } = problem;
  const declared = problemsOf(operation).find((known) => known.code === code);
  const data = declared?.data.safeParse(problem.data);
  if (data?.success) return new ProblemError({ code, status, title, detail, data: data.data });
  log.error({ err: problem, alarm: 'bug' }, 'a call ended in a problem that its contract does not declare');
  return internalError();
}
