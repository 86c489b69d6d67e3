import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, NoInput, ownAffair, page } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { paymentBeingChecked, paymentInReview, Psp, pspUnavailable, StartedAttempt } from './attempts.ts';
import { Reason, referenceUsed, secondPersonNeeded } from './deciding.ts';
import { intentClosed } from './intents.ts';
import { limitReached } from './limits.ts';
import { Sheba } from './refunds.ts';

export const WithdrawalStatus = z.enum(['requested', 'approved', 'sent', 'rejected', 'cancelled']);
export type WithdrawalStatus = z.infer<typeof WithdrawalStatus>;
export const bankAccountNotFound = problem('payments.bank-account-not-found', {
  status: 404,
  title: 'There is no such bank account',
});
export const bankAccountNotVerified = problem('payments.bank-account-not-verified', {
  status: 409,
  title: 'Staff have not checked this bank account yet',
});
export const balanceTooSmall = problem('payments.balance-too-small', {
  status: 409,
  title: 'The wallet has less than that free',
  data: z.object({ freeRial: z.int() }),
});
export const withdrawalNotFound = problem('payments.withdrawal-not-found', {
  status: 404,
  title: 'There is no such withdrawal',
});
export const withdrawalMoveRefused = problem('payments.withdrawal-move-refused', {
  status: 409,
  title: 'This withdrawal is not in a state for that',
  data: z.object({ status: z.string() }),
});
const BankAccount = z.object({
  id: Id,
  customerId: Id,
  sheba: z.string(),
  holderName: z.string(),
  status: z.enum(['pending', 'verified', 'rejected']),
  reason: z.string().nullable(),
});
const Withdrawal = z.object({
  id: Id,
  customerId: Id,
  sheba: z.string(),
  holderName: z.string(),
  amountRial: AmountRial,
  status: WithdrawalStatus,
  reason: z.string().nullable(),
  reference: z.string().nullable(),
  approvedBy: z.string().nullable(),
  createdAt: Instant,
});

export const walletOperations = {
  getWallet: operation({
    method: 'GET',
    path: '/wallet',
    summary: 'The balance of the customer',
    access: ['customer'],
    input: NoInput,
    output: z.object({ balanceRial: AmountRial, heldRial: AmountRial }),
  }),
  listWalletEntries: operation({
    method: 'GET',
    path: '/wallet/entries',
    summary: 'Each movement of the wallet, newest first',
    access: ['customer'],
    input: z.object({ limit: Limit, cursor: IdCursor }),
    output: page(z.object({ id: Id, amountRial: z.int(), kind: z.string(), orderId: Id.nullable(), at: Instant })),
  }),
  topUpWallet: operation({
    method: 'POST',
    path: '/wallet/top-up',
    summary: 'Adds money to the wallet by a bank',
    access: ['customer'],
    status: 201,
    idempotent: true,
    checksSession: true,
    limitPerMinute: 10,
    input: z.object({ amountRial: AmountRial.min(100_000), psp: Psp }),
    output: z.object({ topUpId: Id, payment: StartedAttempt }),
    problems: [limitReached, pspUnavailable, intentClosed, paymentBeingChecked, paymentInReview],
  }),
  listBankAccounts: operation({
    method: 'GET',
    path: '/wallet/bank-accounts',
    summary: 'Where the customer wants wallet money sent',
    access: ['customer'],
    input: NoInput,
    output: z.object({ items: z.array(BankAccount), nextCursor: z.null() }),
  }),
  addBankAccount: operation({
    method: 'POST',
    path: '/wallet/bank-accounts',
    summary: 'Names a bank account of the customer; staff check its owner once',
    access: ['customer'],
    status: 201,
    checksSession: true,
    limitPerMinute: 5,
    input: z.object({ sheba: Sheba, holderName: z.string().trim().min(3).max(100) }),
    output: BankAccount,
  }),
  listAllBankAccounts: operation({
    method: 'GET',
    path: '/admin/bank-accounts',
    summary: 'Bank accounts that customers named, those to be checked first',
    access: ['admin', 'support'],
    showsCustomers: true,
    checksSession: true,
    input: z.object({ limit: Limit, cursor: IdCursor }),
    output: page(BankAccount),
  }),
  verifyBankAccount: operation({
    method: 'PUT',
    path: '/admin/bank-accounts/{bankAccountId}',
    summary: "Says whether a bank account is the customer's own, with a reason",
    access: ['admin', 'support'],
    checksSession: true,
    input: z.object({ bankAccountId: Id, isVerified: z.boolean(), reason: Reason }),
    output: BankAccount,
    problems: [bankAccountNotFound, ownAffair],
  }),
  listWithdrawals: operation({
    method: 'GET',
    path: '/wallet/withdrawals',
    summary: 'Wallet money that went to a bank account, or is on its way; newest first',
    access: ['customer'],
    input: z.object({ limit: Limit, cursor: IdCursor }),
    output: page(Withdrawal),
  }),
  requestWithdrawal: operation({
    method: 'POST',
    path: '/wallet/withdrawals',
    summary: 'Asks for wallet money on a verified bank account; it is held until it is sent',
    access: ['customer'],
    status: 201,
    idempotent: true,
    checksSession: true,
    limitPerMinute: 10,
    input: z.object({ bankAccountId: Id, amountRial: AmountRial.min(100_000) }),
    output: Withdrawal,
    problems: [bankAccountNotFound, bankAccountNotVerified, balanceTooSmall],
  }),
  cancelWithdrawal: operation({
    method: 'POST',
    path: '/wallet/withdrawals/{withdrawalId}/cancel',
    summary: 'Takes a withdrawal back that nobody has approved yet',
    access: ['customer'],
    input: z.object({ withdrawalId: Id }),
    output: Withdrawal,
    problems: [withdrawalNotFound, withdrawalMoveRefused],
  }),
  listAllWithdrawals: operation({
    method: 'GET',
    path: '/admin/withdrawals',
    summary: 'Withdrawals of all customers, newest first',
    access: ['admin', 'support'],
    showsCustomers: true,
    checksSession: true,
    input: z.object({ status: WithdrawalStatus.optional(), limit: Limit, cursor: IdCursor }),
    output: page(Withdrawal),
  }),
  decideWithdrawal: operation({
    method: 'POST',
    path: '/admin/withdrawals/{withdrawalId}/decision',
    summary: 'Approves or refuses a withdrawal; above 50,000,000 Rial two people approve',
    access: ['admin'],
    checksSession: true,
    input: z.object({ withdrawalId: Id, isApproved: z.boolean(), reason: Reason }),
    output: Withdrawal,
    problems: [withdrawalNotFound, withdrawalMoveRefused, secondPersonNeeded, ownAffair],
  }),
  recordWithdrawalTransfer: operation({
    method: 'POST',
    path: '/admin/withdrawals/{withdrawalId}/transfer',
    summary: "Says that an approved withdrawal was sent, with the bank's reference",
    access: ['admin'],
    checksSession: true,
    input: z.object({ withdrawalId: Id, reference: z.string().trim().min(4).max(60) }),
    output: Withdrawal,
    problems: [referenceUsed, withdrawalNotFound, withdrawalMoveRefused, ownAffair],
  }),
};
