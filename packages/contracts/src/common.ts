import { z } from 'zod';
import { type DeclaredProblem, type Operation, problem } from './contract.ts';

export const Id = z.uuid({ version: 'v7' });
export const Instant = z.iso.datetime();
export const AmountRial = z.int().min(0).describe('whole Rial; 1 Toman is 10 Rial');
/** Thirty lines of twenty units at this price are far below 2^53 Rial, so no cart of sold goods is beyond what can be counted. */
export const priceMaxRial = 100_000_000_000;
export const Language = z.enum(['fa', 'en']);
export type Language = z.infer<typeof Language>;
export const LocalizedText = z.object({ fa: z.string(), en: z.string() });
export type LocalizedText = z.infer<typeof LocalizedText>;
export const Limit = z.int().min(1).max(100).default(20);
/** Where a list goes on: the `nextCursor` of the page before. */
export const Cursor = z.string().min(1).max(400).optional();
/** The cursor of a list that goes on after the id that was shown last. Anything else is no cursor of such a list: 422. */
export const IdCursor = Id.optional();
export const NoInput = z.object({});
export const NoOutput = z.undefined();
export const Quantity = z.int().min(1).max(100);

/** The fields whose texts may have several lines. Every other text is one line: it stands in a subject, an SMS, a heading or a line of a list. */
export const textsOfLines: ReadonlySet<string> = new Set([
  'about',
  'activationGuide',
  'body',
  'codes',
  'csv',
  'description',
  'lines',
  'note',
  'params',
  'reason',
]);

export function page<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** Problem data that names the fields that are not right. */
export const FieldErrors = z.object({ errors: z.array(z.object({ field: z.string(), message: z.string() })) });
/** Problem data of what may be asked again later; it is also sent as the Retry-After header. */
export const RetryAfter = z.object({ retryAfterSeconds: z.int() });

export const badRequest = problem('bad-request', { status: 400, title: 'The request could not be read' });
export const unauthenticated = problem('unauthenticated', { status: 401, title: 'Sign in first' });
export const forbidden = problem('forbidden', { status: 403, title: 'You may not do this' });
export const ownAffair = problem('own-affair', {
  status: 403,
  title: 'Nobody decides about their own order, money or complaint; another person must',
});
export const routeNotFound = problem('not-found', { status: 404, title: 'There is nothing here' });
export const methodNotAllowed = problem('method-not-allowed', {
  status: 405,
  title: 'This path does not know that method',
});
export const payloadTooLarge = problem('payload-too-large', { status: 413, title: 'The body is too large' });
export const unsupportedMediaType = problem('unsupported-media-type', { status: 415, title: 'Send JSON' });
export const invalidInput = problem('invalid-input', {
  status: 422,
  title: 'Some fields are not right',
  data: FieldErrors,
});
export const rateLimited = problem('rate-limited', {
  status: 429,
  title: 'Too many requests; wait a moment',
  data: RetryAfter,
});
export const staffViewsLimited = problem('staff-views-limited', {
  status: 429,
  title: 'You have looked at more customers than one person may in this time; wait a little',
  data: RetryAfter,
});
export const serviceUnavailable = problem('service-unavailable', {
  status: 503,
  title: 'This part of the shop is away for a moment',
  data: RetryAfter,
});
export const internalError = problem('internal-error', { status: 500, title: 'Something broke on our side' });
export const idempotencyKeyMissing = problem('idempotency-key-missing', {
  status: 400,
  title: 'Send an Idempotency-Key',
});
export const idempotencyKeyRunning = problem('idempotency-key-running', {
  status: 409,
  title: 'The first request with this Idempotency-Key is still running',
  data: RetryAfter,
});
export const idempotencyKeyReused = problem('idempotency-key-reused', {
  status: 422,
  title: 'This Idempotency-Key was used with another body',
});

/** What the door and the host answer by themselves, so that no operation need declare it. Any other problem of an operation it does. */
export function generalProblems(operation: Operation) {
  const { access, method, idempotent, isPersonal, showsCustomers } = operation;
  const isPublic = access.includes('public');
  return [
    invalidInput,
    rateLimited,
    internalError,
    serviceUnavailable,
    ...(method === 'GET' ? [] : [badRequest, payloadTooLarge, unsupportedMediaType]),
    ...(isPublic && !isPersonal ? [] : [unauthenticated]),
    ...(isPublic ? [] : [forbidden]),
    ...(showsCustomers ? [staffViewsLimited] : []),
    ...(idempotent ? [idempotencyKeyMissing, idempotencyKeyRunning, idempotencyKeyReused] : []),
  ];
}

/** Every problem that a call of this operation can end in. */
export function problemsOf(operation: Operation): DeclaredProblem[] {
  return [...new Set<DeclaredProblem>([...operation.problems, ...generalProblems(operation)])];
}
