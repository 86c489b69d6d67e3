import type { FaultPlace, Faults } from './faults.ts';

/** Where a sender's dashboard says that its messages go. While a secret is being replaced both sign. */
export interface SignedWebhookTarget {
  url: string;
  secrets: string[];
}

const retryAfterMs = [1_000, 5_000];

/** Messages signed over their very bytes, sent at least once, and again until a 2xx answers. */
export function createWebhookSender(options: {
  faults: Faults;
  place: FaultPlace;
  target: SignedWebhookTarget | undefined;
  sign: (body: string, secrets: string[]) => Record<string, string>;
}) {
  let { target } = options;
  const timers = new Set<NodeJS.Timeout>();
  const closed = new AbortController();

  /** What one happening has to tell, in its order. */
  async function tell(news: string[]): Promise<void> {
    if (!target) return;
    const { url, secrets } = target;
    const bodies = [...news];
    const fault = await options.faults.take(options.place, ['late', 'duplicate', 'out-of-order', 'never', 'forged']);
    if (fault?.mode === 'never') return;
    if (fault?.mode === 'out-of-order') bodies.reverse();
    if (fault?.mode === 'duplicate') bodies.push(...bodies);
    const signers = fault?.mode === 'forged' ? ['whsec_of_somebody_else'] : secrets;
    const sendAll = async () => {
      for (const body of bodies) await send(url, body, signers, 0);
    };
    if (fault?.mode === 'late') later(fault.delayMs, sendAll);
    else await sendAll();
  }

  async function send(url: string, body: string, secrets: string[], tries: number): Promise<void> {
    if (closed.signal.aborted) return;
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', ...options.sign(body, secrets) },
      body,
      signal: AbortSignal.any([closed.signal, AbortSignal.timeout(5_000)]),
    }).catch(() => undefined);
    await answer?.body?.cancel();
    const delayMs = retryAfterMs[tries];
    if (!answer?.ok && delayMs !== undefined) later(delayMs, () => send(url, body, secrets, tries + 1));
  }

  function later(delayMs: number, work: () => Promise<void>): void {
    if (closed.signal.aborted) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void work();
    }, delayMs);
    timer.unref();
    timers.add(timer);
  }

  return {
    aim(next: SignedWebhookTarget): void {
      target = next;
    },
    tell,
    close(): void {
      closed.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
