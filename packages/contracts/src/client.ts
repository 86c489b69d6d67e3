import type { z } from 'zod';
import { type CallOptions, requestOf } from './address.ts';
import { type Contract, type Operation, ProblemError } from './contract.ts';

/** The same shape for a call in this process, between processes and over the public API. */
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

/** A client of the public API over the gateway; throws ProblemError. */
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
  const { path, init } = requestOf(operation, input, call);
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 15_000);
  const response = await (options.fetch ?? fetch)(new URL(path, options.baseUrl), {
    ...init,
    headers: { accept: 'application/json', ...(await options.headers?.()), ...init.headers },
    signal: init.signal ? AbortSignal.any([init.signal, timeout]) : timeout,
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
