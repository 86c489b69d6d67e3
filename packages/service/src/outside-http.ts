import { Breaker } from './breaker.ts';
import { assertNoTransaction } from './database.ts';
import { Turns } from './turns.ts';

export interface OutsideRequest {
  method: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  /** The body: one of these three, or none. */
  json?: unknown;
  form?: Record<string, string>;
  text?: string;
  /** So long the call may wait for its turn, and so long again for its answer. */
  timeoutMs: number;
  /** The caller's. */
  signal?: AbortSignal | undefined;
  /** It may move money or buy something. */
  isWrite?: boolean | undefined;
  answerBytesMax?: number | undefined;
  /** Told the record of this call too. */
  onCall?: ((call: OutsideCall) => void) | undefined;
}

export interface OutsideAnswer {
  status: number;
  text: string;
  retryAfter: string | null;
}

/** One call as it may be kept: without headers, and of the bodies only what the record's owner lets stand. */
export interface OutsideCall {
  method: string;
  path: string;
  /** Null when there was no answer. */
  status: number | null;
  durationMs: number;
  request: string | null;
  answer: string | null;
}

/** What becomes of a call: an answer, whatever its status; or that it was not sent, reached nobody, or was not answered. */
export type Outcome = OutsideAnswer | 'unsent' | 'unreached' | 'unanswered';

export interface OutsideHttp {
  /** Does not throw for anything that the other side does. After `unanswered` what was asked for may have been done. */
  send(request: OutsideRequest): Promise<Outcome>;
  /** False while its breaker is open. */
  isUp(): boolean;
}

export interface OutsideOptions {
  name: string;
  baseUrl: string;
  /** Calls of this process at a time. One more is not sent, or waits its turn. */
  inFlightMax: number;
  whenFull: 'refuse' | 'wait';
  callsPerSecond?: number;
  answerBytesMax?: number;
  /** An answer that counts as none for the breaker; a 5xx unless said otherwise. */
  isFailure?: (answer: OutsideAnswer) => boolean;
  /** Records of the calls that were sent, and what of a body may stand in them. Without it nothing is kept. */
  record?: {
    showRequest(json: unknown): string | null;
    showAnswer(text: string, status: number | null): string | null;
    onCall(call: OutsideCall): void;
  };
}

/**
 * The way out to one system that is not ours: a bank, a supplier, a source of rates, an SMS provider. Calls are bounded in time, size,
 * number and pace, are kept back for a while when there are no answers, follow no redirect, and are never made inside a transaction.
 *
 * A caller that gives up (its signal) takes no turn any more. What it had sent is broken off if it only reads or asks for an offer, and
 * that is no failure of the other side. A write that was sent is not broken off: it may have been done, so only its own deadline ends it.
 */
export function createOutsideHttp(options: OutsideOptions): OutsideHttp {
  const { name, record } = options;
  const breaker = new Breaker();
  const turns = new Turns({ inFlightMax: options.inFlightMax, perSecond: options.callsPerSecond });

  return {
    isUp: () => breaker.isClosed(),
    async send(request) {
      assertNoTransaction(name);
      if (options.whenFull === 'refuse' && turns.isFull()) return 'unsent';
      const patience = AbortSignal.timeout(request.timeoutMs);
      const isMyTurn = await turns.take(request.signal ? AbortSignal.any([request.signal, patience]) : patience);
      if (!isMyTurn) return 'unsent';
      try {
        if (request.signal?.aborted || !breaker.tryEnter()) return 'unsent';
        const startedAt = performance.now();
        const call: OutsideCall = {
          method: request.method,
          path: request.path.slice(0, 500),
          status: null,
          durationMs: 0,
          request: record?.showRequest(request.json) ?? null,
          answer: null,
        };
        const outcome = await exchange(options, breaker, request, call);
        call.durationMs = Math.round(performance.now() - startedAt);
        record?.onCall(call);
        request.onCall?.(call);
        return outcome;
      } finally {
        turns.leave();
      }
    },
  };
}

/** Sends a call whose turn it is, and tells the breaker what came of it. */
async function exchange(
  options: OutsideOptions,
  breaker: Breaker,
  request: OutsideRequest,
  call: OutsideCall,
): Promise<Outcome> {
  const { baseUrl, record, isFailure = ({ status }) => status >= 500 } = options;
  const { method, path, headers, timeoutMs, signal, isWrite = false } = request;
  const deadline = AbortSignal.timeout(timeoutMs);
  const caller = isWrite ? undefined : signal;
  const [contentType, body] = bodyOf(request);
  let text = '';
  try {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
      redirect: 'error',
      signal: caller ? AbortSignal.any([caller, deadline]) : deadline,
    });
    call.status = response.status;
    text = await readText(response, request.answerBytesMax ?? options.answerBytesMax ?? 1024 * 1024);
    const answer = { status: response.status, text, retryAfter: response.headers.get('retry-after') };
    if (isFailure(answer)) breaker.fail();
    else breaker.succeed();
    return answer;
  } catch (error) {
    if (caller?.aborted) breaker.forget();
    else breaker.fail();
    return isRefusedConnection(error) ? 'unreached' : 'unanswered';
  } finally {
    if (text !== '') call.answer = record?.showAnswer(text, call.status) ?? null;
  }
}

function bodyOf({ json, form, text }: OutsideRequest): [contentType?: string, body?: string] {
  if (json !== undefined) return ['application/json', JSON.stringify(json)];
  if (form !== undefined) return ['application/x-www-form-urlencoded', new URLSearchParams(form).toString()];
  return text === undefined ? [] : ['text/plain', text];
}

/** Stops reading at the limit, so that no answer can fill the memory. */
async function readText(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error('The answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Nobody listened there. Of any other failure nobody knows how far the call came. */
function isRefusedConnection(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
