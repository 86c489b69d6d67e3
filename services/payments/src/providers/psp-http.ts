import { Breaker } from '@kelid/service/breaker';
import { assertNoTransaction } from '@kelid/service/database';

const answerBytesMax = 1024 * 1024;
const inFlightMax = 50;

export interface PspAnswer {
  status: number;
  text: string;
}

export interface PspHttp {
  /** Undefined when there was no answer: what was asked for may have been done. */
  send(request: {
    /** POST unless said otherwise; a GET has no body. */
    method?: 'GET' | 'POST';
    path: string;
    headers?: Record<string, string>;
    json?: unknown;
    form?: Record<string, string>;
    /** A body as it is, with its content type. */
    text?: string;
    contentType?: string;
    timeoutMs: number;
  }): Promise<PspAnswer | undefined>;
  /** False while its breaker is open. */
  isOffered(): boolean;
}

/** Calls to one PSP: bounded in time, number and size, and kept back for a while when it does not answer. */
export function createPspHttp(options: { psp: string; baseUrl: string }): PspHttp {
  const breaker = new Breaker();
  let inFlight = 0;
  return {
    isOffered: () => breaker.isClosed(),
    async send({ method = 'POST', path, headers = {}, json, form, text, contentType, timeoutMs }) {
      assertNoTransaction(`${options.psp} ${path}`);
      if (inFlight >= inFlightMax || !breaker.tryEnter()) return undefined;
      inFlight += 1;
      try {
        const [type, body] =
          json !== undefined
            ? ['application/json', JSON.stringify(json)]
            : form !== undefined
              ? ['application/x-www-form-urlencoded', new URLSearchParams(form).toString()]
              : [contentType ?? 'text/plain', text ?? ''];
        const response = await fetch(`${options.baseUrl}${path}`, {
          method,
          headers: { 'content-type': type, accept: 'application/json', ...headers },
          ...(method === 'GET' ? {} : { body }),
          redirect: 'error',
          signal: AbortSignal.timeout(timeoutMs),
        });
        const answer = { status: response.status, text: await readText(response) };
        if (response.status >= 500) breaker.fail();
        else breaker.succeed();
        return answer;
      } catch {
        breaker.fail();
        return undefined;
      } finally {
        inFlight -= 1;
      }
    },
  };
}

/** Stops reading at the limit, so that no answer can fill the memory. */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) throw new Error('The answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
