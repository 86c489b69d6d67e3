import { createHmac, randomInt, randomUUID, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Bank, BankAttempt } from './bank-attempt.ts';
import type { Faults } from './faults.ts';
import { bankPage, messagePage } from './pages.ts';
import { createWebhookSender, type SignedWebhookTarget } from './webhook-sender.ts';

// A payment page that the shop asks nothing: the browser brings what is to be paid, signed by the shop, and what was paid is told by
// messages in the form of Standard Webhooks 1.0.

const attemptsMax = 20_000;
const Asked = z.object({
  attempt: z.uuid(),
  amount: z.string().regex(/^[1-9]\d{0,14}$/),
  order: z.string().max(60),
  callback: z.url(),
  signature: z.string(),
});

export function createWebhookBank(faults: Faults, target: SignedWebhookTarget | undefined): Bank & { close(): void } {
  const attempts = new Map<string, BankAttempt>();
  const sender = createWebhookSender({ faults, place: 'webhook.webhook', target, sign });

  /** Undefined unless the shop itself has signed what is to be paid. */
  function open(query: unknown): BankAttempt | undefined {
    const asked = Asked.safeParse(query);
    if (!asked.success || !target) return undefined;
    const { attempt: authority, amount, order, callback, signature } = asked.data;
    const isSigned = target.secrets.some((secret) =>
      isSame(signature, hmac(secret, [authority, amount, order, callback].join('\n'))),
    );
    if (!isSigned) return undefined;
    const known = attempts.get(authority);
    if (known) return known;
    const attempt: BankAttempt = {
      authority,
      merchantId: 'kelid',
      amountRial: Number(amount),
      amount: Number(amount),
      description: order,
      callbackUrl: callback,
      orderId: order,
      status: 'IN_BANK',
      refId: randomInt(100_000_000_000, 200_000_000_000),
      createdAt: new Date().toISOString(),
      paidAtMs: undefined,
    };
    attempts.set(authority, attempt);
    if (attempts.size > attemptsMax)
      for (const [oldest] of attempts) {
        attempts.delete(oldest);
        break;
      }
    return attempt;
  }

  function decide(authority: string, outcome: 'pay' | 'fail' | 'cancel') {
    const attempt = attempts.get(authority);
    if (!attempt) return undefined;
    if (attempt.status === 'IN_BANK') {
      attempt.status = outcome === 'pay' ? 'VERIFIED' : 'FAILED';
      if (outcome === 'pay') attempt.paidAtMs = Date.now();
      void sender.tell(messagesOf(attempt));
    }
    return { method: 'GET' as const, url: attempt.callbackUrl };
  }

  function register(server: FastifyInstance): void {
    server.get('/webhook-bank/pay', async (request, reply) => {
      const attempt = open(request.query);
      reply.type('text/html');
      if (!attempt) return reply.status(404).send(notFoundPage());
      return reply.send(bankPage(attempt, `/webhook-bank/pay/${attempt.authority}`));
    });
    server.post<{ Params: { token: string }; Body: { outcome?: string } }>(
      '/webhook-bank/pay/:token',
      async (request, reply) => {
        const outcome = z.enum(['pay', 'fail', 'cancel', 'pay-and-close']).safeParse(request.body?.outcome);
        const next = outcome.success
          ? decide(request.params.token, outcome.data === 'pay-and-close' ? 'pay' : outcome.data)
          : undefined;
        if (!next) return reply.status(404).type('text/html').send(notFoundPage());
        if (outcome.data === 'pay-and-close')
          return reply
            .type('text/html')
            .send(messagePage('پرداخت شد و صفحه به فروشگاه برنمی‌گردد', 'خریدار صفحه بانک را بسته است.'));
        return reply.redirect(next.url, 303);
      },
    );
  }

  return { attempts, decide, register, close: () => sender.close() };
}

function messagesOf({ authority: attemptId, amountRial, refId, status }: BankAttempt): string[] {
  const message =
    status === 'FAILED'
      ? { type: 'payment.failed', data: { attemptId, reason: 'card declined' } }
      : { type: 'payment.succeeded', data: { attemptId, amountRial, reference: String(refId) } };
  return [JSON.stringify({ ...message, timestamp: new Date().toISOString() })];
}

function sign(body: string, secrets: string[]): Record<string, string> {
  const id = `msg_${randomUUID()}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signatures = secrets.map((secret) => `v1,${hmac(secret, `${id}.${timestamp}.${body}`)}`);
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

function hmac(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64');
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function notFoundPage(): string {
  return messagePage('این پرداخت پیدا نشد', 'به فروشگاه برگردید و دوباره پرداخت کنید.');
}
