import type { FastifyInstance } from 'fastify';

/** One payment at the simulated bank. */
export interface BankAttempt {
  authority: string;
  merchantId: string;
  amountRial: number;
  /** What a person reads instead of Rial, at a bank of another currency. */
  foreignAmount?: string;
  /** In the unit of the request: what verify must name again. */
  amount: number;
  description: string;
  callbackUrl: string;
  orderId: string | undefined;
  /** Whose card it has to be, or is asked for first. */
  mobile?: string;
  status: 'IN_BANK' | 'PAID' | 'VERIFIED' | 'FAILED' | 'REVERSED';
  /** What went back of a sale that stands, where the bank tells the two apart. */
  refundedRial?: number;
  refId: number;
  createdAt: string;
  paidAtMs: number | undefined;
}

export interface Bank {
  /** By the handle that the shop was given at its request. */
  attempts: Map<string, BankAttempt>;
  /** Does what the shopper's click does; answers where the browser goes, by a form where there are fields. */
  decide(
    token: string,
    outcome: 'pay' | 'fail' | 'cancel',
  ): { method: 'GET' | 'POST'; url: string; form?: Record<string, string> } | undefined;
  register(server: FastifyInstance): void;
}
