import { createCipheriv } from 'node:crypto';
import { z } from 'zod';
import { tehranTime } from '@kelid/persian/tehran';
import { parseJson } from '@kelid/service/outside-http';
import { createPspHttp } from './psp-http.ts';
import type { AskedAttempt, PspProvider, RequestAnswer, VerifyAnswer } from './psp.ts';

// Sadad, the gateway of Bank Melli (manual 1.10): POST JSON, amounts in Rial, each call signed with the terminal's key. Numbers come as
// numbers or as texts. Verify takes the token alone, so the amount and the order it answers are compared here. It has no inquiry, no
// reversal and no refund: an answer that was lost is asked for again by the same verify.
const digits = (lengthMax: number) => z.union([z.int().min(0), z.string().regex(/^\d+$/).max(lengthMax)]);
const Answer = z.looseObject({ ResCode: z.union([z.int(), z.string().regex(/^-?\d{1,6}$/)]).transform(String) });
const Requested = z.looseObject({ Token: z.string().regex(/^[0-9A-Za-z+/=._-]{8,256}$/) });
const Verified = z.looseObject({
  Amount: digits(15).transform(Number),
  OrderId: digits(19).transform(String),
  // Two numbers that the bank wants to see on each receipt; they are kept as texts for their leading zeros.
  RetrivalRefNo: z.union([z.int().min(1), z.string().regex(/^[0-9A-Za-z]{1,30}$/)]).transform(String),
  SystemTraceNo: z
    .union([z.int().min(1), z.string().regex(/^[0-9A-Za-z]{1,20}$/)])
    .transform(String)
    .nullish()
    .catch(null),
});

/** -1: no such payment; 101 and 1105: too late, it went back to the card. In each case no money of this attempt is there, nor will be. */
const declinedCodes = new Set(['-1', '101', '1105']);

export function createSadad(options: {
  /** With the path's prefix where the terminal has one, such as `https://sadad.shaparak.ir/VPG`. */
  baseUrl: string;
  merchantId: string;
  terminalId: string;
  /** 24 bytes in Base64. */
  terminalKey: string;
}): PspProvider {
  const { baseUrl, merchantId, terminalId } = options;
  const http = createPspHttp({ psp: 'sadad', baseUrl });
  const sign = createSigner(options.terminalKey);

  /** Undefined when there was no readable answer. */
  async function post(path: string, body: Record<string, unknown>, timeoutMs: number, signal?: AbortSignal) {
    const answer = await http.send({ path: `/api/v0/${path}`, json: body, timeoutMs, signal });
    const parsed = Answer.safeParse(answer && parseJson(answer.text));
    return parsed.success ? parsed.data : undefined;
  }

  /** Approved only for our own order and the very amount that was asked for. */
  function judge(body: unknown, { attemptNo, amountRial }: AskedAttempt, wasVerifiedBefore: boolean): VerifyAnswer {
    const verified = Verified.safeParse(body);
    if (!verified.success) return { kind: 'unknown', isTaken: true };
    const { Amount, OrderId, RetrivalRefNo, SystemTraceNo } = verified.data;
    if (OrderId !== String(attemptNo)) return { kind: 'mismatch', pspCode: `order ${OrderId}` };
    if (Amount !== amountRial) return { kind: 'mismatch', pspCode: `amount ${Amount}` };
    return {
      kind: 'approved',
      wasVerifiedBefore,
      reference: SystemTraceNo ? `${RetrivalRefNo}-${SystemTraceNo}` : RetrivalRefNo,
      // Only the callback tells of the card, and a browser brings that.
      cardMasked: null,
      cardHash: null,
    };
  }

  return {
    psp: 'sadad',
    facts: {
      title: { fa: 'بانک ملی (سداد)', en: 'Bank Melli (Sadad)' },
      verifyWindowMinutes: 15,
      isAskedByVerify: true,
      isFound: true,
    },
    isOffered: () => http.isOffered(),

    async request(attempt, signal): Promise<RequestAnswer> {
      const answer = await post(
        'Request/PaymentRequest',
        {
          MerchantId: merchantId,
          TerminalId: terminalId,
          Amount: attempt.amountRial,
          // It refuses a number that it has seen before.
          OrderId: attempt.attemptNo,
          LocalDateTime: localTimeOf(Date.now()),
          ReturnUrl: attempt.callbackUrl,
          SignData: sign(`${terminalId};${attempt.attemptNo};${attempt.amountRial}`),
        },
        8_000,
        signal,
      );
      if (!answer) return { kind: 'unknown' };
      const requested = Requested.safeParse(answer);
      if (answer.ResCode !== '0' || !requested.success) return { kind: 'refused', pspCode: answer.ResCode };
      const { Token } = requested.data;
      return {
        kind: 'accepted',
        pspToken: Token,
        redirectUrl: `${baseUrl}/Purchase?Token=${encodeURIComponent(Token)}`,
      };
    },

    parseCallback(params) {
      const lower = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]));
      const token = Requested.safeParse({ Token: lower.get('token') });
      if (!token.success) return undefined;
      // The order number beside it is not read: verify tells which order the token belongs to.
      return { pspToken: token.data.Token, claimsSuccess: lower.get('rescode') === '0' };
    },

    async verify(attempt): Promise<VerifyAnswer> {
      const { pspToken } = attempt;
      const answer = await post('Advice/Verify', { Token: pspToken, SignData: sign(pspToken) }, 12_000);
      if (!answer) return { kind: 'unknown' };
      // 100 is smudged in the bank's manual and most clients take it for a failure; with our order and amount in it, it is our own money.
      if (answer.ResCode === '0' || answer.ResCode === '100') return judge(answer, attempt, answer.ResCode === '100');
      return declinedCodes.has(answer.ResCode) ? { kind: 'declined', pspCode: answer.ResCode } : { kind: 'unknown' };
    },

    /** Only verify can ask: see `isAskedByVerify`. */
    inquire: () => Promise.resolve('unknown'),

    listUnverified: () => Promise.resolve([]),
  };
}

/** Triple DES in ECB with PKCS#7: the bank's own choice, and no more than a signature here, since nothing that it covers is secret. */
function createSigner(terminalKey: string): (text: string) => string {
  const key = Buffer.from(terminalKey, 'base64');
  if (key.length !== 24) throw new Error('The key of the Sadad terminal is not 24 bytes in Base64');
  return (text) => {
    const cipher = createCipheriv('des-ede3-ecb', key, null);
    return cipher.update(text, 'utf8', 'base64') + cipher.final('base64');
  };
}

/** `11/21/2026 9:05:07 am`, as the bank's own samples write it. */
function localTimeOf(atMs: number): string {
  const { year, month, day, hour, minute, second } = tehranTime(atMs);
  const hours = Number(hour);
  return `${month}/${day}/${year} ${hours % 12 || 12}:${minute}:${second} ${hours < 12 ? 'am' : 'pm'}`;
}
