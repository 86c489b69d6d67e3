import { z } from 'zod';
import { AmountRial, Id, IdCursor, Instant, Limit, page } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { Psp } from './attempts.ts';

/** A day of Tehran. */
export const Day = z.iso.date();
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

export const settlementOperations = {
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
};
