import { z } from 'zod';
import { parseJson } from '@kelid/service/outside-http';
import { createPspHttp } from './psp-http.ts';
import type { AskedAttempt, InquiryAnswer, PspProvider, RefundAnswer, RequestAnswer, VerifyAnswer } from './psp.ts';

// SEP, the gateway of Saman (manuals 3.1 and 4.1): POST JSON, amounts in Rial, the terminal's number and the caller's address are the
// credentials. Verify knows a payment by its RefNum alone, which is born when the card is charged and which a browser brings, and it
// approves the same RefNum each time it is asked. So the bank's own receipt tells the RefNum where the terminal has receipts, the browser's
// word is used only where not, and either way amount, terminal and RefNum of the answer are compared here and a RefNum pays once.
const code = z.union([z.int(), z.string().regex(/^-?\d{1,6}$/)]).transform(String);
const digits = z.union([z.int().min(0), z.string().regex(/^\d{1,15}$/)]).transform(Number);
const word = z.union([z.int(), z.string().max(30)]).transform((value) => String(value).toLowerCase());
const handleShape = /^[0-9A-Za-z+/=._-]{1,100}$/;
const handle = z.string().regex(handleShape);

const Requested = z.looseObject({ status: code, token: handle.nullish(), errorCode: code.nullish().catch(null) });
const Receipt = z.looseObject({
  HasError: z.literal(false),
  Data: z.looseObject({
    State: word.nullish(),
    Status: word.nullish(),
    TerminalId: digits,
    Token: z.string(),
    ResNum: z.union([z.int(), z.string()]).transform(String),
    RefNum: handle.nullish().catch(null),
  }),
});
const Answer = z.looseObject({ ResultCode: code });
const Verified = z.looseObject({
  Success: z.boolean().nullish(),
  TransactionDetail: z.looseObject({
    RefNum: handle,
    TerminalNumber: digits,
    // What was asked for, misspelt on the wire; AffectiveAmount, what the card paid, may be less by the bank's own discounts.
    OrginalAmount: digits,
    // Money that was taken is recorded whatever shape the card's description has.
    MaskedPan: z.string().max(30).nullish().catch(null),
    HashedPan: z.string().max(128).nullish().catch(null),
  }),
});

/** Receipts tell the same twice, as a word and as a number. */
const states: Record<string, 'in-bank' | 'failed' | 'paid'> = {
  '0': 'in-bank',
  inprogress: 'in-bank',
  '1': 'failed',
  canceledbyuser: 'failed',
  '2': 'paid',
  ok: 'paid',
  '3': 'failed',
  failed: 'failed',
};
/** No such payment, and too late. After an earlier verify they say nothing: that one may have taken the money. */
const declinedAtFirst = new Set(['-2', '-6']);
const reversedCode = '5';
/** The same as before: for a verify and for a reversal both, it was done already. */
const repeatedCode = '2';
/** A reversal that the bank did not begin. Any other code but success (-102, -103) leaves it open. */
const notReversed = new Set(['-2', '-6', '-100', '-101', '-104', '-105', '-106', '-107', '-108', '-111', '-112']);

export function createSep(options: { baseUrl: string; terminalId: string }): PspProvider {
  const { baseUrl, terminalId } = options;
  const http = createPspHttp({ psp: 'sep', baseUrl });
  // A service of its own that not each terminal has: its failures must not stop payments.
  const receipts = createPspHttp({ psp: 'sep receipt', baseUrl });

  /** Undefined when there was no readable answer. */
  async function ask(call: 'VerifyTransaction' | 'ReverseTransaction', refNum: string) {
    const answer = await http.send({
      path: `/verifyTxnRandomSessionkey/ipg/${call}`,
      json: { RefNum: refNum, TerminalNumber: Number(terminalId) },
      timeoutMs: 12_000,
    });
    const parsed = Answer.safeParse(answer && parseJson(answer.text));
    return parsed.success ? parsed.data : undefined;
  }

  /** What the bank tells of our token; undefined when it tells nothing, as it does after a verify, after an hour and on older terminals. */
  async function receiptOf({ pspToken, attemptNo }: AskedAttempt, signal?: AbortSignal) {
    const answer = await receipts.send({
      path: '/verifyTxnRandomSessionkey/api/v2/ipg/payment/receipt',
      json: { TerminalNumber: Number(terminalId), Token: pspToken },
      timeoutMs: 8_000,
      signal,
    });
    const parsed = Receipt.safeParse(answer && parseJson(answer.text));
    if (!parsed.success) return undefined;
    const { State, Status, TerminalId, Token, ResNum, RefNum } = parsed.data.Data;
    if (Token !== pspToken || ResNum !== String(attemptNo) || TerminalId !== Number(terminalId)) return undefined;
    const [state, ...others] = new Set([State, Status].flatMap((said) => (said ? [states[said]] : [])));
    return state === undefined || others.length > 0 ? undefined : { state, refNum: RefNum };
  }

  /** Approved only for our own terminal, the RefNum that was asked about and the very amount that was asked for. */
  function judge(body: unknown, attempt: AskedAttempt, refNum: string, wasVerifiedBefore: boolean): VerifyAnswer {
    const verified = Verified.safeParse(body);
    if (!verified.success) return { kind: 'unknown', isTaken: true };
    if (verified.data.Success === false && !wasVerifiedBefore) return { kind: 'unknown' };
    const { RefNum, TerminalNumber, OrginalAmount, MaskedPan, HashedPan } = verified.data.TransactionDetail;
    if (TerminalNumber !== Number(terminalId)) return { kind: 'mismatch', pspCode: `terminal ${TerminalNumber}` };
    if (RefNum !== refNum) return { kind: 'mismatch', pspCode: 'another receipt' };
    if (OrginalAmount !== attempt.amountRial) {
      const isBanksWord = attempt.proof['bankRefNum'] === refNum;
      const pspCode = `amount ${OrginalAmount}`;
      return { kind: 'mismatch', pspCode, ...(isBanksWord ? { takenReference: refNum } : {}) };
    }
    return {
      kind: 'approved',
      wasVerifiedBefore,
      // The receipt itself, so that it pays once and can be reversed.
      reference: RefNum,
      cardMasked: MaskedPan ?? null,
      cardHash: HashedPan ?? null,
    };
  }

  return {
    psp: 'sep',
    facts: {
      title: { fa: 'بانک سامان (سپ)', en: 'Saman (SEP)' },
      verifyWindowMinutes: 30,
      isFound: true,
      reverseWindowMinutes: 50,
      reviewMinutes: 40,
    },
    isOffered: () => http.isOffered(),

    async request(attempt, signal): Promise<RequestAnswer> {
      const answer = await http.send({
        path: '/onlinepg/onlinepg',
        json: {
          action: 'token',
          TerminalId: terminalId,
          Amount: attempt.amountRial,
          ResNum: String(attempt.attemptNo),
          RedirectUrl: attempt.callbackUrl,
          ...(attempt.phone ? { CellNumber: attempt.phone.replace(/^\+98/, '0') } : {}),
        },
        timeoutMs: 8_000,
        signal,
      });
      const requested = Requested.safeParse(answer && parseJson(answer.text));
      if (!requested.success) return { kind: 'unknown' };
      const { status, token, errorCode } = requested.data;
      if (status !== '1' || !token) return { kind: 'refused', pspCode: errorCode ?? status };
      return {
        kind: 'accepted',
        pspToken: token,
        redirectUrl: `${baseUrl}/OnlinePG/SendToken?token=${encodeURIComponent(token)}`,
      };
    },

    /** Two styles, as the bank has set up the terminal: Token and RefNum alone in the address, or a form with the state and much more. */
    parseCallback(params) {
      const lower = new Map(Object.entries(params).map(([name, value]) => [name.toLowerCase(), value]));
      // A plus that the bank left as it is in an address arrives as a space.
      const read = (name: string) => lower.get(name)?.replaceAll(' ', '+') ?? '';
      const pspToken = read('token');
      if (!handleShape.test(pspToken)) return undefined;
      const refNum = read('refnum');
      const isRefused = ['state', 'status'].some(
        (name) => lower.has(name) && states[read(name).toLowerCase()] !== 'paid',
      );
      if (!handleShape.test(refNum) || isRefused) return { pspToken, claimsSuccess: false };
      return { pspToken, claimsSuccess: true, proof: { refNum } };
    },

    async findProof(attempt) {
      if (attempt.proof['bankRefNum'] !== undefined) return undefined;
      const receipt = await receiptOf(attempt);
      if (receipt?.state === 'failed') return { kind: 'declined', pspCode: 'receipt' };
      if (receipt?.state === 'in-bank') return { kind: 'unknown' };
      return receipt?.refNum ? { kind: 'found', proof: { bankRefNum: receipt.refNum } } : undefined;
    },

    async verify(attempt): Promise<VerifyAnswer> {
      const refNum = attempt.proof['bankRefNum'] ?? attempt.proof['refNum'];
      const answer = refNum === undefined ? undefined : await ask('VerifyTransaction', refNum);
      if (refNum === undefined || !answer) return { kind: 'unknown' };
      const { ResultCode } = answer;
      if (ResultCode === '0' || ResultCode === repeatedCode)
        return judge(answer, attempt, refNum, ResultCode === repeatedCode);
      const isDeclined = ResultCode === reversedCode || (attempt.verifyCount <= 1 && declinedAtFirst.has(ResultCode));
      return isDeclined ? { kind: 'declined', pspCode: ResultCode } : { kind: 'unknown' };
    },

    /** Only until verify: after it the receipt is not told any more. */
    async inquire(attempt, signal): Promise<InquiryAnswer> {
      return (await receiptOf(attempt, signal))?.state ?? 'unknown';
    },

    async reverse({ pspReference }): Promise<RefundAnswer> {
      if (pspReference === null) return { kind: 'refused', pspCode: 'never captured' };
      const answer = await ask('ReverseTransaction', pspReference);
      if (!answer) return { kind: 'unknown' };
      const { ResultCode } = answer;
      if (ResultCode === '0' || ResultCode === repeatedCode || ResultCode === reversedCode)
        return { kind: 'done', reference: pspReference };
      return notReversed.has(ResultCode) ? { kind: 'refused', pspCode: ResultCode } : { kind: 'unknown' };
    },

    /** A repeated verify tells of a reversal and changes nothing. Money that is still there may have a reversal on its way: then a person looks. */
    async inquireRefund({ pspReference }) {
      const answer = pspReference === null ? undefined : await ask('VerifyTransaction', pspReference);
      return answer?.ResultCode === reversedCode ? 'done' : 'unknown';
    },

    /** SEP has no such list: the sweep asks for each attempt's receipt. */
    listUnverified: () => Promise.resolve([]),
  };
}
