import { createHmac, randomBytes } from 'node:crypto';
import type { Faults } from './faults.ts';
import { createWebhookSender, type SignedWebhookTarget } from './webhook-sender.ts';

/** Events as Stripe sends and signs them. */
export function createStripeWebhook(faults: Faults, first: SignedWebhookTarget | undefined) {
  const sender = createWebhookSender({ faults, place: 'stripe.webhook', target: first, sign });
  return {
    ...sender,
    tell: (news: { type: string; object: unknown }[]) =>
      sender.tell(
        news.map(({ type, object }) =>
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
        ),
      ),
  };
}

function sign(body: string, secrets: string[]): Record<string, string> {
  const at = Math.floor(Date.now() / 1000);
  const signatures = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}`,
  );
  return {
    'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
    'stripe-signature': [`t=${at}`, ...signatures].join(','),
  };
}
