/** A line of what went wrong in the shop's own process, in the shape of the backend's. Never what was sent: it may hold a code or a token. */
export function logFault(level: 'warn' | 'error', message: string, error: unknown): void {
  const err =
    error instanceof Error
      ? {
          type: error.name,
          message: error.message,
          stack: error.stack?.split('\n').slice(1, 9).join('\n'),
          ...(error.cause instanceof Error ? { cause: error.cause.message } : {}),
        }
      : { type: typeof error };
  console.error(JSON.stringify({ level, time: new Date().toISOString(), service: 'storefront', err, msg: message }));
}
