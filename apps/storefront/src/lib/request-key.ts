import type { Answer } from './shop.ts';

const keptMs = 10 * 60_000;

type Kept = [key: string, text: string, atMs: number];

function read(name: string): Kept | undefined {
  const kept = JSON.parse(sessionStorage.getItem(name) ?? 'null') as Kept | null;
  return kept && Date.now() - kept[2] < keptMs ? kept : undefined;
}

/**
 * The Idempotency-Key of a request: the same one while the same request is repeated, also after a reload, so that an answer which was
 * lost on the way is fetched and nothing is done twice. Another amount or bank is another request.
 */
export function requestKey(name: string, body: object): string {
  const text = JSON.stringify(body);
  const kept = read(name);
  if (kept?.[1] === text) return kept[0];
  const fresh = crypto.randomUUID();
  sessionStorage.setItem(name, JSON.stringify([fresh, text, Date.now()]));
  return fresh;
}

/** The request of that name whose answer never came: it may be sent again as it was. */
export function openRequest<Body extends object>(name: string): Body | undefined {
  const kept = read(name);
  return kept && (JSON.parse(kept[1]) as Body); // Kept by `requestKey` under this name.
}

/** Codes of answers that say for certain that nothing was done, though the fault was ours. */
const certain = new Set(['payments.psp-unavailable', 'orders.checkout-failed']);

/**
 * Lets go of the key once it is certain what became of the request; what nobody answered is asked again under the same key. Tells whether
 * it is certain.
 */
export function endRequest(name: string, answer: Answer<unknown>): boolean {
  const isOpen =
    !answer.ok &&
    (answer.status === 0 ||
      answer.code === 'idempotency-key-running' ||
      (answer.status >= 500 && !certain.has(answer.code)));
  if (!isOpen) sessionStorage.removeItem(name);
  return !isOpen;
}
