import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, NoInput, NoOutput, ownAffair, page, RetryAfter } from './common.ts';
import { contract, operation, problem } from './contract.ts';
import { orderCancelled, orderExpired, orderFulfilled, orderPaymentRefused, orderRefundDue } from './events.ts';

export const Psp = z.enum(['zarinpal', 'zibal', 'sep', 'behpardakht', 'sadad', 'stripe', 'webhook', 'card-to-card']);
export type Psp = z.infer<typeof Psp>;
/** How an attempt is paid: at a bank, or from the wallet alone. */
export const PaymentMeans = z.enum([...Psp.options, 'wallet']);
export type PaymentMeans = z.infer<typeof PaymentMeans>;
export const AttemptStatus = z.enum([
  'created',
  'requesting',
  'redirected',
  'returned',
  'verifying',
  'captured',
  'failed',
  'unknown',
  'reversed',
  'abandoned',
  'review',
]);
export type AttemptStatus = z.infer<typeof AttemptStatus>;
export const IntentStatus = z.enum(['open', 'captured', 'expired', 'cancelled']);
/** To the wallet at once; back to the card through the PSP; or by hand to a bank account. */
export const RefundMethod = z.enum(['wallet', 'psp', 'manual']);
export type RefundMethod = z.infer<typeof RefundMethod>;
export const RefundStatus = z.enum([
  'requested',
  'approved',
  'submitting',
  'unknown',
  'succeeded',
  'failed',
  'rejected',
  'review',
]);
export type RefundStatus = z.infer<typeof RefundStatus>;
export const WithdrawalStatus = z.enum(['requested', 'approved', 'sent', 'rejected', 'cancelled']);
export type WithdrawalStatus = z.infer<typeof WithdrawalStatus>;
/** Why a line of a PSP's report, or its lack, is a difference. Of a fee that is too high the money is booked, of the others none. */
export const SettlementCause = z.enum([
  // No attempt or refund of ours has that reference.
  'not-in-ledger',
  // Ours of that day, in no file yet.
  'not-in-report',
  // The bank took money for an attempt that we did not capture; its order is dead, or not.
  'not-captured',
  'dead-order',
  // Another amount than ours; or the line's own amount, fee and net do not add up.
  'amount-differs',
  'sums-differ',
  'fee-too-high',
  // Twice in the file, or settled by an earlier one.
  'duplicate-row',
  'refund-not-in-ledger',
  'refund-not-in-report',
]);
export type SettlementCause = z.infer<typeof SettlementCause>;
const Sheba = z.string().max(40);
/** A day of Tehran. */
const Day = z.iso.date();
const Days = { from: Day, until: Day.describe('the last day, itself included; at most 366 days') };

export const intentNotFound = problem('payments.intent-not-found', {
  status: 404,
  title: 'Nothing is owed for this order',
});
export const intentClosed = problem('payments.intent-closed', {
  status: 409,
  title: 'This order no longer awaits a payment',
});
export const intentMismatch = problem('payments.intent-mismatch', {
  status: 409,
  title: 'This order already has an intent with another amount',
});
export const paymentBeingChecked = problem('payments.payment_being_checked', {
  status: 409,
  title: 'We are asking the bank about your last payment; do not pay again',
  data: RetryAfter,
});
export const paymentInReview = problem('payments.payment_in_review', {
  status: 409,
  title: 'A person is asking the bank about your last payment; do not pay again',
});
export const pspUnavailable = problem('payments.psp-unavailable', {
  status: 503,
  title: 'This bank does not answer now; choose another or try again',
  data: RetryAfter,
});

export const pspWebhookRefused = problem('payments.webhook-refused', {
  status: 401,
  title: 'This message is not signed by the bank, or too old',
});

/** Where the browser goes to pay. With `redirectFields` by a POST form that carries them; null: the wallet has paid all. */
export const StartedAttempt = z.object({
  attemptId: Id,
  /** Where it was begun: another bank of the same kind, when the chosen one did not. Absent in answers that were kept before it was told. */
  psp: PaymentMeans.optional(),
  redirectUrl: z.url().nullable(),
  redirectFields: z.record(z.string(), z.string()).nullable(),
});
export type StartedAttempt = z.infer<typeof StartedAttempt>;

export const refundTooLarge = problem('payments.refund-too-large', {
  status: 409,
  title: 'More than is left of what was paid for this order',
  data: z.object({ refundableRial: z.int() }),
});
export const refundTooEarly = problem('payments.refund-too-early', {
  status: 409,
  title: 'This order is not delivered yet; its undelivered units are refunded through the order',
});
export const refundNotFound = problem('payments.refund-not-found', { status: 404, title: 'There is no such refund' });
export const refundMoveRefused = problem('payments.refund-move-refused', {
  status: 409,
  title: 'This refund is not in a state for that',
  data: z.object({ status: z.string() }),
});
export const refundMethodUnavailable = problem('payments.refund-method-unavailable', {
  status: 409,
  title: 'The PSP of this order cannot give this amount back; choose another method',
});
export const secondPersonNeeded = problem('payments.second-person-needed', {
  status: 403,
  title: 'Another person must approve this',
});
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
export const limitReached = problem('payments.limit-reached', {
  status: 409,
  title: 'That is above what is allowed in this time',
  data: z.object({ limitRial: z.int(), period: z.string() }),
});

export const transferNotFound = problem('payments.transfer-not-found', {
  status: 404,
  title: 'There is no such transfer',
});
export const transferDecided = problem('payments.transfer-decided', {
  status: 409,
  title: 'This transfer is decided, or its payment is over',
  data: z.object({ status: z.string() }),
});
export const transferChanged = problem('payments.transfer-changed', {
  status: 409,
  title: 'The customer has named another transfer meanwhile; look at that one in the bank',
});
export const tooManyTransferNumbers = problem('payments.too-many-transfer-numbers', {
  status: 409,
  title: 'Too many tracking numbers were given for this payment; ask support',
  data: z.object({ numbersMax: z.int() }),
});
export const trackingNumberUsed = problem('payments.tracking-number-used', {
  status: 409,
  title: 'This tracking number was given for another payment',
  data: z.object({ field: z.string() }),
});
export const transferAmountDiffers = problem('payments.transfer-amount-differs', {
  status: 409,
  title: 'What the bank shows is not the amount of this payment; reject it and give the money back by hand',
  data: z.object({ amountRial: z.int() }),
});

export const attemptNotFound = problem('payments.attempt-not-found', {
  status: 404,
  title: 'There is no such payment',
});
export const attemptMoveRefused = problem('payments.attempt-move-refused', {
  status: 409,
  title: 'This payment waits for nobody',
  data: z.object({ status: z.string() }),
});
export const referenceUsed = problem('payments.reference-used', {
  status: 409,
  title: 'This reference has paid for something already',
  data: z.object({ field: z.string() }),
});

const TrackingNumber = z.string().regex(/^\d{4,30}$/, 'is the number on the receipt, digits alone');
const TransferStatus = z.enum(['submitted', 'approved', 'rejected']);
/** A transfer from card to card as staff see it. */
const Transfer = z.object({
  attemptId: Id,
  orderId: Id,
  customerId: Id,
  amountRial: AmountRial,
  status: TransferStatus,
  trackingNumber: z.string(),
  cardLast4: z.string(),
  approvedBy: z.string().nullable(),
  reason: z.string().nullable(),
  submittedAt: Instant,
});
const OwnTransfer = z.object({
  attemptId: Id,
  orderId: Id,
  kind: z.enum(['order', 'top-up']),
  amountRial: AmountRial,
  /** Where the money is to be sent. */
  cardNumber: z.string(),
  cardHolder: z.string(),
  /** `waiting` until the customer has named the transfer; `over` when the payment cannot be made any more. */
  status: z.enum(['waiting', ...TransferStatus.options, 'over']),
  trackingNumber: z.string().nullable(),
  cardLast4: z.string().nullable(),
});

export const ledgerDayOpen = problem('payments.ledger-day-open', { status: 404, title: 'This day is not closed' });
export const tooManyDays = problem('payments.too-many-days', {
  status: 422,
  title: 'The last day comes first, or they are more than 366',
});
export const exportTooLarge = problem('payments.export-too-large', {
  status: 409,
  title: 'That is more than one file holds; ask for fewer days',
  data: z.object({ rowsMax: z.int() }),
});
export const settlementUnreadable = problem('payments.settlement-unreadable', {
  status: 422,
  title: 'This file cannot be read; nothing was saved',
  data: z.object({ errors: z.array(z.object({ line: z.int(), column: z.string().nullable(), message: z.string() })) }),
});
export const settlementUnknownPsp = problem('payments.settlement-unknown-psp', {
  status: 422,
  title: "Nobody has described this PSP's report yet",
});
export const settlementTooEarly = problem('payments.settlement-too-early', {
  status: 409,
  title: 'This day is not over',
});
export const settlementOtherDay = problem('payments.settlement-other-day', {
  status: 409,
  title: 'The same file was imported as the report of another day',
  data: z.object({ day: z.string() }),
});
export const differenceNotFound = problem('payments.difference-not-found', {
  status: 404,
  title: 'There is no such difference',
});
export const differenceResolved = problem('payments.difference-resolved', {
  status: 409,
  title: 'Somebody has resolved this difference before',
  data: z.object({ resolvedBy: z.string() }),
});

const Refund = z.object({
  id: Id,
  orderId: Id,
  customerId: Id,
  amountRial: AmountRial,
  method: RefundMethod,
  status: RefundStatus,
  isWhole: z.boolean(),
  /** The product keys that close with a refund of a part; a whole one closes all that were not seen. */
  keyIds: z.array(Id),
  /** Where a manual transfer goes: whole for who has to make it, else the ends of it. */
  sheba: z.string().nullable(),
  needsApproval: z.boolean(),
  reason: z.string(),
  requestedBy: z.string(),
  approvedBy: z.string().nullable(),
  reference: z.string().nullable(),
  failureReason: z.string().nullable(),
  createdAt: Instant,
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
const Reason = z.string().trim().min(3).max(300);

const Settlement = z.object({
  importId: Id,
  psp: Psp,
  day: Day,
  rowCount: z.int(),
  /** Lines whose money is now in the bank's account of the ledger. */
  settledCount: z.int(),
  settledRial: z.int(),
  feeRial: AmountRial,
  differenceCount: z.int(),
  openCount: z.int(),
  importedBy: z.string(),
  importedAt: Instant,
});
const SettlementDifference = z.object({
  id: Id,
  importId: Id,
  psp: Psp,
  day: Day,
  cause: SettlementCause,
  line: z.int().nullable(),
  reference: z.string().nullable(),
  attemptId: Id.nullable(),
  refundId: Id.nullable(),
  orderId: Id.nullable(),
  reportedRial: AmountRial.nullable(),
  ledgerRial: AmountRial.nullable(),
  feeRial: AmountRial.nullable(),
  /** Some file has brought it in order since; it is still for a person to say so. */
  isSettledSince: z.boolean(),
  status: z.enum(['open', 'resolved']),
  note: z.string().nullable(),
  resolvedBy: z.string().nullable(),
  resolvedAt: Instant.nullable(),
});
const SalesAmounts = {
  /** Orders that were delivered. */
  orderCount: z.int(),
  /** What was earned by them, without VAT. */
  salesRial: z.int(),
  vatRial: z.int(),
  /** The part of the sales that their customers' wallets paid. */
  walletRial: z.int(),
  /** Given back of delivered orders, on the day it went. */
  refundsRial: z.int(),
  /** What the PSP kept, on the day its report was imported. */
  feesRial: z.int(),
  /** Sales less refunds and fees. What the goods cost is not known here. */
  marginRial: z.int(),
};

const Attempt = z.object({
  id: Id,
  psp: PaymentMeans,
  status: AttemptStatus,
  amountRial: AmountRial,
  isSurplus: z.boolean(),
  pspReference: z.string().nullable(),
  cardMasked: z.string().nullable(),
  failureReason: z.string().nullable(),
  createdAt: Instant,
  updatedAt: Instant,
});

const StaffAttempt = Attempt.extend({ orderId: Id, customerId: Id });

export const paymentsContract = contract(
  'payments',
  {
    handlePspCallback: operation({
      method: 'GET',
      path: '/payments/callback/{psp}',
      summary: "Where a bank sends the browser back (GET or POST); a hint only, the bank's server is asked",
      access: ['public'],
      transport: 'form',
      status: 303,
      input: z.object({ psp: z.string().max(20), params: z.record(z.string().max(64), z.string().max(512)) }),
      output: z.object({ location: z.string() }),
    }),
    handlePspWebhook: operation({
      method: 'POST',
      path: '/payments/webhook/{psp}',
      summary: "Where a bank's server sends its signed news; a hint too, answered at once and looked into after that",
      access: ['public'],
      transport: 'webhook',
      webhookHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'stripe-signature'],
      status: 202,
      input: z.object({
        psp: z.string().max(20),
        headers: z.record(z.string().max(64), z.string().max(512)),
        /** The very text that was signed. */
        body: z.string().max(65_536),
      }),
      output: z.object({}),
      problems: [pspWebhookRefused],
    }),
    getPaymentLimits: operation({
      method: 'GET',
      path: '/payments/limits',
      summary: 'What one may buy in a day, what is left of it, and what each further step allows',
      access: ['customer'],
      input: NoInput,
      output: z.object({
        level: z.int().min(0).max(2),
        dayMaxRial: AmountRial,
        spentTodayRial: AmountRial,
        steps: z.array(z.object({ level: z.int(), dayMaxRial: AmountRial })),
        /** Cards that were paid with, by what may be shown of them. */
        cards: z.array(z.object({ cardMasked: z.string().nullable(), isMatched: z.boolean(), lastPaidAt: Instant })),
      }),
    }),
    setCustomerLevel: operation({
      method: 'PUT',
      path: '/admin/customers/{customerId}/payment-level',
      summary: 'How far a customer is known, decided by staff with a reason',
      access: ['admin'],
      checksSession: true,
      input: z.object({ customerId: Id, level: z.int().min(0).max(2), reason: Reason }),
      output: z.object({ customerId: Id, level: z.int() }),
      problems: [ownAffair],
    }),
    listAttempts: operation({
      method: 'GET',
      path: '/admin/payment-attempts',
      summary: 'Tries to pay, newest first; those in review wait for a person',
      access: ['admin', 'support'],
      showsCustomers: true,
      checksSession: true,
      input: z.object({ status: AttemptStatus.optional(), limit: Limit, cursor: IdCursor }),
      output: page(StaffAttempt),
    }),
    decideAttempt: operation({
      method: 'POST',
      path: '/admin/payment-attempts/{attemptId}/decision',
      summary:
        'Ends a review: the whole amount is in the bank under this reference, nothing is, or it went back; above 50,000,000 Rial two people say that it is there',
      access: ['admin'],
      checksSession: true,
      input: z.object({
        attemptId: Id,
        decision: z.enum(['captured', 'failed', 'reversed']),
        /** The bank's; needed for money that is there. */
        reference: z
          .string()
          .trim()
          .regex(/^[0-9A-Za-z_-]{4,60}$/, 'is letters and digits, 4 to 60')
          .optional(),
        reason: Reason,
      }),
      output: StaffAttempt,
      problems: [attemptNotFound, attemptMoveRefused, referenceUsed, secondPersonNeeded, ownAffair],
    }),
    getTransfer: operation({
      method: 'GET',
      path: '/payments/transfers/{attemptId}',
      summary: 'Where to send the money of an own payment from card to card, and what became of it',
      access: ['customer'],
      input: z.object({ attemptId: Id }),
      output: OwnTransfer,
      problems: [transferNotFound],
    }),
    submitTransfer: operation({
      method: 'PUT',
      path: '/payments/transfers/{attemptId}',
      summary: "Names the transfer that was made, by its tracking number and the card's last four digits",
      access: ['customer'],
      input: z.object({
        attemptId: Id,
        trackingNumber: TrackingNumber,
        cardLast4: z.string().regex(/^\d{4}$/, 'is four digits'),
      }),
      output: OwnTransfer,
      problems: [transferNotFound, transferDecided, trackingNumberUsed, tooManyTransferNumbers],
    }),
    listTransfers: operation({
      method: 'GET',
      path: '/admin/transfers',
      summary: 'Transfers from card to card that customers have named, oldest first',
      access: ['admin', 'support'],
      showsCustomers: true,
      checksSession: true,
      input: z.object({ status: TransferStatus.optional(), limit: Limit, cursor: IdCursor }),
      output: page(Transfer),
    }),
    decideTransfer: operation({
      method: 'POST',
      path: '/admin/transfers/{attemptId}/decision',
      summary: 'Says that a transfer is in the bank, or is not; above 50,000,000 Rial two people say so',
      access: ['admin'],
      checksSession: true,
      input: z.object({
        attemptId: Id,
        isApproved: z.boolean(),
        /** The number that was looked up in the bank: what its customer named after that is not decided. */
        trackingNumber: TrackingNumber,
        /** What the bank shows, typed by hand; needed for an approval. */
        seenRial: AmountRial.default(0),
        reason: Reason,
      }),
      output: Transfer,
      problems: [
        transferNotFound,
        transferDecided,
        transferChanged,
        transferAmountDiffers,
        secondPersonNeeded,
        ownAffair,
      ],
    }),
    getOrderPayments: operation({
      method: 'GET',
      path: '/payments/order/{orderId}',
      summary: 'What is owed for an own order, and each try to pay it',
      access: ['customer'],
      input: z.object({ orderId: Id }),
      output: z.object({
        intentId: Id,
        /** A top-up of the wallet is looked at by its own id. */
        kind: z.enum(['order', 'top-up']),
        orderId: Id,
        amountRial: AmountRial,
        /** The part of it that the wallet pays; banks are asked for the rest. */
        walletRial: AmountRial,
        status: IntentStatus,
        attempts: z.array(Attempt),
        /** What staff gave back, or are about to. */
        refunds: z.array(Refund.pick({ id: true, amountRial: true, method: true, status: true, createdAt: true })),
      }),
      problems: [intentNotFound],
    }),
    listPaymentMethods: operation({
      method: 'GET',
      path: '/payments/methods',
      summary: 'The banks that can be chosen now, best first',
      access: ['public'],
      input: NoInput,
      output: z.object({
        items: z.array(z.object({ psp: Psp, title: z.object({ fa: z.string(), en: z.string() }) })),
        nextCursor: z.null(),
      }),
    }),
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
    requestRefund: operation({
      method: 'POST',
      path: '/admin/orders/{orderId}/refund',
      summary:
        'Gives all that is left of a delivered order back, or a part, and closes the product keys that it pays for; above 50,000,000 Rial of the order in all, after a look at a key, for much more than the closed keys cost, or to an unchecked account another person approves',
      access: ['admin', 'support'],
      status: 201,
      idempotent: true,
      checksSession: true,
      input: z.object({
        orderId: Id,
        /** Absent: all that is left. */
        amountRial: AmountRial.min(1).optional(),
        method: RefundMethod,
        /** The unseen product keys that this money is for; absent: as many as it pays for, where none of the order was seen. */
        keyIds: z.array(Id).max(5_000).optional(),
        /** Where a manual transfer goes. */
        sheba: Sheba.optional(),
        reason: Reason,
      }),
      output: Refund,
      problems: [intentNotFound, refundTooLarge, refundTooEarly, refundMethodUnavailable, ownAffair],
    }),
    decideRefund: operation({
      method: 'POST',
      path: '/admin/refunds/{refundId}/decision',
      summary: 'The second person approves or refuses a refund; never who asked for it',
      access: ['admin'],
      checksSession: true,
      input: z.object({ refundId: Id, isApproved: z.boolean(), reason: Reason }),
      output: Refund,
      problems: [refundNotFound, refundMoveRefused, secondPersonNeeded, ownAffair],
    }),
    recordRefundTransfer: operation({
      method: 'POST',
      path: '/admin/refunds/{refundId}/transfer',
      summary: "Says that a manual refund was sent, with the bank's reference; or what became of one in review",
      access: ['admin'],
      checksSession: true,
      input: z.object({
        refundId: Id,
        wasSent: z.boolean().default(true),
        reference: z.string().trim().min(4).max(60),
      }),
      output: Refund,
      problems: [refundNotFound, refundMoveRefused, ownAffair],
    }),
    listRefunds: operation({
      method: 'GET',
      path: '/admin/refunds',
      summary: 'Refunds by a decision of staff, newest first',
      access: ['admin', 'support'],
      showsCustomers: true,
      checksSession: true,
      input: z.object({ orderId: Id.optional(), status: RefundStatus.optional(), limit: Limit, cursor: IdCursor }),
      output: page(Refund),
    }),
    getTrialBalance: operation({
      method: 'GET',
      path: '/admin/ledger/trial-balance',
      summary: 'Every account of the ledger with its balance, now or at the end of a closed day; the sum is zero',
      access: ['admin', 'internal'],
      checksSession: true,
      input: z.object({ day: Day.optional() }),
      output: z.object({
        accounts: z.array(z.object({ account: z.string(), balanceRial: z.int() })),
        sumRial: z.int(),
        /** The last day that is closed, or the one asked for; null before the first close. */
        closedDay: Day.nullable(),
      }),
      problems: [ledgerDayOpen],
    }),
    listLedgerCloses: operation({
      method: 'GET',
      path: '/admin/ledger/closes',
      summary: 'The closed days of the ledger, newest first',
      access: ['admin'],
      checksSession: true,
      input: z.object({ limit: Limit, cursor: Day.optional() }),
      output: page(
        z.object({
          day: Day,
          transactionCount: z.int(),
          debitRial: AmountRial,
          creditRial: AmountRial,
          closedAt: Instant,
        }),
      ),
    }),
    getSalesReport: operation({
      method: 'GET',
      path: '/admin/reports/sales',
      summary: 'Sales, VAT, refunds, fees and margin by day of Tehran and by what the order was paid with',
      access: ['admin'],
      checksSession: true,
      input: z.object(Days),
      output: z.object({
        rows: z.array(z.object({ day: Day, psp: z.string(), ...SalesAmounts })),
        total: z.object(SalesAmounts),
      }),
      problems: [tooManyDays],
    }),
    exportBooks: operation({
      method: 'GET',
      path: '/admin/reports/export',
      summary: 'A report as the text of a CSV file that a spreadsheet opens',
      access: ['admin'],
      showsCustomers: true,
      checksSession: true,
      limitPerMinute: 10,
      input: z.object({ report: z.enum(['trial-balance', 'sales', 'journal', 'differences']), ...Days }),
      output: z.object({ fileName: z.string(), contentType: z.literal('text/csv; charset=utf-8'), text: z.string() }),
      problems: [tooManyDays, exportTooLarge, ledgerDayOpen],
    }),
    importSettlement: operation({
      method: 'POST',
      path: '/admin/settlements',
      summary:
        "Compares a PSP's report of one day with the ledger and books what agrees; the same file again answers the first import",
      access: ['admin'],
      status: 201,
      bodyBytesMax: 10 * 1024 * 1024,
      checksSession: true,
      input: z.object({ psp: Psp, day: Day, csv: z.string().min(1).max(4_000_000) }),
      output: Settlement,
      problems: [settlementUnreadable, settlementUnknownPsp, settlementTooEarly, settlementOtherDay],
    }),
    listSettlements: operation({
      method: 'GET',
      path: '/admin/settlements',
      summary: 'Imported reports of the PSPs, newest first, with how much of each agreed with the ledger',
      access: ['admin'],
      checksSession: true,
      input: z.object({ psp: Psp.optional(), limit: Limit, cursor: IdCursor }),
      output: page(Settlement),
    }),
    listSettlementDifferences: operation({
      method: 'GET',
      path: '/admin/settlement-differences',
      summary: 'Where the reports of the PSPs and the ledger do not agree, newest first, each with its cause',
      access: ['admin'],
      checksSession: true,
      input: z.object({
        psp: Psp.optional(),
        importId: Id.optional(),
        status: z.enum(['open', 'resolved']).optional(),
        limit: Limit,
        cursor: IdCursor,
      }),
      output: page(SettlementDifference),
    }),
    resolveSettlementDifference: operation({
      method: 'POST',
      path: '/admin/settlement-differences/{differenceId}/resolve',
      summary: 'Says what a difference was; no money moves by it',
      access: ['admin'],
      checksSession: true,
      input: z.object({ differenceId: Id, note: z.string().trim().min(3).max(1_000) }),
      output: SettlementDifference,
      problems: [differenceNotFound, differenceResolved],
    }),
    listInvariantBreaches: operation({
      method: 'GET',
      path: '/admin/invariant-breaches',
      summary: 'What the monitor found that must never be, newest first, and the PSP that was stopped for it',
      access: ['admin', 'developer'],
      checksSession: true,
      input: z.object({ limit: Limit, cursor: IdCursor }),
      output: page(
        z.object({
          id: Id,
          invariant: z.string(),
          subject: z.string(),
          sentence: z.string(),
          psp: Psp.nullable(),
          foundAt: Instant,
        }),
      ),
    }),
    setPspEnabled: operation({
      method: 'PUT',
      path: '/admin/payment-methods/{psp}',
      summary: 'Switches a bank off for new payments, or on again, with a reason; payments under way are finished',
      access: ['admin'],
      checksSession: true,
      input: z.object({ psp: Psp, isEnabled: z.boolean(), reason: z.string().min(3).max(300) }),
      output: z.object({ psp: Psp, isEnabled: z.boolean() }),
    }),
    // Between services.
    createIntent: operation({
      method: 'POST',
      path: '/internal/payments/intents',
      summary: 'What an order owes; the same order again answers the same intent',
      access: ['internal'],
      input: z.object({
        orderId: Id,
        orderNumber: z.string().max(20),
        customerId: Id,
        amountRial: AmountRial.min(10_000),
        phone: z.string().optional(),
        /** At most this much is held in the customer's wallet and pays its part. */
        walletMaxRial: AmountRial.default(0),
      }),
      output: z.object({ intentId: Id, status: IntentStatus, walletRial: AmountRial }),
      problems: [intentMismatch, limitReached],
    }),
    startAttempt: operation({
      method: 'POST',
      path: '/internal/payments/attempts',
      summary:
        'One try at one bank for what the wallet does not pay, at the next bank when that one does not begin; the same attemptId again answers the same. Null: the wallet has paid all',
      access: ['internal'],
      input: z.object({ attemptId: Id, orderId: Id, psp: Psp }),
      output: StartedAttempt,
      problems: [intentNotFound, intentClosed, paymentBeingChecked, paymentInReview, pspUnavailable],
    }),
    getOrderMoney: operation({
      method: 'GET',
      path: '/internal/payments/orders/{orderId}/money',
      summary:
        'How the money of an unpaid order stands: only a person can tell (review), its bank is still being asked (checking), it is there and the order will hear of it (captured), or there is none (settled)',
      access: ['internal'],
      input: z.object({ orderId: Id }),
      output: z.object({ state: z.enum(['settled', 'captured', 'checking', 'review']) }),
    }),
    closeIntent: operation({
      method: 'POST',
      path: '/internal/payments/intents/close',
      summary:
        'The order is dead: no new attempts, late money is surplus. A captured intent stays captured. Safe to repeat',
      access: ['internal'],
      input: z.object({ orderId: Id, status: z.enum(['expired', 'cancelled']) }),
      output: NoOutput,
    }),
  },
  orderCancelled,
  orderExpired,
  orderFulfilled,
  orderPaymentRefused,
  orderRefundDue,
);
