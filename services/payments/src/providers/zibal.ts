import { z } from 'zod';
import { parseJson } from '@kelid/service/outside-http';
import { createPspHttp } from './psp-http.ts';
import type {
  AskedAttempt,
  AskedRefund,
  InquiryAnswer,
  PspProvider,
  RefundAnswer,
  RequestAnswer,
  VerifyAnswer,
} from './psp.ts';

// Zibal v1 (gateway.zibal.ir): POST JSON, amounts in Rial, the merchant's name is the credential. Verify takes no amount, so the one it
// answers is compared here; a second verify (201) answers nothing but that, and the inquiry has to tell the rest.
const Answer = z.looseObject({ result: z.union([z.int(), z.string()]).transform(String) });
const Requested = z.looseObject({ trackId: z.union([z.int().min(1), z.string()]).transform(String) });
const Paid = z.looseObject({
  amount: z.coerce.number().int().min(1),
  status: z.coerce.number().int().nullish().catch(null),
  refNumber: z
    .union([z.int(), z.string().min(1).max(40)])
    .transform(String)
    .nullish()
    .catch(null),
  // Money that was taken is recorded whatever shape the card's description has.
  cardNumber: z.string().max(30).nullish().catch(null),
});
const trackIdShape = /^\d{1,15}$/;
/** Not paid, failed, or unknown to the PSP: no money of this attempt is there. */
const declinedResults = new Set(['202', '203']);
const paidStatus = 1;
/** By inquiry. What is not here (-2, 11, and what nobody has named yet) is unknown. */
const states: Record<string, InquiryAnswer> = {
  '-1': 'in-bank',
  '1': 'verified',
  '2': 'paid',
  '3': 'failed',
  '4': 'failed',
  '5': 'failed',
  '6': 'failed',
  '7': 'failed',
  '8': 'failed',
  '9': 'failed',
  '10': 'failed',
  '12': 'failed',
  '15': 'reversed',
  '16': 'reversed',
  '18': 'reversed',
};

export function createZibal(options: {
  baseUrl: string;
  merchant: string;
  /** The platform API, for refunds; absent where the contract has none. */
  platform?: { baseUrl: string; token: string };
}): PspProvider {
  const http = createPspHttp({ psp: 'zibal', baseUrl: options.baseUrl });

  /** Undefined when there was no readable answer. */
  async function post(path: string, body: Record<string, unknown>, timeoutMs: number, signal?: AbortSignal) {
    const answer = await http.send({
      path: `/v1/${path}`,
      json: { merchant: options.merchant, ...body },
      timeoutMs,
      signal,
    });
    const parsed = Answer.safeParse(answer && parseJson(answer.text));
    return parsed.success ? parsed.data : undefined;
  }

  /** Approved only for the very amount that was asked for. */
  function judge(body: unknown, { amountRial, pspToken }: AskedAttempt, wasVerifiedBefore: boolean): VerifyAnswer {
    const paid = Paid.safeParse(body);
    if (!paid.success) return { kind: 'unknown' };
    const { amount, refNumber, cardNumber } = paid.data;
    if (amount !== amountRial) return { kind: 'mismatch', pspCode: `amount ${amount}` };
    return {
      kind: 'approved',
      wasVerifiedBefore,
      // The bank's number; where Zibal tells none, its own, which is as unique.
      reference: refNumber ?? `track-${pspToken}`,
      cardMasked: cardNumber ?? null,
      cardHash: null,
    };
  }

  const { platform } = options;
  const platformHttp = platform && createPspHttp({ psp: 'zibal platform', baseUrl: platform.baseUrl });

  /** Codes from 2 to 29 refuse what was asked for (not allowed, nothing there, too small, balance short); anything else says nothing. */
  async function refund({ pspToken }: AskedAttempt, { refundId, amountRial }: AskedRefund): Promise<RefundAnswer> {
    const answer = await platformHttp?.send({
      path: '/v1/account/refund',
      headers: { authorization: `Bearer ${platform?.token ?? ''}` },
      json: { trackId: Number(pspToken), amount: amountRial, description: refundId },
      timeoutMs: 12_000,
    });
    const parsed = Answer.safeParse(answer && parseJson(answer.text));
    if (!parsed.success) return { kind: 'unknown' };
    const code = Number(parsed.data.result);
    if (code === 1) return { kind: 'done', reference: refundId };
    return code >= 2 && code <= 29 ? { kind: 'refused', pspCode: parsed.data.result } : { kind: 'unknown' };
  }

  return {
    psp: 'zibal',
    ...(platform ? { refund } : {}),
    // No document tells the window; a quarter of an hour is the shortest of all banks.
    facts: { title: { fa: 'زیبال', en: 'Zibal' }, verifyWindowMinutes: 15, isFound: true, matchesPhone: true },
    isOffered: () => http.isOffered(),

    async request(attempt, signal): Promise<RequestAnswer> {
      const answer = await post(
        'request',
        {
          amount: attempt.amountRial,
          callbackUrl: attempt.callbackUrl,
          description: `سفارش ${attempt.orderNumber} کلید`,
          // A label only: attempts are found by the track id.
          orderId: attempt.attemptId,
          ...(attempt.phone ? { mobile: attempt.phone.replace(/^\+98/, '0') } : {}),
          ...(attempt.mustMatchPhone ? { checkMobileWithCard: true } : {}),
        },
        8_000,
        signal,
      );
      if (!answer) return { kind: 'unknown' };
      const requested = Requested.safeParse(answer);
      if (answer.result !== '100' || !requested.success || !trackIdShape.test(requested.data.trackId))
        return { kind: 'refused', pspCode: answer.result };
      const { trackId } = requested.data;
      return { kind: 'accepted', pspToken: trackId, redirectUrl: `${options.baseUrl}/start/${trackId}` };
    },

    parseCallback(params) {
      const lower = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]));
      const pspToken = lower.get('trackid');
      if (pspToken === undefined || !trackIdShape.test(pspToken)) return undefined;
      const success = lower.get('success');
      const status = lower.get('status');
      // Some callbacks bring neither: then the bank is asked rather than the browser believed.
      const isSilent = success === undefined && status === undefined;
      return { pspToken, claimsSuccess: isSilent || success === '1' || success === '2' || status === '2' };
    },

    async verify(attempt): Promise<VerifyAnswer> {
      const answer = await post('verify', { trackId: Number(attempt.pspToken) }, 12_000);
      if (!answer) return { kind: 'unknown' };
      if (answer.result === '100') return judge(answer, attempt, false);
      if (answer.result === '201') {
        const inquired = await post('inquiry', { trackId: Number(attempt.pspToken) }, 8_000);
        const isPaid = inquired?.result === '100' && Paid.safeParse(inquired).data?.status === paidStatus;
        return isPaid ? judge(inquired, attempt, true) : { kind: 'unknown', isTaken: true };
      }
      return declinedResults.has(answer.result) ? { kind: 'declined', pspCode: answer.result } : { kind: 'unknown' };
    },

    async inquire({ pspToken }, signal): Promise<InquiryAnswer> {
      const answer = await post('inquiry', { trackId: Number(pspToken) }, 8_000, signal);
      // 100 says that the question was answered, not that anything was paid.
      if (answer?.result === '203') return 'failed';
      return answer?.result === '100' ? (states[String(answer['status'])] ?? 'unknown') : 'unknown';
    },

    /** Zibal has no such list: the sweep asks about each attempt. */
    listUnverified: () => Promise.resolve([]),
  };
}
