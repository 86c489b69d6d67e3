import { randomInt } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Bank, BankAttempt } from './bank-attempt.ts';
import type { Faults } from './faults.ts';
import { bankPage, messagePage } from './pages.ts';

// Zibal v1 as its clients speak it: `{ result, message, … }` in an HTTP 200, amounts in Rial, a track id that is a number. Any merchant is
// taken but one that begins with `wrong`.

const attemptsMax = 20_000;
const cardNumber = '603799******0006';
const verifyWindowMs = 15 * 60_000;

const RequestBody = z.looseObject({
  merchant: z.string().min(1),
  amount: z.int(),
  callbackUrl: z.url(),
  description: z.string().max(500).optional(),
  orderId: z.string().max(100).optional(),
  mobile: z
    .string()
    .regex(/^09\d{9}$/)
    .optional(),
});
const TrackBody = z.looseObject({ merchant: z.string().min(1), trackId: z.int() });
const RefundBody = z.looseObject({ trackId: z.int(), amount: z.int().optional() });
const statusCodes: Record<BankAttempt['status'], number> = {
  IN_BANK: -1,
  PAID: 2,
  VERIFIED: 1,
  FAILED: 3,
  REVERSED: 18,
};

export function createZibalBank(faults: Faults): Bank {
  const attempts = new Map<string, BankAttempt>();
  const refunded = new Map<string, number>();

  function find(trackId: string): BankAttempt | undefined {
    const attempt = attempts.get(trackId);
    if (attempt?.status === 'PAID' && Date.now() - (attempt.paidAtMs ?? 0) > verifyWindowMs)
      attempt.status = 'REVERSED';
    return attempt;
  }

  function decide(trackId: string, outcome: 'pay' | 'fail' | 'cancel'): { method: 'GET'; url: string } | undefined {
    const attempt = find(trackId);
    if (!attempt) return undefined;
    if (attempt.status === 'IN_BANK' || attempt.status === 'FAILED') {
      attempt.status = outcome === 'pay' ? 'PAID' : 'FAILED';
      if (outcome === 'pay') attempt.paidAtMs = Date.now();
    }
    const url = new URL(attempt.callbackUrl);
    url.searchParams.set('success', attempt.status === 'PAID' || attempt.status === 'VERIFIED' ? '1' : '0');
    url.searchParams.set('trackId', trackId);
    if (attempt.orderId !== undefined) url.searchParams.set('orderId', attempt.orderId);
    url.searchParams.set('status', String(statusCodes[attempt.status]));
    return { method: 'GET', url: url.href };
  }

  /** True when a fault has answered in place of the bank. */
  async function isStruck(name: 'request' | 'verify' | 'inquiry' | 'refund', reply: FastifyReply): Promise<boolean> {
    const mode = await faults.strike(`zibal.${name}`, ['slow', 'error', 'garbage', 'down']);
    if (mode === 'error') await reply.status(500).type('text/html').send('<html>Server Error</html>');
    else if (mode === 'garbage') await reply.type('text/html').send('<html><body>Bad gateway</body></html>');
    else if (mode === 'down') reply.raw.destroy();
    else return false;
    return true;
  }

  async function isAnswerLost(name: 'request' | 'verify' | 'refund', reply: FastifyReply): Promise<boolean> {
    const isLost = (await faults.strike(`zibal.${name}`, ['lose-answer'])) !== undefined;
    if (isLost) reply.raw.destroy();
    return isLost;
  }

  function register(server: FastifyInstance): void {
    server.post('/zibal/v1/request', async (request, reply) => {
      if (await isStruck('request', reply)) return reply;
      const parsed = RequestBody.safeParse(request.body);
      if (!parsed.success) {
        const field = parsed.error.issues[0]?.path[0];
        return answer(field === 'merchant' ? 102 : field === 'callbackUrl' ? 106 : 105);
      }
      const { merchant, amount, callbackUrl, description = '', orderId, mobile } = parsed.data;
      if (merchant.startsWith('wrong')) return answer(102);
      if (amount <= 1_000) return answer(105);
      if (amount > 1_000_000_000) return answer(113);
      const trackId = String(randomInt(1_000_000_000, 200_000_000_000));
      attempts.set(trackId, {
        authority: trackId,
        merchantId: merchant,
        amountRial: amount,
        amount,
        description,
        callbackUrl,
        orderId,
        ...(mobile === undefined ? {} : { mobile }),
        status: 'IN_BANK',
        refId: randomInt(1_000_000_000, 200_000_000_000),
        createdAt: new Date().toISOString(),
        paidAtMs: undefined,
      });
      if (attempts.size > attemptsMax)
        for (const [oldest] of attempts) {
          attempts.delete(oldest);
          break;
        }
      if (await isAnswerLost('request', reply)) return reply;
      return answer(100, { trackId: Number(trackId) });
    });

    server.post('/zibal/v1/verify', async (request, reply) => {
      if (await isStruck('verify', reply)) return reply;
      const attempt = own(request.body);
      if (!attempt) return answer(203);
      if (attempt.status === 'VERIFIED') return answer(201);
      if (attempt.status !== 'PAID') return answer(202);
      attempt.status = 'VERIFIED';
      if (await isAnswerLost('verify', reply)) return reply;
      // The fault that every shop has met: paid, and told as another amount, or as verified by somebody before.
      const mode = await faults.strike('zibal.verify', ['amount-mismatch', 'verified-before']);
      if (mode === 'verified-before') return answer(201);
      const amount = mode === 'amount-mismatch' ? attempt.amount - 1_000 : attempt.amount;
      return answer(100, { ...paidFields(attempt), amount });
    });

    server.post('/zibal/v1/inquiry', async (request, reply) => {
      if (await isStruck('inquiry', reply)) return reply;
      const attempt = own(request.body);
      if (!attempt) return answer(203);
      const isPaid = attempt.status === 'PAID' || attempt.status === 'VERIFIED';
      return answer(100, {
        createdAt: attempt.createdAt.slice(0, 23),
        ...(isPaid
          ? paidFields(attempt)
          : { amount: attempt.amount, status: statusCodes[attempt.status], refNumber: null }),
      });
    });

    // The platform API: another host and a bearer token of the merchant's panel.
    server.post('/zibal-platform/v1/account/refund', async (request, reply) => {
      if (await isStruck('refund', reply)) return reply;
      if (!/^Bearer .{8,}/.test(request.headers.authorization ?? '')) return platformAnswer(3);
      const parsed = RefundBody.safeParse(request.body);
      const attempt = parsed.success ? find(String(parsed.data.trackId)) : undefined;
      if (!parsed.success || !attempt) return platformAnswer(6);
      const left = attempt.amount - (refunded.get(attempt.authority) ?? 0);
      const amount = parsed.data.amount ?? left;
      if (amount < 1_000) return platformAnswer(9);
      if (attempt.status !== 'VERIFIED' || amount > left) return platformAnswer(11);
      refunded.set(attempt.authority, attempt.amount - left + amount);
      if (amount === left) attempt.status = 'REVERSED';
      if (await isAnswerLost('refund', reply)) return reply;
      return platformAnswer(1, { data: { reversed: false, remaining: left - amount, split: [] } });
    });

    server.get<{ Params: { trackId: string } }>('/zibal/start/:trackId', async (request, reply) => {
      const attempt = find(request.params.trackId);
      reply.type('text/html');
      if (!attempt) return reply.status(404).send(notFoundPage());
      return reply.send(bankPage(attempt, `/zibal/start/${attempt.authority}`));
    });

    server.post<{ Params: { trackId: string }; Body: { outcome?: string } }>(
      '/zibal/start/:trackId',
      async (request, reply) => {
        const outcome = z.enum(['pay', 'fail', 'cancel', 'pay-and-close']).safeParse(request.body?.outcome);
        const next = outcome.success
          ? decide(request.params.trackId, outcome.data === 'pay-and-close' ? 'pay' : outcome.data)
          : undefined;
        if (!next || !outcome.success) return reply.status(404).type('text/html').send(notFoundPage());
        if (outcome.data === 'pay-and-close')
          return reply
            .type('text/html')
            .send(
              messagePage(
                'پرداخت شد و صفحه به فروشگاه برنمی‌گردد',
                'خریدار صفحه بانک را بسته است. فروشگاه خودش از بانک می‌پرسد.',
              ),
            );
        if ((await faults.strike('zibal.callback', ['slow', 'duplicate'])) === 'duplicate')
          await fetch(next.url, { redirect: 'manual' }).catch(() => undefined);
        return reply.redirect(next.url, 303);
      },
    );
  }

  function own(body: unknown): BankAttempt | undefined {
    const parsed = TrackBody.safeParse(body);
    const attempt = parsed.success ? find(String(parsed.data.trackId)) : undefined;
    return attempt?.merchantId === parsed.data?.merchant ? attempt : undefined;
  }

  return { attempts, decide, register };
}

const messages: Record<number, string> = {
  100: 'success',
  102: 'merchant not found',
  105: 'amount must be greater than 1,000',
  106: 'callbackUrl is invalid',
  113: 'amount is over the limit',
  201: 'previously verified',
  202: 'not paid or failed',
  203: 'trackId is invalid',
};

function answer(result: number, more: Record<string, unknown> = {}) {
  return { result, message: messages[result], ...more };
}

function paidFields(attempt: BankAttempt) {
  return {
    paidAt: new Date(attempt.paidAtMs ?? 0).toISOString().slice(0, 23),
    cardNumber,
    status: statusCodes[attempt.status],
    amount: attempt.amount,
    refNumber: attempt.refId,
    description: attempt.description,
    orderId: attempt.orderId ?? null,
  };
}

function notFoundPage(): string {
  return messagePage('این پرداخت پیدا نشد', 'به فروشگاه برگردید و دوباره پرداخت کنید.');
}

function platformAnswer(result: number, more: Record<string, unknown> = {}) {
  return { status: result === 1 ? 1 : 0, result, message: result === 1 ? 'success' : 'refused', ...more };
}
