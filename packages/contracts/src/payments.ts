import { contract } from './contract.ts';
import { orderCancelled, orderExpired, orderFulfilled, orderPaymentRefused, orderRefundDue } from './events.ts';
import { attemptOperations } from './payments/attempts.ts';
import { intentOperations } from './payments/intents.ts';
import { ledgerOperations } from './payments/ledger.ts';
import { limitOperations } from './payments/limits.ts';
import { refundOperations } from './payments/refunds.ts';
import { settlementOperations } from './payments/settlements.ts';
import { transferOperations } from './payments/transfers.ts';
import { walletOperations } from './payments/wallet.ts';

export * from './payments/attempts.ts';
export * from './payments/deciding.ts';
export * from './payments/intents.ts';
export * from './payments/ledger.ts';
export * from './payments/limits.ts';
export * from './payments/refunds.ts';
export * from './payments/settlements.ts';
export * from './payments/transfers.ts';
export * from './payments/wallet.ts';

export const paymentsContract = contract(
  'payments',
  {
    ...intentOperations,
    ...attemptOperations,
    ...transferOperations,
    ...refundOperations,
    ...walletOperations,
    ...limitOperations,
    ...ledgerOperations,
    ...settlementOperations,
  },
  orderCancelled,
  orderExpired,
  orderFulfilled,
  orderPaymentRefused,
  orderRefundDue,
);
