import type { z } from 'zod';
import { type Contract, type Operation, ProblemError } from './contract.ts';

export interface CallOptions {
  signal?: AbortSignal;
  idempotencyKey?: string;
}

/** The same shape for a call in this process, between processes and from a browser. */
export type Client<C extends Contract> = {
  [Name in keyof C['operations']]: C['operations'][Name] extends Operation<infer Input, infer Output>
    ? (input: z.input<Input>, options?: CallOptions) => Promise<z.output<Output>>
    : never;
};

export interface HttpClientOptions {
  /** The gateway's origin, without `/api/v1`. */
  baseUrl: string;
  /** Headers of each call, asked anew each time: tokens change. */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  /** Sees each answer's headers: the first cart call answers with X-Cart-Token. */
  onResponse?: (response: Response) => void;
  fetch?: typeof fetch;
  timeoutMs?: number;
}

/** A client of the public API over the gateway; throws ProblemError. Works in browsers and in Node. */
export function createHttpClient<C extends Contract>(contract: C, options: HttpClientOptions): Client<C> {
  const client: Record<string, unknown> = {};
  for (const [name, operation] of Object.entries(contract.operations)) {
    client[name] = (input: Record<string, unknown>, call?: CallOptions) => request(operation, input, options, call);
  }
  return client as Client<C>; // Every operation of the contract has just been given its function.
}

async function request(
  operation: Operation,
  input: Record<string, unknown>,
  options: HttpClientOptions,
  call: CallOptions | undefined,
): Promise<unknown> {
  const rest = { ...input };
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_match, field: string) => {
    const value = rest[field];
    delete rest[field];
    return encodeURIComponent(String(value));
  });
  const url = new URL(`/api/v1${path}`, options.baseUrl);
  const headers: Record<string, string> = { accept: 'application/json', ...(await options.headers?.()) };
  if (call?.idempotencyKey) headers['idempotency-key'] = call.idempotencyKey;
  let body: string | undefined;
  if (operation.method === 'GET') {
    for (const [field, value] of Object.entries(rest))
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        url.searchParams.set(field, String(value));
  } else if (Object.keys(rest).length > 0) {
    headers['content-type'] = 'application/json';
    body = JSON.stringify(rest);
  }
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 15_000);
  const response = await (options.fetch ?? fetch)(url, {
    method: operation.method,
    headers,
    signal: call?.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
    ...(body === undefined ? {} : { body }),
  });
  options.onResponse?.(response);
  const text = await response.text();
  const answer: unknown = text === '' ? undefined : parseJson(text);
  if (!response.ok) throw ProblemError.fromBody(answer, response.status);
  return operation.output.parse(answer);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // A proxy's HTML error page: the status tells what happened.
  }
}
