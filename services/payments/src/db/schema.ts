import { type SQL, sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type {
  AttemptStatus,
  PaymentMeans,
  Psp,
  RefundMethod,
  RefundStatus,
  SettlementCause,
  WithdrawalStatus,
} from '@kelid/contracts/payments';

export { idempotencyKeys, inbox, monitorMarks, outbox } from '@kelid/service/tables';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });
const rial = (name: string) => bigint(name, { mode: 'number' });
/** None of these people is the customer whose money it is (A64). */
const notBy = (customerId: AnyPgColumn, people: (AnyPgColumn | SQL)[]) =>
  sql`('user:' || ${customerId}::text) <> all (array[${sql.join(people, sql`, `)}])`;

/** What an order owes, or what is to be added to a wallet. `paidAttemptId` is set once: a second captured attempt is surplus. */
export const paymentIntents = pgTable(
  'payment_intents',
  {
    id: uuid().primaryKey(),
    kind: text().$type<'order' | 'top-up'>().notNull().default('order'),
    /** The order; for a top-up its own id. */
    orderId: uuid('order_id').notNull().unique(),
    orderNumber: text('order_number').notNull(),
    customerId: uuid('customer_id').notNull(),
    amountRial: rial('amount_rial').notNull(),
    /** Given back or on its way back; reserved before any PSP is asked (I11). */
    refundedRial: rial('refunded_rial').notNull().default(0),
    phone: text(),
    status: text().$type<'open' | 'captured' | 'expired' | 'cancelled'>().notNull(),
    paidAttemptId: uuid('paid_attempt_id').unique(),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    index('payment_intents_customer').on(table.customerId, table.createdAt),
    check('payment_intents_amount', sql`${table.amountRial} > 0`),
    check('payment_intents_refunded', sql`${table.refundedRial} between 0 and ${table.amountRial}`),
    check('payment_intents_paid', sql`(${table.status} = 'captured') = (${table.paidAttemptId} is not null)`),
  ],
);

/** One try at one PSP. */
export const paymentAttempts = pgTable(
  'payment_attempts',
  {
    id: uuid().primaryKey(),
    intentId: uuid('intent_id')
      .notNull()
      .references(() => paymentIntents.id),
    orderId: uuid('order_id').notNull(),
    customerId: uuid('customer_id').notNull(),
    attemptNo: bigint('attempt_no', { mode: 'number' }).notNull().generatedAlwaysAsIdentity(),
    psp: text().$type<PaymentMeans>().notNull(),
    status: text().$type<AttemptStatus>().notNull(),
    amountRial: rial('amount_rial').notNull(),
    /** The PSP's handle from the request; what a callback is looked up by. */
    pspToken: text('psp_token'),
    /** The PSP's reference of the captured money: one receipt never pays twice. */
    pspReference: text('psp_reference'),
    redirectUrl: text('redirect_url'),
    /** The browser is sent there by a POST form with these fields. */
    redirectFields: jsonb('redirect_fields').$type<Record<string, string>>(),
    /** What was agreed with the PSP at the request beside the amount in Rial. */
    terms: jsonb().$type<Record<string, string>>().notNull().default({}),
    /** What the last callback brought that this PSP's verify needs. */
    proof: jsonb().$type<Record<string, string>>().notNull().default({}),
    verifyCount: integer('verify_count').notNull().default(0),
    /** How many of them the bank answered with a definite no: these took no money. */
    refusedCount: integer('refused_count').notNull().default(0),
    /** The card was charged before this, if at all: when we last began to ask after hearing nothing. A bank's window ends by it. */
    chargedBefore: instant('charged_before'),
    isSurplus: boolean('is_surplus').notNull().default(false),
    /** The part of it that goes back to the card. */
    refundedRial: rial('refunded_rial').notNull().default(0),
    cardMasked: text('card_masked'),
    /** The attempt whose bank did not begin, in whose place this one was made. */
    fallbackOf: uuid('fallback_of').unique(),
    /** HMAC of the PSP's card hash, which alone could be guessed back to the number. */
    cardHash: text('card_hash'),
    failureReason: text('failure_reason'),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
    redirectedAt: instant('redirected_at'),
    updatedAt: instant('updated_at')
      .notNull()
      .default(sql`now()`),
    /** Who made the last move and why; a trigger copies both into the history (PA-11). */
    movedBy: text('moved_by').notNull(),
    moveCause: text('move_cause').notNull(),
    /** When the sweep asks the PSP about this attempt again. */
    dueAt: instant('due_at'),
  },
  (table) => [
    uniqueIndex('payment_attempts_token').on(table.psp, table.pspToken),
    uniqueIndex('payment_attempts_reference').on(table.psp, table.pspReference),
    index('payment_attempts_intent').on(table.intentId),
    index('payment_attempts_recent').on(table.psp, table.createdAt),
    index('payment_attempts_captured_lately')
      .on(table.updatedAt)
      .where(sql`${table.status} = 'captured'`),
    index('payment_attempts_due')
      .on(table.dueAt)
      .where(sql`${table.dueAt} is not null`),
    check('payment_attempts_amount', sql`${table.amountRial} > 0`),
    check('payment_attempts_refunded', sql`${table.refundedRial} between 0 and ${table.amountRial}`),
    // Nobody finds their own money in the bank; that nobody ends their own review says a trigger.
    check('payment_attempts_not_own', notBy(table.customerId, [sql`${table.proof} ->> 'foundBy'`])),
    check('payment_attempts_captured', sql`${table.status} <> 'captured' or ${table.pspReference} is not null`),
  ],
);

/** Each move of an attempt, with who and why (PA-11); written by a trigger, so that none is missing. */
export const attemptHistory = pgTable(
  'attempt_history',
  {
    id: uuid()
      .primaryKey()
      .default(sql`uuidv7()`),
    attemptId: uuid('attempt_id')
      .notNull()
      .references(() => paymentAttempts.id),
    from: text('from_status'),
    to: text('to_status').notNull(),
    cause: text().notNull(),
    actor: text().notNull(),
    at: instant('at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (table) => [
    index('attempt_history_attempt').on(table.attemptId, table.id),
    index('attempt_history_lately').on(table.at),
  ],
);

/** One business event posts once: UNIQUE(kind, business_ref). Rows come only from ledger_post and never change. */
export const ledgerTransactions = pgTable(
  'ledger_transactions',
  {
    id: uuid().primaryKey(),
    kind: text().notNull(),
    businessRef: uuid('business_ref').notNull(),
    orderId: uuid('order_id'),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    unique('ledger_transactions_once').on(table.kind, table.businessRef),
    index('ledger_transactions_order').on(table.orderId),
    index('ledger_transactions_at').on(table.at),
  ],
);

/** Debit is positive. */
export const ledgerEntries = pgTable(
  'ledger_entries',
  {
    id: uuid().primaryKey(),
    transactionId: uuid('transaction_id')
      .notNull()
      .references(() => ledgerTransactions.id),
    account: text().notNull(),
    amountRial: rial('amount_rial').notNull(),
  },
  (table) => [
    index('ledger_entries_transaction').on(table.transactionId),
    index('ledger_entries_account').on(table.account, table.id),
    check('ledger_entries_amount', sql`${table.amountRial} <> 0`),
  ],
);

/** The only running balances; kept by ledger_post in the same transaction as the entries. */
export const wallets = pgTable(
  'wallets',
  {
    customerId: uuid('customer_id').primaryKey(),
    balanceRial: rial('balance_rial').notNull(),
    heldRial: rial('held_rial').notNull().default(0),
  },
  (table) => [
    check('wallets_never_negative', sql`${table.heldRial} >= 0 and ${table.balanceRial} - ${table.heldRial} >= 0`),
  ],
);

/** The wallet's part of an order's payment: held at checkout, taken with the capture, given back when the order dies. */
export const walletHolds = pgTable(
  'wallet_holds',
  {
    intentId: uuid('intent_id')
      .primaryKey()
      .references(() => paymentIntents.id),
    orderId: uuid('order_id').notNull().unique(),
    customerId: uuid('customer_id').notNull(),
    amountRial: rial('amount_rial').notNull(),
    status: text().$type<'held' | 'posted' | 'voided'>().notNull().default('held'),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    index('wallet_holds_held')
      .on(table.customerId)
      .where(sql`${table.status} = 'held'`),
    check('wallet_holds_amount', sql`${table.amountRial} > 0`),
  ],
);

/** What staff have switched off. */
export const pspSettings = pgTable('psp_settings', {
  psp: text().$type<Psp>().primaryKey(),
  isEnabled: boolean('is_enabled').notNull(),
  reason: text().notNull(),
  changedBy: text('changed_by').notNull(),
  changedAt: instant('changed_at')
    .notNull()
    .default(sql`now()`),
});

/** Money of a delivered order that goes back by a person's decision. Its amount is reserved in the intent as long as it may go back. */
export const refunds = pgTable(
  'refunds',
  {
    id: uuid().primaryKey(),
    /** For PSPs that want a whole number; far above the numbers of attempts, which share their numbering there. */
    refundNo: bigint('refund_no', { mode: 'number' })
      .notNull()
      .generatedAlwaysAsIdentity({ startWith: 1_000_000_000_000 }),
    intentId: uuid('intent_id')
      .notNull()
      .references(() => paymentIntents.id),
    /** The attempt whose money goes back to its card; null for the other methods. */
    attemptId: uuid('attempt_id').references(() => paymentAttempts.id),
    orderId: uuid('order_id').notNull(),
    customerId: uuid('customer_id').notNull(),
    amountRial: rial('amount_rial').notNull(),
    method: text().$type<RefundMethod>().notNull(),
    status: text().$type<RefundStatus>().notNull(),
    /** All that was left of the order: its unseen product keys are withdrawn before the money goes. */
    isWhole: boolean('is_whole').notNull(),
    /** The unseen product keys that a part of the order pays for; they are withdrawn before the money goes. */
    keyIds: uuid('key_ids').array().notNull().default([]),
    /** The decision on a complaint that this money came from. */
    complaintId: uuid('complaint_id').unique(),
    needsApproval: boolean('needs_approval').notNull(),
    /** What its customer gets of it beyond the product keys that close: counted for each of staff and for all in a day of Tehran. */
    goodwillRial: rial('goodwill_rial').notNull().default(0),
    revealedCount: integer('revealed_count').notNull(),
    /** Where a manual transfer goes. */
    sheba: text(),
    reason: text().notNull(),
    requestedBy: text('requested_by').notNull(),
    approvedBy: text('approved_by'),
    /** The PSP's or the bank's reference of the money that went back. */
    reference: text(),
    failureReason: text('failure_reason'),
    inquiryCount: integer('inquiry_count').notNull().default(0),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
    updatedAt: instant('updated_at')
      .notNull()
      .default(sql`now()`),
    submittedAt: instant('submitted_at'),
    movedBy: text('moved_by').notNull(),
    moveCause: text('move_cause').notNull(),
    dueAt: instant('due_at'),
  },
  (table) => [
    index('refunds_order').on(table.orderId),
    index('refunds_status').on(table.status, table.id),
    index('refunds_lately').on(table.updatedAt),
    index('refunds_goodwill')
      .on(table.createdAt)
      .where(sql`${table.goodwillRial} > 0`),
    index('refunds_attempt').on(table.attemptId),
    index('refunds_reference').on(table.reference),
    index('refunds_due')
      .on(table.dueAt)
      .where(sql`${table.dueAt} is not null`),
    check('refunds_amount', sql`${table.amountRial} > 0`),
    check('refunds_not_own', notBy(table.customerId, [table.requestedBy, table.approvedBy, table.movedBy])),
    check(
      'refunds_second_person',
      sql`${table.approvedBy} is distinct from ${table.requestedBy} or not ${table.needsApproval}`,
    ),
    check(
      'refunds_approved',
      sql`not ${table.needsApproval} or ${table.approvedBy} is not null or ${table.status} in ('requested', 'rejected')`,
    ),
  ],
);

/** Each move of a refund or a withdrawal, with who and why (PA-11); written by a trigger. */
export const payoutHistory = pgTable(
  'payout_history',
  {
    id: uuid()
      .primaryKey()
      .default(sql`uuidv7()`),
    payoutId: uuid('payout_id').notNull(),
    from: text('from_status'),
    to: text('to_status').notNull(),
    cause: text().notNull(),
    actor: text().notNull(),
    at: instant('at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (table) => [index('payout_history_payout').on(table.payoutId, table.id)],
);

/** Where a customer wants wallet money sent. Staff compare its owner with the customer's name once. */
export const bankAccounts = pgTable(
  'bank_accounts',
  {
    id: uuid().primaryKey(),
    customerId: uuid('customer_id').notNull(),
    sheba: text().notNull(),
    holderName: text('holder_name').notNull(),
    status: text().$type<'pending' | 'verified' | 'rejected'>().notNull().default('pending'),
    reason: text(),
    decidedBy: text('decided_by'),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    unique('bank_accounts_once').on(table.customerId, table.sheba),
    index('bank_accounts_status').on(table.status, table.id),
    check('bank_accounts_not_own', notBy(table.customerId, [table.decidedBy])),
  ],
);

/** Cards that a customer has paid with: hashes, never numbers. */
export const customerCards = pgTable(
  'customer_cards',
  {
    customerId: uuid('customer_id').notNull(),
    cardHash: text('card_hash').notNull(),
    cardMasked: text('card_masked'),
    /** The PSP took the payment only because card and phone belong to one person. */
    isMatched: boolean('is_matched').notNull().default(false),
    firstPaidAt: instant('first_paid_at')
      .notNull()
      .default(sql`now()`),
    lastPaidAt: instant('last_paid_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.customerId, table.cardHash] })],
);

/** How far a customer is known: 0 by phone alone, 1 by a card that matches the phone, 2 by staff. Without a row: 0. */
export const customerLevels = pgTable(
  'customer_levels',
  {
    customerId: uuid('customer_id').primaryKey(),
    level: integer().notNull(),
    setBy: text('set_by').notNull(),
    reason: text().notNull(),
    setAt: instant('set_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    check('customer_levels_level', sql`${table.level} between 0 and 2`),
    check('customer_levels_not_own', notBy(table.customerId, [table.setBy])),
  ],
);

/** What a customer says of a transfer from card to card, and what staff found in the bank. */
export const transfers = pgTable(
  'transfers',
  {
    attemptId: uuid('attempt_id')
      .primaryKey()
      .references(() => paymentAttempts.id),
    customerId: uuid('customer_id').notNull(),
    trackingNumber: text('tracking_number').notNull(),
    cardLast4: text('card_last4').notNull(),
    status: text().$type<'submitted' | 'approved' | 'rejected'>().notNull().default('submitted'),
    /** What staff see in the bank. */
    seenRial: rial('seen_rial'),
    approvedBy: text('approved_by'),
    confirmedBy: text('confirmed_by'),
    /** Who ended it, with a yes or a no. */
    decidedBy: text('decided_by'),
    reason: text(),
    submittedAt: instant('submitted_at')
      .notNull()
      .default(sql`now()`),
    decidedAt: instant('decided_at'),
  },
  (table) => [
    index('transfers_status').on(table.status, table.attemptId),
    check('transfers_two_people', sql`${table.confirmedBy} is null or ${table.confirmedBy} <> ${table.approvedBy}`),
    check('transfers_not_own', notBy(table.customerId, [table.approvedBy, table.confirmedBy, table.decidedBy])),
  ],
);

/** Each number that anybody has ever named, for the payment that named it first: a number that was corrected or rejected is not free again. */
export const transferNumbers = pgTable(
  'transfer_numbers',
  {
    /** Without the zeros at its front, which some receipts print and others do not. */
    trackingNumber: text('tracking_number').primaryKey(),
    attemptId: uuid('attempt_id')
      .notNull()
      .references(() => paymentAttempts.id),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [index('transfer_numbers_attempt').on(table.attemptId)],
);

/** What staff decided that no other history keeps: who, about what, from what to what. Rows are added by triggers and never changed. */
export const staffAudit = pgTable(
  'staff_audit',
  {
    id: uuid()
      .primaryKey()
      .default(sql`uuidv7()`),
    actor: text().notNull(),
    /** The table and the row. */
    subject: text().notNull(),
    subjectId: text('subject_id').notNull(),
    before: jsonb().$type<Record<string, unknown>>(),
    after: jsonb().$type<Record<string, unknown>>().notNull(),
    at: instant('at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (table) => [index('staff_audit_subject').on(table.subject, table.subjectId, table.id)],
);

/** Wallet money on its way to a bank account. It is held in the wallet until it is sent or refused. */
export const withdrawals = pgTable(
  'withdrawals',
  {
    id: uuid().primaryKey(),
    customerId: uuid('customer_id').notNull(),
    bankAccountId: uuid('bank_account_id')
      .notNull()
      .references(() => bankAccounts.id),
    amountRial: rial('amount_rial').notNull(),
    status: text().$type<WithdrawalStatus>().notNull().default('requested'),
    approvedBy: text('approved_by'),
    /** The second person, above the amount that one alone may approve. */
    confirmedBy: text('confirmed_by'),
    reference: text().unique(),
    reason: text(),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
    updatedAt: instant('updated_at')
      .notNull()
      .default(sql`now()`),
    movedBy: text('moved_by').notNull(),
    moveCause: text('move_cause').notNull(),
  },
  (table) => [
    index('withdrawals_customer').on(table.customerId, table.id),
    index('withdrawals_status').on(table.status, table.id),
    check('withdrawals_amount', sql`${table.amountRial} > 0`),
    check(
      'withdrawals_two_people',
      sql`${table.confirmedBy} is distinct from ${table.approvedBy} or ${table.confirmedBy} is null`,
    ),
    check(
      'withdrawals_not_own',
      sql`${notBy(table.customerId, [table.approvedBy, table.confirmedBy])} and (${table.status} in ('requested', 'cancelled') or ${notBy(table.customerId, [table.movedBy])})`,
    ),
    check('withdrawals_sent', sql`(${table.status} = 'sent') = (${table.reference} is not null)`),
  ],
);

/** A day of Tehran that is over. Sealed: nobody posts into it any more; closed: its balances are stored as well. Neither is undone. */
export const ledgerCloses = pgTable(
  'ledger_closes',
  {
    day: date({ mode: 'string' }).primaryKey(),
    from: instant('from_at').notNull(),
    /** The first moment after it. */
    until: instant('until_at').notNull(),
    sealedAt: instant('sealed_at')
      .notNull()
      .default(sql`now()`),
    closedAt: instant('closed_at'),
    transactionCount: integer('transaction_count'),
    debitRial: rial('debit_rial'),
    creditRial: rial('credit_rial'),
  },
  (table) => [
    check('ledger_closes_span', sql`${table.from} < ${table.until}`),
    check(
      'ledger_closes_sums',
      sql`(${table.closedAt} is null) = (${table.debitRial} is null) and ${table.debitRial} is not distinct from ${table.creditRial}`,
    ),
  ],
);

/** What each account moved on a closed day and had at its end; all wallets are one account here. */
export const ledgerCloseBalances = pgTable(
  'ledger_close_balances',
  {
    day: date({ mode: 'string' })
      .notNull()
      .references(() => ledgerCloses.day),
    account: text().notNull(),
    debitRial: rial('debit_rial').notNull(),
    creditRial: rial('credit_rial').notNull(),
    balanceRial: rial('balance_rial').notNull(),
  },
  (table) => [primaryKey({ columns: [table.day, table.account] })],
);

/** A report of one PSP about one day of Tehran, as a file. The same file again is the same import. */
export const settlementImports = pgTable(
  'settlement_imports',
  {
    id: uuid().primaryKey(),
    psp: text().$type<Psp>().notNull(),
    day: date({ mode: 'string' }).notNull(),
    contentHash: text('content_hash').notNull(),
    importedBy: text('imported_by').notNull(),
    importedAt: instant('imported_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [unique('settlement_imports_once').on(table.psp, table.contentHash)],
);

/** Each line of a report, with what it was found to be. */
export const settlementRows = pgTable(
  'settlement_rows',
  {
    id: uuid().primaryKey(),
    importId: uuid('import_id')
      .notNull()
      .references(() => settlementImports.id),
    psp: text().$type<Psp>().notNull(),
    line: integer().notNull(),
    kind: text().$type<'payment' | 'refund'>().notNull(),
    reference: text().notNull(),
    /** Null where the PSP counts in another currency and no attempt tells the rate. */
    amountRial: rial('amount_rial'),
    feeRial: rial('fee_rial'),
    attemptId: uuid('attempt_id').references(() => paymentAttempts.id),
    refundId: uuid('refund_id').references(() => refunds.id),
    verdict: text().$type<'matched' | SettlementCause>().notNull(),
  },
  (table) => [
    unique('settlement_rows_line').on(table.importId, table.line),
    index('settlement_rows_reference').on(table.psp, table.kind, table.reference),
    uniqueIndex('settlement_rows_payment_once')
      .on(table.attemptId)
      .where(sql`${table.kind} = 'payment' and ${table.verdict} in ('matched', 'fee-too-high')`),
    uniqueIndex('settlement_rows_refund_once')
      .on(table.refundId)
      .where(sql`${table.kind} = 'refund' and ${table.verdict} in ('matched', 'fee-too-high')`),
  ],
);

/** What a report and the ledger do not agree on. Nothing corrects it by itself; a person says what it was. */
export const settlementDifferences = pgTable(
  'settlement_differences',
  {
    id: uuid().primaryKey(),
    importId: uuid('import_id')
      .notNull()
      .references(() => settlementImports.id),
    psp: text().$type<Psp>().notNull(),
    day: date({ mode: 'string' }).notNull(),
    cause: text().$type<SettlementCause>().notNull(),
    /** The line of the file; null for what it lacks. */
    line: integer(),
    reference: text(),
    attemptId: uuid('attempt_id').references(() => paymentAttempts.id),
    refundId: uuid('refund_id').references(() => refunds.id),
    reportedRial: rial('reported_rial'),
    ledgerRial: rial('ledger_rial'),
    feeRial: rial('fee_rial'),
    status: text().$type<'open' | 'resolved'>().notNull().default('open'),
    note: text(),
    resolvedBy: text('resolved_by'),
    resolvedAt: instant('resolved_at'),
  },
  (table) => [
    index('settlement_differences_import').on(table.importId, table.id),
    index('settlement_differences_status').on(table.status, table.id),
    // A second file about the same day does not list the same lack again.
    uniqueIndex('settlement_differences_lack')
      .on(sql`coalesce(${table.refundId}, ${table.attemptId})`)
      .where(sql`${table.line} is null`),
    check(
      'settlement_differences_resolved',
      sql`(${table.status} = 'resolved') = (${table.note} is not null and ${table.resolvedBy} is not null and ${table.resolvedAt} is not null)`,
    ),
  ],
);

/** What must never be and was; once for each thing, so that a bank that staff open again is not stopped for the same thing twice. */
export const invariantBreaches = pgTable(
  'invariant_breaches',
  {
    id: uuid().primaryKey(),
    invariant: text().notNull(),
    subject: text().notNull(),
    /** The one that was stopped for it; null where no PSP has a part in it. */
    psp: text().$type<Psp>(),
    sentence: text().notNull(),
    foundAt: instant('found_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [unique('invariant_breaches_once').on(table.invariant, table.subject)],
);
