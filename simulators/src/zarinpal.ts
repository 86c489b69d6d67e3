import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Bank, BankAttempt } from './bank-attempt.ts';
import type { Faults } from './faults.ts';
import { bankPage, messagePage } from './pages.ts';

// ZarinPal v4 as its documentation says: success in `data` with `errors: []`, failure in `errors` with `data: []`.

const attemptsMax = 20_000;
const cardMasked = '603799******0006';
const cardHash = createHash('sha256').update('6037990000000006').digest('hex').toUpperCase();

const Merchant = z.uuid();
const RequestBody = z.looseObject({
  merchant_id: Merchant,
  amount: z.int(),
  currency: z.enum(['IRR', 'IRT']).default('IRR'),
  description: z.string().min(1).max(500),
  callback_url: z.url(),
  metadata: z.looseObject({ order_id: z.string().optional() }).optional(),
});
const VerifyBody = z.looseObject({ merchant_id: Merchant, amount: z.int(), authority: z.string() });
const AuthorityBody = z.looseObject({ merchant_id: Merchant, authority: z.string() });

export function createZarinpalBank(faults: Faults, options: { unverifiedWindowMs: number }): Bank {
  const attempts = new Map<string, BankAttempt>();

  function find(authority: string): BankAttempt | undefined {
    const attempt = attempts.get(authority);
    // What was not verified in time went back to the buyer's card.
    if (attempt?.status === 'PAID' && Date.now() - (attempt.paidAtMs ?? 0) > options.unverifiedWindowMs)
      attempt.status = 'REVERSED';
    return attempt;
  }

  function decide(authority: string, outcome: 'pay' | 'fail' | 'cancel'): { method: 'GET'; url: string } | undefined {
    const attempt = find(authority);
    if (!attempt) return undefined;
    if (attempt.status === 'IN_BANK' || attempt.status === 'FAILED') {
      attempt.status = outcome === 'pay' ? 'PAID' : 'FAILED';
      if (outcome === 'pay') attempt.paidAtMs = Date.now();
    }
    const url = new URL(attempt.callbackUrl);
    url.searchParams.set('Authority', authority);
    url.searchParams.set('Status', attempt.status === 'PAID' || attempt.status === 'VERIFIED' ? 'OK' : 'NOK');
    return { method: 'GET', url: url.href };
  }

  /** True when a fault has answered in place of the bank. */
  async function isStruck(name: 'request' | 'verify' | 'inquiry' | 'reverse', reply: FastifyReply): Promise<boolean> {
    const mode = await faults.strike(`zarinpal.${name}`, ['slow', 'error', 'garbage', 'down', 'amount-mismatch']);
    if (mode === 'error')
      await reply.status(500).send({ data: [], errors: { code: -52, message: 'unexpected error', validations: [] } });
    else if (mode === 'garbage') await reply.type('text/html').send('<html><body>Bad gateway</body></html>');
    else if (mode === 'down') reply.raw.destroy();
    else if (mode === 'amount-mismatch')
      await reply.send(failure(-50, 'Session amount is not the same as paid amount'));
    else return false;
    return true;
  }

  /** True when the work is done and its answer is lost: the shop cannot know which. */
  async function isAnswerLost(name: 'request' | 'verify' | 'reverse', reply: FastifyReply): Promise<boolean> {
    const isLost = (await faults.strike(`zarinpal.${name}`, ['lose-answer'])) !== undefined;
    if (isLost) reply.raw.destroy();
    return isLost;
  }

  /** The merchant's own attempt, or why there is none. */
  function findOwn(body: unknown): BankAttempt | ReturnType<typeof failure> {
    const parsed = AuthorityBody.safeParse(body);
    if (!parsed.success) return failure(-9, 'The input params invalid, validation error.');
    const attempt = find(parsed.data.authority);
    if (!attempt) return failure(-54, 'Invalid authority');
    return attempt.merchantId === parsed.data.merchant_id
      ? attempt
      : failure(-53, 'Session is not valid for this merchant');
  }

  function register(server: FastifyInstance): void {
    const base = '/zarinpal/pg/v4/payment';

    server.post(`${base}/request.json`, async (request, reply) => {
      if (await isStruck('request', reply)) return reply;
      const parsed = RequestBody.safeParse(request.body);
      if (!parsed.success) {
        const field = parsed.error.issues[0]?.path[0];
        const code = field === 'merchant_id' ? -10 : field === 'callback_url' ? -2 : field === 'description' ? -3 : -9;
        return reply.status(422).send(
          failure(
            code,
            'The input params invalid, validation error.',
            parsed.error.issues.map((issue) => ({ [issue.path.join('.')]: issue.message })),
          ),
        );
      }
      const body = parsed.data;
      const amountRial = body.currency === 'IRT' ? body.amount * 10 : body.amount;
      if (amountRial < 1_000) return reply.send(failure(-4, 'The amount is below the minimum'));
      if (amountRial > 1_000_000_000) return reply.send(failure(-41, 'The maximum amount is 100,000,000 Toman'));
      const authority = `S${randomBytes(18).toString('hex').slice(0, 35)}`;
      attempts.set(authority, {
        authority,
        merchantId: body.merchant_id,
        amountRial,
        amount: body.amount,
        description: body.description,
        callbackUrl: body.callback_url,
        orderId: body.metadata?.order_id,
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
      return reply.send(success({ code: 100, message: 'Success', authority, fee_type: 'Merchant', fee: 1_200 }));
    });

    server.post(`${base}/verify.json`, async (request, reply) => {
      if (await isStruck('verify', reply)) return reply;
      const parsed = VerifyBody.safeParse(request.body);
      if (!parsed.success) return reply.status(422).send(failure(-9, 'The input params invalid, validation error.'));
      const attempt = findOwn(parsed.data);
      if ('errors' in attempt) return reply.send(attempt);
      if (attempt.status !== 'PAID' && attempt.status !== 'VERIFIED')
        return reply.send(failure(-51, 'Session is not valid, it is not an active paid try'));
      if (attempt.amount !== parsed.data.amount)
        return reply.send(failure(-50, 'Session amount is not the same as paid amount'));
      const code = attempt.status === 'VERIFIED' ? 101 : 100;
      attempt.status = 'VERIFIED';
      const answer = {
        code,
        message: code === 100 ? 'Paid' : 'Verified',
        card_hash: cardHash,
        card_pan: cardMasked,
        ref_id: attempt.refId,
        fee_type: 'Merchant',
        fee: 1_200,
        ...(attempt.orderId === undefined ? {} : { order_id: attempt.orderId }),
      };
      // The money is taken and the shop never hears of it: the fault that every shop has met.
      if (await isAnswerLost('verify', reply)) return reply;
      if (code === 100 && (await faults.strike('zarinpal.verify', ['verified-before']))) {
        answer.code = 101;
        answer.message = 'Verified';
      }
      return reply.send(success(answer));
    });

    server.post(`${base}/inquiry.json`, async (request, reply) => {
      if (await isStruck('inquiry', reply)) return reply;
      const attempt = findOwn(request.body);
      if ('errors' in attempt) return reply.send(attempt);
      return reply.send(success({ code: 100, message: 'Success', status: attempt.status }));
    });

    server.post(`${base}/reverse.json`, async (request, reply) => {
      if (await isStruck('reverse', reply)) return reply;
      const attempt = findOwn(request.body);
      if ('errors' in attempt) return reply.send(attempt);
      if (attempt.status !== 'PAID' && attempt.status !== 'VERIFIED')
        return reply.send(failure(-61, 'Session is not successful or was reversed before'));
      if (Date.now() - (attempt.paidAtMs ?? 0) > 30 * 60_000)
        return reply.send(failure(-63, 'More than 30 minutes have passed'));
      attempt.status = 'REVERSED';
      if (await isAnswerLost('reverse', reply)) return reply;
      return reply.send(success({ code: 100, message: 'Reversed' }));
    });

    server.post(`${base}/unVerified.json`, async (request, reply) => {
      const parsed = z.looseObject({ merchant_id: Merchant }).safeParse(request.body);
      if (!parsed.success) return reply.status(422).send(failure(-9, 'The input params invalid, validation error.'));
      const authorities = [];
      for (const attempt of [...attempts.values()].toReversed()) {
        if (attempt.merchantId !== parsed.data.merchant_id || find(attempt.authority)?.status !== 'PAID') continue;
        authorities.push({
          authority: attempt.authority,
          amount: attempt.amount,
          callback_url: attempt.callbackUrl,
          referer: '',
          date: attempt.createdAt.slice(0, 19).replace('T', ' '),
        });
        if (authorities.length === 100) break;
      }
      return reply.send(success({ code: '100', message: 'Success', authorities }));
    });

    server.post(`${base}/feeCalculation.json`, async (request, reply) => {
      const parsed = z.looseObject({ merchant_id: Merchant, amount: z.int() }).safeParse(request.body);
      if (!parsed.success) return reply.status(422).send(failure(-9, 'The input params invalid, validation error.'));
      return reply.send(
        success({
          code: 100,
          message: 'Success',
          amount: parsed.data.amount,
          fee: 1_200,
          fee_type: 'Merchant',
          suggested_amount: parsed.data.amount + 1_200,
        }),
      );
    });

    server.get<{ Params: { authority: string } }>('/zarinpal/pg/StartPay/:authority', async (request, reply) => {
      const attempt = find(request.params.authority);
      reply.type('text/html');
      if (!attempt)
        return reply.status(404).send(messagePage('این پرداخت پیدا نشد', 'به فروشگاه برگردید و دوباره پرداخت کنید.'));
      return reply.send(bankPage(attempt, `/zarinpal/pg/StartPay/${attempt.authority}`));
    });

    server.post<{ Params: { authority: string }; Body: { outcome?: string } }>(
      '/zarinpal/pg/StartPay/:authority',
      async (request, reply) => {
        const outcome = z.enum(['pay', 'fail', 'cancel', 'pay-and-close']).safeParse(request.body?.outcome);
        const next = outcome.success
          ? decide(request.params.authority, outcome.data === 'pay-and-close' ? 'pay' : outcome.data)
          : undefined;
        if (!next || !outcome.success)
          return reply
            .status(404)
            .type('text/html')
            .send(messagePage('این پرداخت پیدا نشد', 'به فروشگاه برگردید و دوباره پرداخت کنید.'));
        if (outcome.data === 'pay-and-close') {
          return reply
            .type('text/html')
            .send(
              messagePage(
                'پرداخت شد و صفحه به فروشگاه برنمی‌گردد',
                'این همان حالتی است که خریدار صفحه بانک را می‌بندد. فروشگاه خودش از بانک می‌پرسد.',
              ),
            );
        }
        if ((await faults.strike('zarinpal.callback', ['slow', 'duplicate'])) === 'duplicate')
          await fetch(next.url, { redirect: 'manual' }).catch(() => undefined);
        return reply.redirect(next.url, 303);
      },
    );
  }

  return { attempts, decide, register };
}

function success(data: Record<string, unknown>) {
  return { data, errors: [] };
}

function failure(code: number, message: string, validations: Record<string, string>[] = []) {
  return { data: [], errors: { code, message, validations } };
}
