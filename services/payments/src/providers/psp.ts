import type { Psp } from '@kelid/contracts/payments';

/** What is known of one PSP, as data: the rules are the same for all. */
export interface PspFacts {
  title: { fa: string; en: string };
  /** After this the PSP gives unverified money back by itself. */
  verifyWindowMinutes: number;
  /** How long after the payment `reverse` works; absent without it. */
  reverseWindowMinutes?: number;
  /** Another amount than ours goes back by `reverse` so long after the redirect, unless a person has found a use for it before. */
  reviewMinutes?: number;
  /** The money is ours before anybody verifies it: for a dead order it becomes the customer's, since it would not go back by itself. */
  takesAtOnce?: true;
  /** It can insist that card and phone belong to one person. */
  matchesPhone?: true;
  /** It can be asked about a payment whose browser never came back: offered before one that can't. */
  isFound?: true;
  /** Only verify can ask it, which takes the money: the sweep does so without waiting for a callback. */
  isAskedByVerify?: true;
  /** Offered last and never in place of a bank that does not begin: only who chose it can use it. */
  isByChoice?: true;
}

export interface AttemptFacts {
  attemptId: string;
  /** A number of the attempt's own, from 1 up, for PSPs that want a whole number and refuse a repeated one. */
  attemptNo: number;
  orderNumber: string;
  amountRial: number;
  phone: string | null;
  /** The payment is taken only from a card of whoever has this phone. */
  mustMatchPhone?: true;
  callbackUrl: string;
}

/** One attempt as the PSP is asked about it: from our own row, but for what only the callback could bring. */
export interface AskedAttempt {
  attemptNo: number;
  pspToken: string;
  amountRial: number;
  /** What the PSP and we agreed on at the request beside the amount in Rial, such as the amount in its own currency. */
  terms: Record<string, string>;
  /** What the last callback brought and this PSP's verify needs, such as a reference of the bank; empty before one came. Never trusted alone. */
  proof: Record<string, string>;
  /** The PSP's reference of the captured money; null before the capture. */
  pspReference: string | null;
  /** How many verifies were begun, with this one: an earlier one may have taken the money and lost its answer. */
  verifyCount: number;
}

export interface CallbackHint {
  pspToken: string;
  claimsSuccess: boolean;
  /** What verify will need of it, each of a checked shape. Nothing when this PSP's verify needs only our own row. */
  proof?: Record<string, string>;
}

/** What a signed message is about: as a callback names it, by our own id, which the PSP was given, or by the reference of the captured money. */
export type WebhookHint =
  | CallbackHint
  | (Omit<CallbackHint, 'pspToken'> & ({ attemptId: string } | { pspReference: string }));

export type RequestAnswer =
  | {
      kind: 'accepted';
      pspToken: string;
      redirectUrl: string;
      /** The browser is sent there by a POST form with these fields; by GET without them. */
      redirectFields?: Record<string, string>;
      terms?: Record<string, string>;
    }
  | { kind: 'refused'; pspCode: string }
  /** No readable answer: the customer was not redirected, so no money can move. */
  | { kind: 'unknown' };

export type VerifyAnswer =
  | {
      kind: 'approved';
      wasVerifiedBefore: boolean;
      reference: string;
      cardMasked: string | null;
      cardHash: string | null;
    }
  | { kind: 'declined'; pspCode: string }
  /** The PSP says that another amount was paid: a person looks at it. */
  | {
      kind: 'mismatch';
      pspCode: string;
      /** What was taken, where the bank itself says that it belongs to this attempt: never what a browser brought, which may be another's. */
      takenReference?: string;
    }
  /** Neither paid nor failed. Only asking again turns it into one of the two. */
  | {
      kind: 'unknown';
      /** It says that the money was taken, and not whose or how much: nobody but a person can tell, should it never say. */
      isTaken?: true;
    };

/** `declined` and `unknown` are the verify's answer already. */
export type ProofAnswer =
  | { kind: 'found'; proof: Record<string, string> }
  | Extract<VerifyAnswer, { kind: 'declined' | 'unknown' }>;

export type InquiryAnswer = 'paid' | 'verified' | 'in-bank' | 'failed' | 'reversed' | 'unknown';

/** One refund, of all or a part of what an attempt captured. */
export interface AskedRefund {
  refundId: string;
  /** A number of the refund's own that is no attempt's number, for PSPs that want a whole number. */
  refundNo: number;
  amountRial: number;
  /** What the PSP called it, where it has answered that: some can be asked about it by nothing else. */
  reference?: string;
}

export type RefundAnswer =
  | { kind: 'done'; reference: string }
  | { kind: 'refused'; pspCode: string }
  /** Perhaps done: it is only inquired about, never asked again. */
  | { kind: 'unknown' };

/**
 * One PSP. Amounts are whole Rial; each provider converts to its own unit at its edge. No call throws for what a PSP answers. What only
 * asks (a page to pay at, how a payment is) ends with the caller's signal; what may move money, and what leads to it, does not.
 */
export interface PspProvider {
  psp: Psp;
  facts: PspFacts;
  request(attempt: AttemptFacts, signal?: AbortSignal): Promise<RequestAnswer>;
  /** Finds the PSP's handle among untrusted callback parameters, and what the browser claims happened. */
  parseCallback(params: Record<string, string>): CallbackHint | undefined;
  /** Reads a signed message of the PSP's server from its very bytes; absent where the PSP sends none. `refused`: not signed by it, or too old. */
  parseWebhook?(body: string, headers: Record<string, string>): WebhookHint | 'refused' | 'irrelevant';
  /**
   * Asks the PSP itself for what verify needs, so that no browser has to be believed or waited for; kept with the attempt before verify,
   * after which a PSP may tell it no more. Undefined: it tells nothing, and the callback's proof is all there is. Absent where verify needs
   * only our own row.
   */
  findProof?(attempt: AskedAttempt): Promise<ProofAnswer | undefined>;
  /** Repeatable. Where a PSP needs a further step to keep the money (settle), it is part of this. */
  verify(attempt: AskedAttempt): Promise<VerifyAnswer>;
  inquire(attempt: AskedAttempt, signal?: AbortSignal): Promise<InquiryAnswer>;
  /** Closes the page of a payment that nobody waits for, where it is still open and nobody pays there. Repeatable. */
  closePage?(attempt: AskedAttempt): Promise<void>;
  /** Leaves nothing of a payment that was never captured: its page is closed and what is held on the card is free. Repeatable. */
  letGo?(attempt: AskedAttempt): Promise<'gone' | 'taken' | 'unknown'>;
  /** Gives the whole captured amount back to the card, only soon after the payment; absent where the PSP has no such call. Asked once. */
  reverse?(attempt: AskedAttempt): Promise<RefundAnswer>;
  /** Gives an amount back to the card at any time; absent where the PSP has no such call. Asked once. */
  refund?(attempt: AskedAttempt, refund: AskedRefund): Promise<RefundAnswer>;
  /** What became of a refund or reversal whose answer was lost. `not-done`: certain that no money went back, nor will. */
  inquireRefund?(attempt: AskedAttempt, refund: AskedRefund): Promise<'done' | 'not-done' | 'unknown'>;
  /** Handles of paid and not yet verified payments, newest first: finds those whose browser never came back. */
  listUnverified(signal?: AbortSignal): Promise<string[]>;
  /** False while its breaker is open. */
  isOffered(): boolean;
}
