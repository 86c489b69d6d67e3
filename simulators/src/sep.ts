import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Bank, BankAttempt } from './bank-attempt.ts';
import type { Faults } from './faults.ts';
import { bankPage, messagePage, returnPage } from './pages.ts';

// SEP, the gateway of Saman, as its manuals 3.1 and 4.1 say, misspellings too: a token, a RefNum that is born with the payment, a receipt that
// is told until the payment is verified, amounts in Rial.

/** The terminal that a shop in development has; the manual's own example. */
export const sepTerminalId = '2001';

const attemptsMax = 20_000;
const cardMasked = '621986****8080';
const cardHash = createHash('sha256').update('6219860000008080').digest('hex');
const tokenLifeMs = 20 * 60_000;
const verifyWindowMs = 30 * 60_000;
const reverseWindowMs = 50 * 60_000;
const receiptLifeMs = 60 * 60_000;

const RequestBody = z.looseObject({
  action: z.string().regex(/^token$/i),
  TerminalId: z.union([z.string(), z.int()]).transform(String),
  Amount: z.int().min(1),
  ResNum: z.string().min(1).max(50),
  RedirectUrl: z.url().max(2_083),
});
const ReceiptBody = z
  .looseObject({ TerminalNumber: z.int(), RefNum: z.string().optional(), Token: z.string().optional() })
  .refine((body) => body.RefNum !== undefined || body.Token !== undefined);
const RefNumBody = z.looseObject({ RefNum: z.string().min(1), TerminalNumber: z.int() });
/** The states of a payment as receipts and forms tell them, as a word and as a number. */
const states: Record<BankAttempt['status'], [string, number]> = {
  IN_BANK: ['InProgress', 0],
  PAID: ['OK', 2],
  VERIFIED: ['OK', 2],
  FAILED: ['Failed', 3],
  REVERSED: ['Failed', 3],
};

interface SepAttempt extends BankAttempt {
  resNum: string;
  createdAtMs: number;
  /** Empty until it is paid. */
  refNum: string;
  rrn: string;
  traceNo: string;
  isCancelled: boolean;
  /** By the shop's own call, not by the time that ran out. */
  isReversedByShop: boolean;
}

export function createSepBank(
  faults: Faults,
  /** How the browser comes back: by an address (4.1) or by a form (3.1), as the bank has set up the terminal. */
  options: { terminalId?: string; callback?: 'address' | 'form'; hasReceipts?: boolean } = {},
): Bank {
  const { terminalId = sepTerminalId, callback = 'address', hasReceipts = true } = options;
  const attempts = new Map<string, SepAttempt>();
  const byRefNum = new Map<string, SepAttempt>();
  const resNums = new Set<string>();

  /** Brings an attempt to where time alone has taken it. */
  function aged(attempt: SepAttempt | undefined): SepAttempt | undefined {
    if (attempt?.status === 'IN_BANK' && Date.now() - attempt.createdAtMs > tokenLifeMs) attempt.status = 'FAILED';
    if (attempt?.status === 'PAID' && Date.now() - (attempt.paidAtMs ?? 0) > verifyWindowMs)
      attempt.status = 'REVERSED';
    return attempt;
  }

  function stateOf(attempt: SepAttempt): [string, number] {
    return attempt.isCancelled ? ['CanceledByUser', 1] : states[attempt.status];
  }

  function decide(token: string, outcome: 'pay' | 'fail' | 'cancel') {
    const attempt = aged(attempts.get(token));
    if (!attempt) return undefined;
    // A token is used once: what failed is not paid after all.
    if (attempt.status === 'IN_BANK') {
      attempt.status = outcome === 'pay' ? 'PAID' : 'FAILED';
      attempt.isCancelled = outcome === 'cancel';
      if (outcome === 'pay') {
        attempt.paidAtMs = Date.now();
        attempt.refNum = randomBytes(21).toString('base64');
        byRefNum.set(attempt.refNum, attempt);
      }
    }
    if (callback === 'form')
      return { method: 'POST' as const, url: attempt.callbackUrl, form: formOf(attempt, stateOf(attempt)) };
    const url = new URL(attempt.callbackUrl);
    url.searchParams.set('Token', token);
    url.searchParams.set('RefNum', attempt.refNum);
    return { method: 'GET' as const, url: url.href };
  }

  function formOf(attempt: SepAttempt, [state, status]: [string, number]): Record<string, string> {
    const isPaid = status === 2;
    return {
      MID: terminalId,
      TerminalId: terminalId,
      State: state,
      Status: String(status),
      RRN: isPaid ? attempt.rrn : '',
      RefNum: attempt.refNum,
      ResNum: attempt.resNum,
      TraceNo: isPaid ? attempt.traceNo : '',
      Amount: String(attempt.amount),
      Wage: '',
      AffectiveAmount: String(attempt.amount),
      SecurePan: isPaid ? cardMasked : '',
      HashedCardNumber: isPaid ? cardHash : '',
      Token: attempt.authority,
    };
  }

  /** True when a fault has answered in place of the bank. */
  async function isStruck(name: 'request' | 'inquiry' | 'verify' | 'reverse', reply: FastifyReply): Promise<boolean> {
    const mode = await faults.strike(`sep.${name}`, ['slow', 'error', 'garbage', 'down']);
    if (mode === 'error') await reply.status(500).type('text/html').send('<html>Server Error</html>');
    else if (mode === 'garbage') await reply.type('text/html').send('<html><body>Bad gateway</body></html>');
    else if (mode === 'down') reply.raw.destroy();
    else return false;
    return true;
  }

  /** True when the work is done and its answer is lost: the shop cannot know which. */
  async function isAnswerLost(name: 'request' | 'verify' | 'reverse', reply: FastifyReply): Promise<boolean> {
    const isLost = (await faults.strike(`sep.${name}`, ['lose-answer'])) !== undefined;
    if (isLost) reply.raw.destroy();
    return isLost;
  }

  /** The attempt of a RefNum, or the manual's code for why there is none. */
  function own(body: unknown): SepAttempt | number {
    const parsed = RefNumBody.safeParse(body);
    if (!parsed.success) return -101;
    if (String(parsed.data.TerminalNumber) !== terminalId) return -105;
    return aged(byRefNum.get(parsed.data.RefNum)) ?? -2;
  }

  function register(server: FastifyInstance): void {
    server.post('/sep/onlinepg/onlinepg', async (request, reply) => {
      if (await isStruck('request', reply)) return reply;
      const parsed = RequestBody.safeParse(request.body);
      if (!parsed.success) return refusal(5, 'پارامترهای ارسالی نامعتبر است');
      const { TerminalId, Amount, ResNum, RedirectUrl } = parsed.data;
      if (TerminalId !== terminalId) return refusal(12, 'شماره ترمینال یافت نشد');
      if (resNums.has(ResNum)) return refusal(5, 'شماره خرید تکراری است');
      const token = randomBytes(16).toString('hex');
      attempts.set(token, {
        authority: token,
        merchantId: TerminalId,
        amountRial: Amount,
        amount: Amount,
        description: `سفارش ${ResNum}`,
        callbackUrl: RedirectUrl,
        orderId: ResNum,
        resNum: ResNum,
        status: 'IN_BANK',
        refId: randomInt(10_000_000_000, 100_000_000_000),
        refNum: '',
        rrn: String(randomInt(10_000_000_000, 100_000_000_000)),
        traceNo: String(randomInt(1, 1_000_000)),
        isCancelled: false,
        isReversedByShop: false,
        createdAt: new Date().toISOString(),
        createdAtMs: Date.now(),
        paidAtMs: undefined,
      });
      resNums.add(ResNum);
      if (attempts.size > attemptsMax)
        for (const [oldest, { refNum, resNum }] of attempts) {
          attempts.delete(oldest);
          byRefNum.delete(refNum);
          resNums.delete(resNum);
          break;
        }
      if (await isAnswerLost('request', reply)) return reply;
      return { status: 1, token };
    });

    if (hasReceipts)
      server.post('/sep/verifyTxnRandomSessionkey/api/v2/ipg/payment/receipt', async (request, reply) => {
        if (await isStruck('inquiry', reply)) return reply;
        const parsed = ReceiptBody.safeParse(request.body);
        if (!parsed.success) return noReceipt(5);
        const { TerminalNumber, RefNum, Token } = parsed.data;
        if (String(TerminalNumber) !== terminalId) return noReceipt(12);
        const attempt = aged(Token === undefined ? byRefNum.get(RefNum ?? '') : attempts.get(Token));
        const isOther = RefNum !== undefined && attempt?.refNum !== RefNum;
        if (!attempt || isOther || attempt.status === 'VERIFIED' || attempt.status === 'REVERSED')
          return noReceipt(404);
        if (Date.now() - attempt.createdAtMs > receiptLifeMs) return noReceipt(404);
        return { HasError: false, ErrorCode: 0, ErrorMessage: null, ValidationErrors: [], Data: receiptData(attempt) };
      });

    server.post('/sep/verifyTxnRandomSessionkey/ipg/VerifyTransaction', async (request, reply) => {
      if (await isStruck('verify', reply)) return reply;
      const attempt = own(request.body);
      if (typeof attempt === 'number') return answer(attempt);
      if (attempt.status === 'REVERSED') return answer(attempt.isReversedByShop ? 5 : -6);
      const isRepeated = attempt.status === 'VERIFIED';
      attempt.status = 'VERIFIED';
      if (await faults.strike('sep.verify', ['no-details'])) return answer(2);
      // The money is taken and the shop never hears of it, hears another amount, or hears that somebody was first.
      if (await isAnswerLost('verify', reply)) return reply;
      const mode = isRepeated ? undefined : await faults.strike('sep.verify', ['amount-mismatch', 'verified-before']);
      return answer(
        isRepeated || mode === 'verified-before' ? 2 : 0,
        detailOf(attempt, mode === 'amount-mismatch' ? attempt.amount - 1_000 : attempt.amount),
      );
    });

    server.post('/sep/verifyTxnRandomSessionkey/ipg/ReverseTransaction', async (request, reply) => {
      if (await isStruck('reverse', reply)) return reply;
      const attempt = own(request.body);
      if (typeof attempt === 'number') return answer(attempt);
      if (attempt.status === 'REVERSED') return answer(5, detailOf(attempt));
      // Only what was verified, and not for ever.
      if (attempt.status !== 'VERIFIED') return answer(-112);
      if (Date.now() - (attempt.paidAtMs ?? 0) > reverseWindowMs) return answer(-6);
      attempt.status = 'REVERSED';
      attempt.isReversedByShop = true;
      if (await isAnswerLost('reverse', reply)) return reply;
      return answer(0, detailOf(attempt));
    });

    server.get<{ Querystring: { token?: string } }>('/sep/OnlinePG/SendToken', async (request, reply) => {
      const attempt = aged(attempts.get(request.query.token ?? ''));
      reply.type('text/html');
      if (attempt?.status !== 'IN_BANK') return reply.status(404).send(notFoundPage());
      return reply.send(bankPage(attempt, `/sep/OnlinePG/SendToken?token=${attempt.authority}`));
    });

    server.post<{ Querystring: { token?: string }; Body: { outcome?: string } }>(
      '/sep/OnlinePG/SendToken',
      async (request, reply) => {
        const outcome = z.enum(['pay', 'fail', 'cancel', 'pay-and-close']).safeParse(request.body?.outcome);
        const next = outcome.success
          ? decide(request.query.token ?? '', outcome.data === 'pay-and-close' ? 'pay' : outcome.data)
          : undefined;
        reply.type('text/html');
        if (!next || !outcome.success) return reply.status(404).send(notFoundPage());
        if (outcome.data === 'pay-and-close')
          return reply.send(
            messagePage(
              'پرداخت شد و صفحه به فروشگاه برنمی‌گردد',
              'خریدار صفحه بانک را بسته است. فروشگاه خودش رسید را از بانک می‌پرسد.',
            ),
          );
        const isTwice = (await faults.strike('sep.callback', ['slow', 'duplicate'])) === 'duplicate';
        if (next.method === 'GET') {
          if (isTwice) await fetch(next.url, { redirect: 'manual' }).catch(() => undefined);
          return reply.redirect(next.url, 303);
        }
        if (isTwice)
          await fetch(next.url, {
            method: 'POST',
            body: new URLSearchParams(next.form),
            redirect: 'manual',
          }).catch(() => undefined);
        return reply.send(returnPage(next.url, next.form));
      },
    );
  }

  function receiptData(attempt: SepAttempt) {
    const [State, Status] = stateOf(attempt);
    return {
      State,
      Status,
      TerminalId: Number(terminalId),
      Token: attempt.authority,
      RefNum: attempt.refNum,
      ResNum: attempt.resNum,
      TraceNo: attempt.traceNo,
      Amount: attempt.amount,
      AffectiveAmount: attempt.amount,
      Rrn: attempt.rrn,
      HashedCardNumber: cardHash,
    };
  }

  function detailOf(attempt: SepAttempt, amount = attempt.amount) {
    return {
      RRN: attempt.rrn,
      RefNum: attempt.refNum,
      MaskedPan: cardMasked,
      HashedPan: cardHash,
      TerminalNumber: Number(terminalId),
      OrginalAmount: amount,
      AffectiveAmount: amount,
      StraceDate: new Date(attempt.paidAtMs ?? 0).toISOString().slice(0, 19).replace('T', ' '),
      StraceNo: attempt.traceNo,
    };
  }

  return { attempts, decide, register };
}

const descriptions: Record<number, string> = {
  0: 'عملیات با موفقیت انجام شد',
  2: 'درخواست تکراری است',
  5: 'تراکنش برگشت خورده است',
  [-2]: 'تراکنش یافت نشد',
  [-6]: 'بیش از نیم ساعت از زمان اجرای تراکنش گذشته است',
  [-105]: 'ترمینال ارسالی در سیستم موجود نیست',
};

function answer(code: number, detail?: object) {
  return {
    TransactionDetail: detail ?? null,
    ResultCode: code,
    ResultDescription: descriptions[code] ?? 'درخواست پذیرفته نشد',
    Success: code === 0 || code === 2,
  };
}

function refusal(code: number, description: string) {
  return { status: -1, errorCode: String(code), errorDesc: description };
}

function noReceipt(code: number) {
  return { HasError: true, ErrorCode: code, ErrorMessage: 'رسید یافت نشد', ValidationErrors: [], Data: null };
}

function notFoundPage(): string {
  return messagePage('این پرداخت پیدا نشد', 'به فروشگاه برگردید و دوباره پرداخت کنید.');
}
