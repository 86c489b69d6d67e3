import { AsyncLocalStorage } from 'node:async_hooks';
import { ProblemError } from '@kelid/contracts/contract';

export interface Refusal {
  status: 429 | 503;
  retryAfterSeconds: number;
}

/** One request to the shop, known to everything that works on its answer. */
export interface Visit {
  /** Where the visitor is, as the shop's server saw it. */
  address: string;
  /** Why the page is not shown as it should be. */
  refusal?: Refusal;
}

// The server and the pages are built apart; what they share is on the process.
const name = Symbol.for('kelid.visits');
const shared = globalThis as { [name]?: AsyncLocalStorage<Visit> };
export const visits = (shared[name] ??= new AsyncLocalStorage<Visit>());

/** The gateway counts and records the visitor, not this server. */
export function visitorHeaders(): Record<string, string> {
  const address = visits.getStore()?.address;
  return address === undefined ? {} : { 'x-forwarded-for': address };
}

/** What the gateway said when it would not or could not answer; undefined for anything else that was thrown. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof DOMException && error.name === 'TimeoutError') return { status: 503, retryAfterSeconds: 5 };
  if (!(error instanceof ProblemError) || (error.status !== 429 && error.status < 500)) return undefined;
  return { status: error.status === 429 ? 429 : 503, retryAfterSeconds: error.retryAfterSeconds ?? 5 };
}

/** Remembers a refusal for the status of the answer. */
export function tellRefusal(refusal: Refusal): void {
  const visit = visits.getStore();
  if (visit) visit.refusal = refusal;
}
