import { z } from 'zod';
import { tehranTime } from '@kelid/persian/tehran';
import { createPspHttp } from './psp-http.ts';
import type { AskedAttempt, InquiryAnswer, PspProvider, RefundAnswer, RequestAnswer, VerifyAnswer } from './psp.ts';
import { readSoapReturn, soapCall } from './soap.ts';

// Behpardakht Mellat (bpm.shaparak.ir): SOAP 1.1, amounts in Rial, answers that are a code or `0, reference`. No answer tells an amount: what
// ties the money to our row is that the bank finds its reference under the attempt's own number, and only there. Verified money is
// kept by settling it, which is therefore a part of verify; after it nothing can be reversed, only refunded.
const namespace = 'http://interfaces.core.sw.bps.com/';
const refIdShape = /^[0-9A-Za-z]{1,64}$/;
/** In one form only, or the same receipt could be written in two ways. */
const longShape = /^[1-9]\d{0,18}$/;
const codeShape = /^\d{1,4}$/;
const answerShape = /^(\d{1,4})(?:\s*,\s*([0-9A-Za-z]+))?$/;
/** What a callback says of the sale. The bank sends no reference with a no. */
const Proof = z.object({
  saleOrderId: z.string().regex(longShape),
  resCode: z.string().regex(codeShape),
  saleReferenceId: z.string().regex(longShape).optional(),
});

const verified = '0';
const verifiedBefore = '43';
const settledBefore = '45';
const reversed = '48';
const refundNotFound = '49';
/** A definite no of the bank, the card or the shopper. What is not here is unknown, such as our own wrong credentials. */
const declinedCodes = new Set('11 12 13 14 15 16 17 18 19 42 48 54 55 56 57 98 111 112 114 115 415 995 997'.split(' '));
/** Nothing was begun. After any other code the manual wants the refund inquired about before it is called failed. */
const refundRefusedCodes = new Set('12 19 21 23 24 25 42 46 47 48 54 55 421'.split(' '));
/** No manual names these one by one. Each leads to another verify, whose answer is the one that counts. */
const inquired: Record<string, InquiryAnswer> = {
  '0': 'verified',
  '43': 'verified',
  '45': 'verified',
  '46': 'verified',
  [reversed]: 'reversed',
};

/** Day and time at the bank, as YYYYMMDD and HHMMSS. */
function localTimeOf(atMs: number): { localDate: string; localTime: string } {
  const { year, month, day, hour, minute, second } = tehranTime(atMs);
  return { localDate: year + month + day, localTime: hour + minute + second };
}

export function createBehpardakht(options: {
  baseUrl: string;
  terminalId: string;
  userName: string;
  userPassword: string;
}): PspProvider {
  const { baseUrl, terminalId, userName, userPassword } = options;
  const http = createPspHttp({ psp: 'behpardakht', baseUrl });

  /** Undefined when there was no readable answer. */
  async function call(
    operation: string,
    params: Record<string, string | number>,
    timeoutMs: number,
    signal?: AbortSignal,
  ) {
    const answer = await http.send({
      path: '/pgwchannel/services/pgw',
      headers: { soapaction: operation, accept: 'text/xml', 'content-type': 'text/xml; charset=utf-8' },
      text: soapCall(namespace, operation, { terminalId, userName, userPassword, ...params }),
      timeoutMs,
      signal,
    });
    const text = answer?.status === 200 ? readSoapReturn(answer.text, operation) : undefined;
    const [, code, reference] = answerShape.exec(text ?? '') ?? [];
    return code === undefined ? undefined : { code, reference };
  }

  return {
    psp: 'behpardakht',
    facts: { title: { fa: 'به‌پرداخت ملت', en: 'Behpardakht Mellat' }, verifyWindowMinutes: 20 },
    isOffered: () => http.isOffered(),

    async request(attempt, signal): Promise<RequestAnswer> {
      const answer = await call(
        'bpPayRequest',
        {
          orderId: attempt.attemptNo,
          amount: attempt.amountRial,
          ...localTimeOf(Date.now()),
          additionalData: attempt.orderNumber,
          callBackUrl: attempt.callbackUrl,
          payerId: 0,
        },
        8_000,
        signal,
      );
      if (!answer) return { kind: 'unknown' };
      const { code, reference } = answer;
      if (code !== '0' || reference === undefined || !refIdShape.test(reference))
        return { kind: 'refused', pspCode: code };
      return {
        kind: 'accepted',
        pspToken: reference,
        redirectUrl: `${baseUrl}/pgwchannel/startpay.mellat`,
        redirectFields: { RefId: reference },
      };
    },

    parseCallback(params) {
      const lower = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]));
      const pspToken = lower.get('refid');
      if (pspToken === undefined || !refIdShape.test(pspToken)) return undefined;
      const reference = lower.get('salereferenceid');
      const proof = Proof.safeParse({
        saleOrderId: lower.get('saleorderid'),
        resCode: lower.get('rescode'),
        ...(reference === undefined || !longShape.test(reference) ? {} : { saleReferenceId: reference }),
      });
      if (!proof.success) return { pspToken, claimsSuccess: false };
      const { saleReferenceId, ...named } = proof.data;
      if (saleReferenceId === undefined) return { pspToken, claimsSuccess: false, proof: named };
      return { pspToken, claimsSuccess: named.resCode === '0', proof: { ...named, saleReferenceId } };
    },

    async verify(attempt): Promise<VerifyAnswer> {
      const proof = proofOf(attempt);
      if (!proof?.saleReferenceId) return { kind: 'unknown' };
      if (!isOwn(proof, attempt)) return { kind: 'declined', pspCode: 'another order number' };
      const sale = saleOf(attempt, proof.saleReferenceId);
      const answer = await call('bpVerifyRequest', sale, 12_000);
      if (!answer) return { kind: 'unknown' };
      if (answer.code !== verified && answer.code !== verifiedBefore)
        return declinedCodes.has(answer.code) ? { kind: 'declined', pspCode: answer.code } : { kind: 'unknown' };
      // Unsettled money never reaches the shop. Without an answer the whole is repeated: both calls may be.
      const settled = await call('bpSettleRequest', sale, 12_000);
      if (settled?.code === reversed) return { kind: 'declined', pspCode: reversed };
      if (settled?.code !== '0' && settled?.code !== settledBefore) return { kind: 'unknown' };
      return {
        kind: 'approved',
        wasVerifiedBefore: answer.code === verifiedBefore,
        reference: proof.saleReferenceId,
        // The bank tells the card through the browser alone.
        cardMasked: null,
        cardHash: null,
      };
    },

    async inquire(attempt, signal): Promise<InquiryAnswer> {
      const proof = proofOf(attempt);
      // The bank finds a sale by the reference that the callback brings, and by nothing else.
      if (!proof || !isOwn(proof, attempt)) return 'unknown';
      // A no has none. Nothing can be verified then, so the browser's word is enough; a later yes is still looked at.
      if (proof.saleReferenceId === undefined) return declinedCodes.has(proof.resCode) ? 'failed' : 'unknown';
      const answer = await call('bpInquiryRequest', saleOf(attempt, proof.saleReferenceId), 8_000, signal);
      if (!answer) return 'unknown';
      return inquired[answer.code] ?? (declinedCodes.has(answer.code) ? 'failed' : 'unknown');
    },

    async refund(attempt, { refundNo, amountRial }): Promise<RefundAnswer> {
      if (attempt.pspReference === null) return { kind: 'refused', pspCode: 'not captured' };
      const sale = saleOf(attempt, attempt.pspReference);
      const answer = await call('bpRefundRequest', { ...sale, orderId: refundNo, refundAmount: amountRial }, 12_000);
      if (answer?.code === '0') return { kind: 'done', reference: answer.reference ?? `refund-${refundNo}` };
      return answer && refundRefusedCodes.has(answer.code)
        ? { kind: 'refused', pspCode: answer.code }
        : { kind: 'unknown' };
    },

    /** Only a refund whose reference was answered can be asked about. */
    async inquireRefund(_attempt, { refundNo, reference }) {
      if (reference === undefined || !longShape.test(reference)) return 'unknown';
      const refund = { orderId: refundNo, refundOrderId: refundNo, refundReferenceId: reference };
      const answer = await call('bpRefundInquiryRequest', refund, 8_000);
      if (answer?.code === '0') return 'done';
      return answer?.code === refundNotFound ? 'not-done' : 'unknown';
    },

    /** There is no such list, and no sale can be found without its callback: the bank gives that money back itself. */
    listUnverified: () => Promise.resolve([]),
  };
}

function proofOf(attempt: AskedAttempt) {
  const proof = Proof.safeParse(attempt.proof);
  return proof.success ? proof.data : undefined;
}

/** A callback of another sale under our handle is not looked at (A49). */
function isOwn(proof: z.infer<typeof Proof>, attempt: AskedAttempt): boolean {
  return proof.saleOrderId === String(attempt.attemptNo);
}

/** A sale is named by our own number, whatever the callback said, and the bank's reference. */
function saleOf(attempt: AskedAttempt, saleReferenceId: string) {
  return { orderId: attempt.attemptNo, saleOrderId: attempt.attemptNo, saleReferenceId };
}
