import type { Answer } from './browser-fetch.ts';

const keptMs = 10 * 60_000;

/**
 * The Idempotency-Key of a request: the same one while the same request is repeated, also after a reload, so that an answer which was
 * lost on the way is fetched and nothing is done twice. Another amount or bank is another request.
 */
export function requestKey(name: string, body: object): string {
  const text = JSON.stringify(body);
  const [key, keptText, at] = JSON.parse(sessionStorage.getItem(name) ?? '[]') as [string?, string?, number?];
  if (key !== undefined && keptText === text && Date.now() - (at ?? 0) < keptMs) return key;
  const fresh = crypto.randomUUID();
  sessionStorage.setItem(name, JSON.stringify([fresh, text, Date.now()]));
  return fresh;
}

/** Lets go of the key once it is certain what became of the request; what nobody answered is asked again under the same key. */
export function endRequest(name: string, answer: Answer<unknown>): void {
  const isOpen =
    !answer.ok &&
    (answer.status === 0 ||
      answer.code === 'idempotency-key-running' ||
      (answer.status >= 500 && answer.code !== 'payments.psp-unavailable'));
  if (!isOpen) sessionStorage.removeItem(name);
}
