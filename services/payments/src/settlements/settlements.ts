import { type SQL, sql } from 'drizzle-orm';
import type { Psp } from '@kelid/contracts/payments';
import type { Context } from '../context.ts';
import type { settlementDifferences } from '../db/schema.ts';

type Settlement = {
  id: string;
  psp: Psp;
  day: string;
  imported_by: string;
  imported_at: string;
  row_count: number;
  settled_count: number;
  settled_rial: number;
  fee_rial: number;
  difference_count: number;
  open_count: number;
};

/** Imports with their counts, newest first. A refund leaves the bank's account, so it is taken off what was settled. */
export async function selectSettlements(ctx: Context, where: SQL, limit: number): Promise<Settlement[]> {
  const { rows } = await ctx.db.execute<Settlement>(sql`
    select s.id, s.psp, s.day::text as day, s.imported_by, s.imported_at, r.*, d.*
    from settlement_imports s
    cross join lateral (
      select count(*)::int as row_count, count(*) filter (where is_settled)::int as settled_count,
        coalesce(sum(case kind when 'payment' then amount_rial - fee_rial else -amount_rial - fee_rial end) filter (where is_settled), 0)::bigint as settled_rial,
        coalesce(sum(fee_rial) filter (where is_settled), 0)::bigint as fee_rial
      from (select *, verdict in ('matched', 'fee-too-high') as is_settled from settlement_rows where import_id = s.id) rows) r
    cross join lateral (
      select count(*)::int as difference_count, count(*) filter (where status = 'open')::int as open_count
      from settlement_differences where import_id = s.id) d
    where ${where} order by s.id desc limit ${limit}`);
  return rows;
}

export function showSettlement(row: Settlement) {
  return {
    importId: row.id,
    psp: row.psp,
    day: row.day,
    rowCount: row.row_count,
    settledCount: row.settled_count,
    settledRial: row.settled_rial,
    feeRial: row.fee_rial,
    differenceCount: row.difference_count,
    openCount: row.open_count,
    importedBy: row.imported_by,
    importedAt: new Date(row.imported_at).toISOString(),
  };
}

type DifferenceRow = typeof settlementDifferences.$inferSelect;

type Difference = { [Name in keyof DifferenceRow]: DifferenceRow[Name] } & {
  orderId: string | null;
  isSettledSince: boolean;
};

/** Differences as staff see them, newest first. */
export async function selectDifferences(ctx: Context, where: SQL, limit: number) {
  const { rows } = await ctx.db.execute<Difference>(sql`
    select d.id, d.import_id as "importId", d.psp, d.day::text as day, d.cause, d.line, d.reference, d.attempt_id as "attemptId", d.refund_id as "refundId",
      a.order_id as "orderId", d.reported_rial as "reportedRial", d.ledger_rial as "ledgerRial", d.fee_rial as "feeRial",
      d.status, d.note, d.resolved_by as "resolvedBy", d.resolved_at as "resolvedAt",
      d.cause <> 'duplicate-row' and exists (select from ledger_transactions t
        where (t.kind = 'settlement' and t.business_ref = d.attempt_id and d.refund_id is null) or (t.kind = 'settlement-refund' and t.business_ref = d.refund_id)) as "isSettledSince"
    from settlement_differences d left join payment_attempts a on a.id = d.attempt_id
    where ${where} order by d.id desc limit ${limit}`);
  return rows.map((row) => ({
    ...row,
    resolvedAt: row.resolvedAt === null ? null : new Date(row.resolvedAt).toISOString(),
  }));
}
