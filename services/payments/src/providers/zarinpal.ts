import { z } from 'zod';
import { parseJson } from '@kelid/service/outside-http';
import { createPspHttp } from './psp-http.ts';
import type { InquiryAnswer, PspProvider, RefundAnswer, RequestAnswer, VerifyAnswer } from './psp.ts';

// ZarinPal v4 (zarinpal.com/docs): POST JSON, amounts in Rial because we always send currency IRR. `data` and `errors` flip between
// object and empty array, and an HTTP error status carries the same body: the body is read first, the status means nothing.
const Code = z.union([z.int(), z.string()]).transform(String);
const Answer = z.object({
  data: z.union([z.looseObject({ code: Code }), z.array(z.never()), z.object({})]).nullish(),
  errors: z.union([z.looseObject({ code: Code }), z.array(z.unknown()), z.object({})]).nullish(),
});
const Requested = z.looseObject({ authority: z.string().regex(/^[AS][0-9A-Za-z]{35}$/) });
const Verified = z.looseObject({
  ref_id: z.union([z.int(), z.string().min(1).max(40)]).transform(String),
  // Money that was taken is recorded whatever shape the card's description has.
  card_pan: z.string().max(30).nullish().catch(null),
  card_hash: z.string().max(128).nullish().catch(null),
});
const Inquired = z.looseObject({ status: z.string() });
const Unverified = z.looseObject({ authorities: z.array(z.looseObject({ authority: z.string() })).max(200) });

/** -51 unpaid, -54 and -55 unknown to the PSP, -53 another merchant's: in each case no money of this attempt is there. */
const declinedCodes = new Set(['-51', '-53', '-54', '-55']);

/** -60 the bank refuses, -62 our address is not registered, -63 too late. -61 is also "reversed before", so it says nothing. */
const refusedReversal = new Set(['-60', '-62', '-63']);

interface Body {
  data: Record<string, unknown> | undefined;
  code: string;
}

export function createZarinpal(options: { baseUrl: string; merchantId: string }): PspProvider {
  const http = createPspHttp({ psp: 'zarinpal', baseUrl: options.baseUrl });

  /** Undefined when there was no readable answer. */
  async function post(
    path: string,
    body: Record<string, unknown>,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Body | undefined> {
    const answer = await http.send({
      path: `/pg/v4/payment/${path}`,
      json: { merchant_id: options.merchantId, ...body },
      timeoutMs,
      signal,
    });
    const parsed = Answer.safeParse(answer && parseJson(answer.text));
    if (!parsed.success) return undefined;
    const data =
      parsed.data.data && !Array.isArray(parsed.data.data) && 'code' in parsed.data.data ? parsed.data.data : undefined;
    const errors =
      parsed.data.errors && !Array.isArray(parsed.data.errors) && 'code' in parsed.data.errors
        ? parsed.data.errors
        : undefined;
    const code = data?.code ?? errors?.code;
    return code === undefined ? undefined : { data, code: String(code) };
  }

  return {
    psp: 'zarinpal',
    facts: {
      title: { fa: 'زرین‌پال', en: 'ZarinPal' },
      isFound: true,
      verifyWindowMinutes: 30,
      reverseWindowMinutes: 30,
    },
    isOffered: () => http.isOffered(),

    async request(attempt, signal): Promise<RequestAnswer> {
      const answer = await post(
        'request.json',
        {
          amount: attempt.amountRial,
          currency: 'IRR',
          description: `سفارش ${attempt.orderNumber} کلید`,
          callback_url: attempt.callbackUrl,
          // A number of the attempt's own: the PSP must never see two attempts as one.
          metadata: {
            order_id: attempt.attemptId,
            auto_verify: false,
            ...(attempt.phone ? { mobile: attempt.phone.replace(/^\+98/, '0') } : {}),
          },
        },
        8_000,
        signal,
      );
      if (!answer) return { kind: 'unknown' };
      const requested = Requested.safeParse(answer.data);
      if (answer.code !== '100' || !requested.success) return { kind: 'refused', pspCode: answer.code };
      const { authority } = requested.data;
      return { kind: 'accepted', pspToken: authority, redirectUrl: `${options.baseUrl}/pg/StartPay/${authority}` };
    },

    parseCallback(params) {
      const lower = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]));
      const pspToken = lower.get('authority');
      if (pspToken === undefined || !/^[AS][0-9A-Za-z]{35}$/.test(pspToken)) return undefined;
      return { pspToken, claimsSuccess: lower.get('status')?.toUpperCase() === 'OK' };
    },

    async verify({ pspToken, amountRial }): Promise<VerifyAnswer> {
      const answer = await post('verify.json', { amount: amountRial, authority: pspToken }, 12_000);
      if (!answer) return { kind: 'unknown' };
      // Only 100 and 101 are money; "anything but an error" is how other shops were robbed.
      if (answer.code === '100' || answer.code === '101') {
        const verified = Verified.safeParse(answer.data);
        if (!verified.success) return { kind: 'unknown' };
        return {
          kind: 'approved',
          wasVerifiedBefore: answer.code === '101',
          reference: verified.data.ref_id,
          cardMasked: verified.data.card_pan ?? null,
          cardHash: verified.data.card_hash ?? null,
        };
      }
      if (answer.code === '-50') return { kind: 'mismatch', pspCode: answer.code };
      return declinedCodes.has(answer.code) ? { kind: 'declined', pspCode: answer.code } : { kind: 'unknown' };
    },

    async inquire({ pspToken }, signal): Promise<InquiryAnswer> {
      const answer = await post('inquiry.json', { authority: pspToken }, 8_000, signal);
      const inquired = Inquired.safeParse(answer?.data);
      if (!inquired.success) return answer && declinedCodes.has(answer.code) ? 'failed' : 'unknown';
      const known: Record<string, InquiryAnswer> = {
        PAID: 'paid',
        VERIFIED: 'verified',
        IN_BANK: 'in-bank',
        FAILED: 'failed',
        REVERSED: 'reversed',
      };
      return known[inquired.data.status.toUpperCase()] ?? 'unknown';
    },

    async reverse({ pspToken }): Promise<RefundAnswer> {
      const answer = await post('reverse.json', { authority: pspToken }, 12_000);
      if (!answer) return { kind: 'unknown' };
      if (answer.code === '100') return { kind: 'done', reference: pspToken };
      return refusedReversal.has(answer.code) ? { kind: 'refused', pspCode: answer.code } : { kind: 'unknown' };
    },

    async listUnverified(signal) {
      const answer = await post('unVerified.json', {}, 8_000, signal);
      const listed = Unverified.safeParse(answer?.data);
      return listed.success ? listed.data.authorities.map((entry) => entry.authority) : [];
    },
  };
}
