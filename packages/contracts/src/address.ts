// Without a schema, and so also for browsers.

/** Below this the public operations are found. */
export const apiRoot = '/api/v1';

/** The address of an operation for an input, and what of the input goes elsewhere than into the address. */
export function addressOf(
  operation: { path: string },
  input: Record<string, unknown>,
): { path: string; rest: Record<string, unknown> } {
  const rest = { ...input };
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_match, field: string) => {
    const value = rest[field];
    delete rest[field];
    return encodeURIComponent(String(value));
  });
  return { path: apiRoot + path, rest };
}

export interface CallOptions {
  signal?: AbortSignal;
  idempotencyKey?: string;
}

/** A call of an operation as `fetch` sends it. */
export function requestOf(
  operation: { method: string; path: string },
  input: Record<string, unknown>,
  { signal, idempotencyKey }: CallOptions = {},
): { path: string; init: { method: string; headers: Record<string, string>; body?: string; signal?: AbortSignal } } {
  const { path, rest } = addressOf(operation, input);
  const isReading = operation.method === 'GET';
  const query = new URLSearchParams();
  for (const [field, value] of isReading ? Object.entries(rest) : [])
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      query.set(field, String(value));
  const body = isReading || Object.keys(rest).length === 0 ? undefined : JSON.stringify(rest);
  return {
    path: query.size > 0 ? `${path}?${query}` : path,
    init: {
      method: operation.method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    },
  };
}
