/** One payment at the simulated bank. */
export interface BankAttempt {
  authority: string;
  merchantId: string;
  amountRial: number;
  /** In the unit of the request: what verify must name again. */
  amount: number;
  description: string;
  callbackUrl: string;
  orderId: string | undefined;
  status: 'IN_BANK' | 'PAID' | 'VERIFIED' | 'FAILED' | 'REVERSED';
  refId: number;
  createdAt: string;
  paidAtMs: number | undefined;
}
