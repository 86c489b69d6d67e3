import { createHmac, randomBytes } from 'node:crypto';
import type { Faults } from './faults.ts';

/** Where Stripe's dashboard says that events go. While a secret is being replaced both sign. */
export interface StripeWebhookTarget {
  url: string;
  secrets: string[];
}

const retryAfterMs = [1_000, 5_000];

/** Events as Stripe sends them: signed over their very bytes, at least once, and again until a 2xx answers. */
export function createStripeWebhook(faults: Faults, first: StripeWebhookTarget | undefined) {
  let target = first;
  const timers = new Set<NodeJS.Timeout>();
  const closed = new AbortController();

  /** What one happening has to tell, in its order. */
  async function tell(news: { type: string; object: unknown }[]): Promise<void> {
    if (!target) return;
    const { url, secrets } = target;
    const bodies = news.map(({ type, object }) =>
      // As Stripe writes it: several lines, and letters of any language as they are.
      JSON.stringify(
        {
          id: `evt_${randomBytes(12).toString('hex')}`,
          object: 'event',
          api_version: '2026-07-29.dahlia',
          created: Math.floor(Date.now() / 1000),
          data: { object },
          livemode: false,
          pending_webhooks: 1,
          request: { id: null, idempotency_key: null },
          type,
        },
        null,
        2,
      ),
    );
    const fault = await faults.take('stripe.webhook', ['late', 'duplicate', 'out-of-order', 'never', 'forged']);
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
    const at = Math.floor(Date.now() / 1000);
    const signatures = secrets.map(
      (secret) => `v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`,
    );
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        'stripe-signature': [`t=${at}`, ...signatures].join(','),
      },
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
    aim(next: StripeWebhookTarget): void {
      target = next;
    },
    tell,
    close(): void {
      closed.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
