import { join } from 'node:path';
import { paymentsContract } from '@kelid/contracts/payments';
import { defineService } from '@kelid/service/define-service';
import { PaymentsConfig } from './config.ts';
import { onOrderClosed } from './events/on-order-closed.ts';
import { onOrderFulfilled } from './events/on-order-fulfilled.ts';
import { onOrderRefundDue } from './events/on-order-refund-due.ts';
import { onOrderPaymentRefused } from './events/on-order-payment-refused.ts';
import { settleDueAttempts, settleUnverified } from './jobs/settle-due-attempts.ts';
import { closeIntent } from './operations/close-intent.ts';
import { createIntent } from './operations/create-intent.ts';
import { getOrderPayments } from './operations/get-order-payments.ts';
import { getTrialBalance } from './operations/get-trial-balance.ts';
import { getWallet } from './operations/get-wallet.ts';
import { handlePspCallback } from './operations/handle-psp-callback.ts';
import { listPaymentMethods } from './operations/list-payment-methods.ts';
import { listWalletEntries } from './operations/list-wallet-entries.ts';
import { startAttempt } from './operations/start-attempt.ts';
import { setPspEnabled } from './operations/set-psp-enabled.ts';
import { createPsps } from './providers/psps.ts';

export const paymentsService = defineService({
  contract: paymentsContract,
  peers: ['orders'],
  migrationsFolder: join(import.meta.dirname, 'db/migrations'),
  config: PaymentsConfig,
  createParts: (config) => ({ config, psps: createPsps(config) }),
  operations: {
    handlePspCallback,
    getOrderPayments,
    listPaymentMethods,
    getWallet,
    listWalletEntries,
    getTrialBalance,
    createIntent,
    startAttempt,
    closeIntent,
    setPspEnabled,
  },
  events: {
    'order.cancelled': onOrderClosed,
    'order.expired': onOrderClosed,
    'order.fulfilled': onOrderFulfilled,
    'order.payment-refused': onOrderPaymentRefused,
    'order.refund-due': onOrderRefundDue,
  },
  sweeps: [
    { name: 'settle-due-attempts', everyMs: 2_000, run: settleDueAttempts },
    { name: 'settle-unverified', everyMs: 20_000, run: settleUnverified },
  ],
});
