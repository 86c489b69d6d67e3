import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { AttemptStatus, PaymentMeans, Psp } from '@kelid/contracts/payments';

export { inbox, outbox } from '@kelid/service/tables';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });
const rial = (name: string) => bigint(name, { mode: 'number' });

/** What an order owes. `paidAttemptId` is set once: a second captured attempt is surplus. */
export const paymentIntents = pgTable(
  'payment_intents',
  {
    id: uuid().primaryKey(),
    orderId: uuid('order_id').notNull().unique(),
    orderNumber: text('order_number').notNull(),
    customerId: uuid('customer_id').notNull(),
    amountRial: rial('amount_rial').notNull(),
    phone: text(),
    status: text().$type<'open' | 'captured' | 'expired' | 'cancelled'>().notNull(),
    paidAttemptId: uuid('paid_attempt_id').unique(),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    check('payment_intents_amount', sql`${table.amountRial} > 0`),
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
    isSurplus: boolean('is_surplus').notNull().default(false),
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
    index('payment_attempts_due')
      .on(table.dueAt)
      .where(sql`${table.dueAt} is not null`),
    check('payment_attempts_amount', sql`${table.amountRial} > 0`),
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
  (table) => [index('attempt_history_attempt').on(table.attemptId, table.id)],
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
