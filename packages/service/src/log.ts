import { pino } from 'pino';

/**
 * Only these fields reach a log line; anything else is dropped and its name counted. An allow list, because a deny list
 * forgets the one field that carries a product key, a token or a phone number (I17).
 */
const loggedFields = [
  'service',
  'operation',
  'requestId',
  'status',
  'code',
  'durationMs',
  'actor',
  'err',
  'event',
  'eventId',
  'job',
  'count',
  'attempt',
  'orderId',
  'attemptId',
  'psp',
  'procurementId',
  'supplier',
  'scope',
  'balanceCents',
  'variantId',
  'batchId',
  'keyId',
  'challengeId',
  'sessionId',
  'userId',
  'messageId',
  'channel',
  'template',
  'providerStatus',
  'amountRial',
  'expectedRial',
  'currency',
  'rateRial',
  'source',
  'from',
  'to',
  'reason',
  'url',
  'peer',
  'alarm',
  'importedCount',
  'duplicateCount',
  'path',
  'day',
  'importId',
  'invariant',
  'subject',
  'pid',
  'sentence',
  'customerId',
  'customerLevel',
  'bankAccountId',
  'refundId',
] as const;

type LoggedField = (typeof loggedFields)[number];
/** What a line may carry: names of the list with plain values, and `err`, of which only kind, code and place are kept. */
export type LogFields = {
  readonly [field in Exclude<LoggedField, 'err'>]?: string | number | boolean | Date | null | undefined;
} & { readonly err?: unknown };
/** Refuses names that the list does not know, in what is spread into a line too, where TypeScript looks at no excess. */
type Known<F> = F extends unknown ? { readonly [field in Exclude<keyof F, LoggedField>]: never } : never;
type Say = <F extends LogFields>(fields: F & Known<F>, message: string) => void;

export interface Logger {
  readonly debug: Say;
  readonly info: Say;
  readonly warn: Say;
  readonly error: Say;
  readonly child: <F extends LogFields>(fields: F & Known<F>) => Logger;
}

export function createLogger(options: { level: string; destination?: { write(line: string): void } }): Logger {
  const settings = {
    level: options.level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => keepAllowed(fields),
      bindings: (fields: Record<string, unknown>) => keepAllowed(fields),
    },
    serializers: { err: serializeError },
  };
  const logger = options.destination ? pino(settings, options.destination) : pino(settings);
  // pino does not put a child's fields through the formatter of its parent. Children inherit this function.
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its own logger as this, just below.
  const makeChild: (this: unknown, fields: Record<string, unknown>) => typeof logger = logger.child;
  Object.assign(logger, {
    child(this: unknown, fields: Record<string, unknown>) {
      return makeChild.call(this, keepAllowed(fields));
    },
  });
  return logger;
}

const isLogged = new Set<string>(loggedFields);

function keepAllowed(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  let droppedCount = 0;
  for (const [name, value] of Object.entries(fields)) {
    if (isLogged.has(name)) kept[name] = value;
    else droppedCount += 1;
  }
  return droppedCount === 0 ? kept : { ...kept, droppedCount };
}

/** An error's message and stack, without its query parameters: a driver's error carries the values it was sent. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const constraint = 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : undefined;
  // Drizzle puts the parameters into the message of its own error; the statement's text before them is enough.
  const message = error.message.split('\nparams:')[0] ?? '';
  const stack = (error.stack ?? '')
    .split('\n')
    .filter((line) => line.trimStart().startsWith('at '))
    .slice(0, 8)
    .join('\n');
  return {
    type: error.name,
    message,
    code,
    constraint,
    stack,
    ...(error.cause ? { cause: serializeError(error.cause) } : {}),
  };
}
