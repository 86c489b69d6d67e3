import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, page } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { Psp } from './attempts.ts';
import { Day } from './settlements.ts';

const Days = { from: Day, until: Day.describe('the last day, itself included; at most 366 days') };
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

export const ledgerOperations = {
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
};
