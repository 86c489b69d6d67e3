import { pino } from 'pino';

/**
 * Only these fields reach a log line; anything else is dropped and its name counted. An allow list, because a deny list
 * forgets the one field that carries a product key, a token or a phone number (I17).
 */
const loggedFields = new Set([
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
  'orderNumber',
  'orderLineId',
  'intentId',
  'attemptId',
  'psp',
  'pspCode',
  'reservationId',
  'procurementId',
  'supplier',
  'scope',
  'balanceCents',
  'variantId',
  'productId',
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
  'port',
  'peer',
  'alarm',
  'importedCount',
  'duplicateCount',
  'round',
  'method',
  'path',
  'day',
  'importId',
  'invariant',
  'subject',
  'pid',
]);

export type Logger = Pick<ReturnType<typeof pino>, 'info' | 'warn' | 'error' | 'debug' | 'child'>;

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

function keepAllowed(fields: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  let droppedCount = 0;
  for (const [name, value] of Object.entries(fields)) {
    if (loggedFields.has(name)) kept[name] = value;
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
