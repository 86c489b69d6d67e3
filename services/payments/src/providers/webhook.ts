import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { inquireByProof, verifyByProof } from './by-proof.ts';
import type { PspProvider } from './psp.ts';

// Any payment page that tells its outcome by a signed message alone (PA-5), in the form of Standard Webhooks 1.0: the headers webhook-id,
// webhook-timestamp and webhook-signature, the last one `v1,` and the Base64 of HMAC-SHA256 over `id.timestamp.body`, several of them with
// spaces between while a secret is replaced. It can be asked nothing, so its messages are the only proof there is.
const toleranceSeconds = 300;
const attemptIdShape = z.uuid();
const Message = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('payment.succeeded'),
    data: z.object({
      attemptId: z.uuid(),
      amountRial: z.int().min(1),
      reference: z.string().regex(/^[0-9A-Za-z_-]{4,60}$/),
    }),
  }),
  z.object({
    type: z.literal('payment.failed'),
    data: z.object({ attemptId: z.uuid(), reason: z.string().max(60).default('failed') }),
  }),
]);

export function createWebhookPsp(options: {
  /** The payment page; it takes `attempt`, `amount` in Rial, `order` and `callback`, signed by the first secret. */
  payUrl: string;
  /** The newest first; messages by each are taken. */
  secrets: string[];
  title: { fa: string; en: string };
  now: () => number;
}): PspProvider {
  const [newest = ''] = options.secrets;
  return {
    psp: 'webhook',
    facts: { title: options.title, verifyWindowMinutes: 24 * 60, takesAtOnce: true, isByChoice: true },
    isOffered: () => true,

    request({ attemptId, amountRial, orderNumber, callbackUrl }) {
      const params = {
        attempt: attemptId,
        amount: String(amountRial),
        order: orderNumber,
        callback: `${callbackUrl}?attempt=${attemptId}`,
      };
      const signature = sign(newest, Object.values(params).join('\n'));
      return Promise.resolve({
        kind: 'accepted',
        pspToken: attemptId,
        redirectUrl: `${options.payUrl}?${new URLSearchParams({ ...params, signature }).toString()}`,
      });
    },

    /** The browser only says which payment to look at; what it claims is not even read. */
    parseCallback({ attempt }) {
      return attemptIdShape.safeParse(attempt).success && attempt !== undefined
        ? { pspToken: attempt, claimsSuccess: false }
        : undefined;
    },

    parseWebhook(body, headers) {
      const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '' } = headers;
      const ageSeconds = Math.abs(options.now() / 1000 - Number(timestamp));
      if (id === '' || !/^\d{1,12}$/.test(timestamp) || ageSeconds > toleranceSeconds) return 'refused';
      const given = (headers['webhook-signature'] ?? '').split(' ');
      const wanted = options.secrets.map((secret) => `v1,${sign(secret, `${id}.${timestamp}.${body}`)}`);
      if (!given.some((one) => wanted.some((other) => isSame(one, other)))) return 'refused';
      const message = Message.safeParse(parse(body));
      if (!message.success) return 'irrelevant';
      const { type, data } = message.data;
      return type === 'payment.succeeded'
        ? {
            pspToken: data.attemptId,
            claimsSuccess: true,
            proof: { paidRial: String(data.amountRial), reference: data.reference },
          }
        : { pspToken: data.attemptId, claimsSuccess: false, proof: { failure: data.reason } };
    },

    verify: (attempt) => Promise.resolve(verifyByProof(attempt)),
    inquire: (attempt) => Promise.resolve(inquireByProof(attempt)),
    listUnverified: () => Promise.resolve([]),
  };
}

function sign(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64');
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
