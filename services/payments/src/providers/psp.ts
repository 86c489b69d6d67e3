import type { Psp } from '@kelid/contracts/payments';

/** What is known of one PSP, as data: the rules are the same for all. */
export interface PspFacts {
  title: { fa: string; en: string };
  /** After this the PSP gives unverified money back by itself. */
  verifyWindowMinutes: number;
}

export interface AttemptFacts {
  attemptId: string;
  /** A number of the attempt's own, from 1 up, for PSPs that want a whole number and refuse a repeated one. */
  attemptNo: number;
  orderNumber: string;
  amountRial: number;
  phone: string | null;
  callbackUrl: string;
}

/** One attempt as the PSP is asked about it: from our own row, but for what only the callback could bring. */
export interface AskedAttempt {
  attemptNo: number;
  pspToken: string;
  amountRial: number;
  /** What the last callback brought and this PSP's verify needs, such as a reference of the bank; empty before one came. Never trusted alone. */
  proof: Record<string, string>;
}

export interface CallbackHint {
  pspToken: string;
  claimsSuccess: boolean;
  /** What verify will need of it, each of a checked shape. Nothing when this PSP's verify needs only our own row. */
  proof?: Record<string, string>;
}

export type RequestAnswer =
  | {
      kind: 'accepted';
      pspToken: string;
      redirectUrl: string;
      /** The browser is sent there by a POST form with these fields; by GET without them. */
      redirectFields?: Record<string, string>;
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
  | { kind: 'mismatch'; pspCode: string }
  /** Neither paid nor failed. Only asking again turns it into one of the two. */
  | { kind: 'unknown' };

export type InquiryAnswer = 'paid' | 'verified' | 'in-bank' | 'failed' | 'reversed' | 'unknown';

/** One PSP. Amounts are whole Rial; each provider converts to its own unit at its edge. No call throws for what a PSP answers. */
export interface PspProvider {
  psp: Psp;
  facts: PspFacts;
  request(attempt: AttemptFacts): Promise<RequestAnswer>;
  /** Finds the PSP's handle among untrusted callback parameters, and what the browser claims happened. */
  parseCallback(params: Record<string, string>): CallbackHint | undefined;
  /** Repeatable. Where a PSP needs a further step to keep the money (settle), it is part of this. */
  verify(attempt: AskedAttempt): Promise<VerifyAnswer>;
  inquire(attempt: AskedAttempt): Promise<InquiryAnswer>;
  /** Gives the whole captured amount back to the card inside the PSP's window; absent where the PSP has no such call. */
  reverse?(attempt: AskedAttempt): Promise<'reversed' | 'refused' | 'unknown'>;
  /** Handles of paid and not yet verified payments, newest first: finds those whose browser never came back. */
  listUnverified(): Promise<string[]>;
  /** False while its breaker is open. */
  isOffered(): boolean;
}
