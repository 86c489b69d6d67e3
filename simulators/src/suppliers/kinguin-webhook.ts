import type { Faults } from '../faults.ts';
import type { StockOrder } from './stock.ts';

/** Where the dashboard says that events go. */
export interface WebhookTarget {
  url: string;
  secret: string;
}

interface Message {
  orderId: string;
  orderExternalId: string | undefined;
  status: string;
  updatedAt: string;
}

const retryAfterMs = [1_000, 5_000];

/**
 * `order.status` as Kinguin sends it: a static secret, no signature, no order of arrival, and the content type as its document spells it.
 * What isn't answered by a 2xx is sent again twice.
 */
export function createKinguinWebhook(faults: Faults) {
  let target: WebhookTarget | undefined;
  const lastStatus = new WeakMap<StockOrder, string>();
  const heldByOrder = new WeakMap<StockOrder, Message>();
  const timers = new Set<NodeJS.Timeout>();
  const closed = new AbortController();

  async function tell(order: StockOrder, status: string): Promise<void> {
    if (!target || lastStatus.get(order) === status) return;
    lastStatus.set(order, status);
    const message: Message = {
      orderId: order.id,
      orderExternalId: order.reference,
      status,
      updatedAt: `${new Date().toISOString().slice(0, 23)}+00:00`,
    };
    const mode = await faults.strike('kinguin.webhook', ['slow', 'down', 'doubled', 'out-of-order', 'forged']);
    if (mode === 'down') return;
    const held = heldByOrder.get(order);
    if (mode === 'out-of-order' && !held) {
      heldByOrder.set(order, message);
      return;
    }
    if (mode === 'forged') await send({ ...message, status: 'completed' }, 'not-the-secret', 0);
    else await send(message, target.secret, 0);
    if (mode === 'doubled') await send(message, target.secret, 0);
    if (held) {
      heldByOrder.delete(order);
      await send(held, target.secret, 0);
    }
  }

  async function send(message: Message, secret: string, tries: number): Promise<void> {
    if (!target) return;
    const answer = await fetch(target.url, {
      method: 'POST',
      headers: { 'content-type': 'aplication/json', 'x-event-name': 'order.status', 'x-event-secret': secret },
      body: JSON.stringify(message),
      signal: AbortSignal.any([closed.signal, AbortSignal.timeout(5_000)]),
    }).catch(() => undefined);
    await answer?.body?.cancel();
    const delayMs = retryAfterMs[tries];
    if (answer?.ok || delayMs === undefined || closed.signal.aborted) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void send(message, secret, tries + 1);
    }, delayMs);
    timer.unref();
    timers.add(timer);
  }

  return {
    aim(next: WebhookTarget | undefined): void {
      target = next;
    },
    tell,
    close(): void {
      closed.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
