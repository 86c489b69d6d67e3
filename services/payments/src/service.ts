import { join } from 'node:path';
import { paymentsContract } from '@kelid/contracts/payments';
import { defineService } from '@kelid/service/define-service';
import { createMinuteCounts } from '@kelid/service/minute-counts';
import { watchInvariants } from '@kelid/service/watch-invariants';
import { decideAttempt } from './attempts/decide-attempt.ts';
import { getOrderMoney } from './attempts/get-order-money.ts';
import { getOrderPayments } from './attempts/get-order-payments.ts';
import { handlePspCallback } from './attempts/handle-psp-callback.ts';
import { handlePspWebhook } from './attempts/handle-psp-webhook.ts';
import { listAttempts } from './attempts/list-attempts.ts';
import { listPaymentMethods } from './attempts/list-payment-methods.ts';
import { onOrderPaymentRefused } from './attempts/on-order-payment-refused.ts';
import { setPspEnabled } from './attempts/set-psp-enabled.ts';
import { settleDueAttempts, settleUnverified } from './attempts/settle-due-attempts.ts';
import { startAttempt } from './attempts/start-attempt.ts';
import { stopBanks } from './attempts/stop-banks.ts';
import { PaymentsConfig } from './config.ts';
import { closeIntent } from './intents/close-intent.ts';
import { createIntent } from './intents/create-intent.ts';
import { onOrderClosed } from './intents/on-order-closed.ts';
import { closeLedgerDays } from './ledger/close-ledger-days.ts';
import { exportBooks } from './ledger/export-books.ts';
import { getSalesReport } from './ledger/get-sales-report.ts';
import { getTrialBalance } from './ledger/get-trial-balance.ts';
import { listInvariantBreaches } from './ledger/list-invariant-breaches.ts';
import { listLedgerCloses } from './ledger/list-ledger-closes.ts';
import { onOrderFulfilled } from './ledger/on-order-fulfilled.ts';
import { getPaymentLimits } from './limits/get-payment-limits.ts';
import { setCustomerLevel } from './limits/set-customer-level.ts';
import { createPsps } from './providers/psps.ts';
import { decideRefund } from './refunds/decide-refund.ts';
import { listRefunds } from './refunds/list-refunds.ts';
import { onOrderRefundDue } from './refunds/on-order-refund-due.ts';
import { recordRefundTransfer } from './refunds/record-refund-transfer.ts';
import { requestRefund } from './refunds/request-refund.ts';
import { settleDueRefunds } from './refunds/settle-due-refunds.ts';
import { importSettlement } from './settlements/import-settlement.ts';
import { listSettlementDifferences } from './settlements/list-settlement-differences.ts';
import { listSettlements } from './settlements/list-settlements.ts';
import { resolveSettlementDifference } from './settlements/resolve-settlement-difference.ts';
import { decideTransfer } from './transfers/decide-transfer.ts';
import { getTransfer } from './transfers/get-transfer.ts';
import { listTransfers } from './transfers/list-transfers.ts';
import { submitTransfer } from './transfers/submit-transfer.ts';
import { addBankAccount } from './wallet/add-bank-account.ts';
import { cancelWithdrawal } from './wallet/cancel-withdrawal.ts';
import { decideWithdrawal } from './wallet/decide-withdrawal.ts';
import { getWallet } from './wallet/get-wallet.ts';
import { listAllBankAccounts } from './wallet/list-all-bank-accounts.ts';
import { listAllWithdrawals } from './wallet/list-all-withdrawals.ts';
import { listBankAccounts } from './wallet/list-bank-accounts.ts';
import { listWalletEntries } from './wallet/list-wallet-entries.ts';
import { listWithdrawals } from './wallet/list-withdrawals.ts';
import { recordWithdrawalTransfer } from './wallet/record-withdrawal-transfer.ts';
import { requestWithdrawal } from './wallet/request-withdrawal.ts';
import { topUpWallet } from './wallet/top-up-wallet.ts';
import { verifyBankAccount } from './wallet/verify-bank-account.ts';

const migrationsFolder = join(import.meta.dirname, 'db/migrations');

export const paymentsService = defineService({
  contract: paymentsContract,
  peers: ['orders', 'inventory', 'identity'],
  migrationsFolder,
  config: PaymentsConfig,
  createParts: (config) => ({ config, psps: createPsps(config), noise: createMinuteCounts() }),
  operations: {
    // intents
    closeIntent,
    createIntent,
    // attempts
    decideAttempt,
    getOrderMoney,
    getOrderPayments,
    handlePspCallback,
    handlePspWebhook,
    listAttempts,
    listPaymentMethods,
    setPspEnabled,
    startAttempt,
    // transfers
    decideTransfer,
    getTransfer,
    listTransfers,
    submitTransfer,
    // refunds
    decideRefund,
    listRefunds,
    recordRefundTransfer,
    requestRefund,
    // wallet
    addBankAccount,
    cancelWithdrawal,
    decideWithdrawal,
    getWallet,
    listAllBankAccounts,
    listAllWithdrawals,
    listBankAccounts,
    listWalletEntries,
    listWithdrawals,
    recordWithdrawalTransfer,
    requestWithdrawal,
    topUpWallet,
    verifyBankAccount,
    // limits
    getPaymentLimits,
    setCustomerLevel,
    // ledger
    exportBooks,
    getSalesReport,
    getTrialBalance,
    listInvariantBreaches,
    listLedgerCloses,
    // settlements
    importSettlement,
    listSettlementDifferences,
    listSettlements,
    resolveSettlementDifference,
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
    { name: 'settle-due-refunds', everyMs: 5_000, run: settleDueRefunds },
    { name: 'settle-unverified', everyMs: 20_000, run: settleUnverified },
    { name: 'close-ledger-days', everyMs: 60_000, run: closeLedgerDays },
    watchInvariants(migrationsFolder, stopBanks),
  ],
});
