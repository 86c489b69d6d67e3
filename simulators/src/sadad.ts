import { createDecipheriv, createHash, randomBytes, randomInt } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Bank, BankAttempt } from './bank-attempt.ts';
import type { Faults } from './faults.ts';
import { bankPage, messagePage, returnPage } from './pages.ts';

// Sadad, the gateway of Bank Melli, as its manual 1.10 says: `{ ResCode, … }` in an HTTP 200, amounts in Rial, calls signed by triple DES,
// an order number that is never seen twice, and a browser that comes back by a form.

/** The terminal that a shop in development has. The key is made up. */
export const sadadTerminal = {
  merchantId: '000000140000001',
  terminalId: '24000000',
  terminalKey: 'ASNFZ4mrze/+3LqYdlQyEBEiM0RVZneI',
};

const attemptsMax = 20_000;
const cardMasked = '603799******0006';
const cardHash = createHash('sha256').update('6037990000000006').digest('hex').toUpperCase();
const verifyWindowMs = 15 * 60_000;
const clockDriftMaxMs = 10 * 60_000;
const tehranOffset = '+03:30';

const RequestBody = z.looseObject({
  MerchantId: z.string(),
  TerminalId: z.string(),
  Amount: z.int().min(1),
  OrderId: z.int().min(1),
  LocalDateTime: z.string(),
  ReturnUrl: z.url(),
  SignData: z.string(),
});
const VerifyBody = z.looseObject({ Token: z.string(), SignData: z.string() });

interface SadadAttempt extends BankAttempt {
  orderNo: number;
  traceNo: string;
}

export function createSadadBank(faults: Faults, terminal = sadadTerminal): Bank {
  const key = Buffer.from(terminal.terminalKey, 'base64');
  const attempts = new Map<string, SadadAttempt>();
  const orderNumbers = new Set<number>();

  function find(token: string): SadadAttempt | undefined {
    const attempt = attempts.get(token);
    // What was not verified in time went back to the buyer's card.
    if (attempt?.status === 'PAID' && Date.now() - (attempt.paidAtMs ?? 0) > verifyWindowMs)
      attempt.status = 'REVERSED';
    return attempt;
  }

  function decide(token: string, outcome: 'pay' | 'fail' | 'cancel') {
    const attempt = find(token);
    if (!attempt) return undefined;
    if (attempt.status === 'IN_BANK' || attempt.status === 'FAILED') {
      attempt.status = outcome === 'pay' ? 'PAID' : 'FAILED';
      if (outcome === 'pay') attempt.paidAtMs = Date.now();
    }
    const isPaid = attempt.status === 'PAID' || attempt.status === 'VERIFIED';
    const form: Record<string, string> = {
      OrderId: String(attempt.orderNo),
      // As the terminals send it, whatever the manual's case.
      token,
      ResCode: isPaid ? '0' : '-1',
      SwitchResCode: isPaid ? '00' : '17',
      ...(isPaid ? { HashedCardNo: cardHash, PrimaryAccNo: cardMasked, CardHolderFullName: 'خریدار آزمایشی' } : {}),
    };
    return { method: 'POST' as const, url: attempt.callbackUrl, form };
  }

  /** What was signed, read back with the terminal's key. */
  function signedText(signData: string): string | undefined {
    try {
      const decipher = createDecipheriv('des-ede3-ecb', key, null);
      return decipher.update(signData, 'base64', 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }

  /** The manual's code for what is wrong with a request. */
  function refusal(body: unknown): number | undefined {
    const parsed = RequestBody.safeParse(body);
    if (!parsed.success) return requestCodes[String(parsed.error.issues[0]?.path[0])] ?? 1000;
    const { MerchantId, TerminalId, Amount, OrderId, LocalDateTime, SignData } = parsed.data;
    if (MerchantId !== terminal.merchantId) return 1027;
    if (TerminalId !== terminal.terminalId) return 1028;
    const at = readTehranTime(LocalDateTime);
    if (at === undefined) return 1012;
    if (Math.abs(Date.now() - at) > clockDriftMaxMs) return 1024;
    if (signedText(SignData) !== `${TerminalId};${OrderId};${Amount}`) return 1025;
    if (Amount < 1_000) return 1101;
    if (Amount > 1_000_000_000) return 61;
    return orderNumbers.has(OrderId) ? 1011 : undefined;
  }

  /** True when a fault has answered in place of the bank. */
  async function isStruck(name: 'request' | 'verify', reply: FastifyReply): Promise<boolean> {
    const mode = await faults.strike(`sadad.${name}`, ['slow', 'error', 'garbage', 'down']);
    if (mode === 'error') await reply.status(500).send(answer(1006));
    else if (mode === 'garbage') await reply.type('text/html').send('<html><body>Bad gateway</body></html>');
    else if (mode === 'down') reply.raw.destroy();
    else return false;
    return true;
  }

  /** True when the work is done and its answer is lost: the shop cannot know which. */
  async function isAnswerLost(name: 'request' | 'verify', reply: FastifyReply): Promise<boolean> {
    const isLost = (await faults.strike(`sadad.${name}`, ['lose-answer'])) !== undefined;
    if (isLost) reply.raw.destroy();
    return isLost;
  }

  function register(server: FastifyInstance): void {
    server.post('/sadad/api/v0/Request/PaymentRequest', async (request, reply) => {
      if (await isStruck('request', reply)) return reply;
      const code = refusal(request.body);
      if (code !== undefined) return answer(code);
      const { Amount, OrderId, ReturnUrl, MerchantId } = RequestBody.parse(request.body);
      const token = randomBytes(20).toString('hex').toUpperCase();
      attempts.set(token, {
        authority: token,
        merchantId: MerchantId,
        amountRial: Amount,
        amount: Amount,
        description: `سفارش ${OrderId}`,
        callbackUrl: ReturnUrl,
        orderId: String(OrderId),
        orderNo: OrderId,
        status: 'IN_BANK',
        refId: randomInt(100_000_000_000, 200_000_000_000),
        traceNo: String(randomInt(1, 1_000_000)).padStart(6, '0'),
        createdAt: new Date().toISOString(),
        paidAtMs: undefined,
      });
      orderNumbers.add(OrderId);
      if (attempts.size > attemptsMax)
        for (const [oldest, { orderNo }] of attempts) {
          attempts.delete(oldest);
          orderNumbers.delete(orderNo);
          break;
        }
      if (await isAnswerLost('request', reply)) return reply;
      return { ...answer(0), Token: token };
    });

    server.post('/sadad/api/v0/Advice/Verify', async (request, reply) => {
      if (await isStruck('verify', reply)) return reply;
      const parsed = VerifyBody.safeParse(request.body);
      if (!parsed.success || signedText(parsed.data.SignData) !== parsed.data.Token) return answer(-1);
      const attempt = find(parsed.data.Token);
      if (attempt?.status === 'REVERSED') return answer(1105);
      if (attempt?.status !== 'PAID' && attempt?.status !== 'VERIFIED') return answer(-1);
      // The card is charged, and the gateway has not heard of it yet.
      if (await faults.strike('sadad.verify', ['not-yet'])) return answer(-1);
      let code = attempt.status === 'VERIFIED' ? 100 : 0;
      attempt.status = 'VERIFIED';
      if (await faults.strike('sadad.verify', ['no-details'])) return answer(100);
      // The money is taken and the shop never hears of it, hears another amount, or hears that somebody was first.
      if (await isAnswerLost('verify', reply)) return reply;
      const mode = code === 0 ? await faults.strike('sadad.verify', ['amount-mismatch', 'verified-before']) : undefined;
      if (mode === 'verified-before') code = 100;
      return {
        ...answer(code),
        Amount: mode === 'amount-mismatch' ? attempt.amount - 1_000 : attempt.amount,
        RetrivalRefNo: String(attempt.refId),
        SystemTraceNo: attempt.traceNo,
        OrderId: attempt.orderNo,
      };
    });

    server.get<{ Querystring: { Token?: string } }>('/sadad/Purchase', async (request, reply) => {
      const attempt = find(request.query.Token ?? '');
      reply.type('text/html');
      if (!attempt) return reply.status(404).send(notFoundPage());
      return reply.send(bankPage(attempt, `/sadad/Purchase?Token=${attempt.authority}`));
    });

    server.post<{ Querystring: { Token?: string }; Body: { outcome?: string } }>(
      '/sadad/Purchase',
      async (request, reply) => {
        const outcome = z.enum(['pay', 'fail', 'cancel', 'pay-and-close']).safeParse(request.body?.outcome);
        const next = outcome.success
          ? decide(request.query.Token ?? '', outcome.data === 'pay-and-close' ? 'pay' : outcome.data)
          : undefined;
        reply.type('text/html');
        if (!next || !outcome.success) return reply.status(404).send(notFoundPage());
        if (outcome.data === 'pay-and-close')
          return reply.send(
            messagePage(
              'پرداخت شد و صفحه به فروشگاه برنمی‌گردد',
              'خریدار صفحه بانک را بسته است و بانک راهی برای پرسیدن ندارد.',
            ),
          );
        if ((await faults.strike('sadad.callback', ['slow', 'duplicate'])) === 'duplicate')
          await fetch(next.url, {
            method: 'POST',
            body: new URLSearchParams(next.form),
            redirect: 'manual',
          }).catch(() => undefined);
        return reply.send(returnPage(next.url, next.form));
      },
    );
  }

  return { attempts, decide, register };
}

const requestCodes: Record<string, number> = {
  MerchantId: 1027,
  TerminalId: 1028,
  Amount: 1101,
  OrderId: 1026,
  LocalDateTime: 1012,
  ReturnUrl: 1023,
  SignData: 1025,
};

const descriptions: Record<number, string> = {
  [-1]: 'پارامترهای ارسالی صحیح نیست یا تراکنش در سیستم وجود ندارد',
  0: 'عملیات با موفقیت انجام شد',
  61: 'مبلغ تراکنش از حد مجاز بالاتر است',
  100: 'تراکنش قبلاً با موفقیت ثبت شده است',
  1006: 'خطای سیستم',
  1011: 'شماره سفارش تکراری است',
  1105: 'مهلت تأیید گذشته و تراکنش برگشت خورده است',
};

function answer(code: number) {
  return { ResCode: code, Description: descriptions[code] ?? 'درخواست پذیرفته نشد' };
}

/** Milliseconds since 1970 of a text like `11/21/2026 9:05:07 am`; undefined for any other shape. */
function readTehranTime(text: string): number | undefined {
  const match = /^(\d\d)\/(\d\d)\/(\d{4}) (\d{1,2}):(\d\d):(\d\d) ([ap])m$/.exec(text);
  if (!match) return undefined;
  const [, month, day, year, hour, minute, second, half] = match;
  const hours = String((Number(hour) % 12) + (half === 'p' ? 12 : 0)).padStart(2, '0');
  const at = Date.parse(`${year}-${month}-${day}T${hours}:${minute}:${second}${tehranOffset}`);
  return Number.isNaN(at) ? undefined : at;
}

function notFoundPage(): string {
  return messagePage('این پرداخت پیدا نشد', 'به فروشگاه برگردید و دوباره پرداخت کنید.');
}
