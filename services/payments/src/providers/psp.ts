import type { Psp } from '@kelid/contracts/payments';

/** What is known of one PSP, as data: the rules are the same for all. */
export interface PspFacts {
  title: { fa: string; en: string };
  /** After this the PSP gives unverified money back by itself. */
  verifyWindowMinutes: number;
}

export interface AttemptFacts {
  attemptId: string;
  orderNumber: string;
  amountRial: number;
  phone: string | null;
  callbackUrl: string;
}

export type RequestAnswer =
  | { kind: 'accepted'; pspToken: string; redirectUrl: string }
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
  parseCallback(params: Record<string, string>): { pspToken: string; claimsSuccess: boolean } | undefined;
  verify(pspToken: string, amountRial: number): Promise<VerifyAnswer>;
  inquire(pspToken: string): Promise<InquiryAnswer>;
  /** Handles of paid and not yet verified payments, newest first: finds those whose browser never came back. */
  listUnverified(): Promise<string[]>;
  /** False while its breaker is open. */
  isOffered(): boolean;
}
