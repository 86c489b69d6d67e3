import { type SQL, sql } from 'drizzle-orm';
import { tooManyDays, type Psp } from '@kelid/contracts/payments';
import type { Context } from '../context.ts';
import type { settlementDifferences } from './schema.ts';

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

/** The moments between which days of Tehran lie, both days included; a report of more than a year is none. */
export async function spanOf(ctx: Context, days: { from: string; until: string }) {
  const { rows } = await ctx.db.execute<{ starts: string; ends: string; count: number }>(sql`
    select ${days.from}::date::timestamp at time zone 'Asia/Tehran' as starts,
      (${days.until}::date + 1)::timestamp at time zone 'Asia/Tehran' as ends, ${days.until}::date - ${days.from}::date + 1 as count`);
  const [span] = rows;
  if (!span || span.count < 1 || span.count > 366) throw tooManyDays();
  return span;
}

type Sales = {
  day: string;
  psp: string;
  orderCount: number;
  salesRial: number;
  vatRial: number;
  walletRial: number;
  refundsRial: number;
  feesRial: number;
  marginRial: number;
};

/** By day of Tehran and by what the order was paid with; read from the ledger alone, so that a report adds up with the trial balance. */
export async function readSales(ctx: Context, { starts, ends }: { starts: string; ends: string }): Promise<Sales[]> {
  const { rows } = await ctx.db.execute<Sales>(sql`
    with moved as (
      select (t.at at time zone 'Asia/Tehran')::date as day, t.order_id, e.account, e.amount_rial as rial,
        case when e.account like 'fees:%' then substr(e.account, 6) else coalesce(a.psp, 'unknown') end as psp, coalesce(h.amount_rial, 0) as held
      from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        left join payment_intents i on i.order_id = t.order_id left join payment_attempts a on a.id = i.paid_attempt_id
        left join wallet_holds h on h.intent_id = i.id and h.status = 'posted'
      where t.at >= ${starts} and t.at < ${ends} and (e.account in ('revenue:sales', 'revenue:refunds', 'vat:payable') or e.account like 'fees:%')
    ), summed as (
      select day, psp, count(distinct order_id) filter (where account = 'revenue:sales') as orders,
        coalesce(-sum(rial) filter (where account = 'revenue:sales'), 0) as sales,
        coalesce(-sum(rial) filter (where account = 'vat:payable'), 0) as vat,
        coalesce(sum(least(held, -rial)) filter (where account = 'revenue:sales'), 0) as by_wallet,
        coalesce(sum(rial) filter (where account = 'revenue:refunds'), 0) as refunds,
        coalesce(sum(rial) filter (where account like 'fees:%'), 0) as fees
      from moved group by day, psp
    )
    select day::text as day, psp, orders::int as "orderCount", sales::bigint as "salesRial", vat::bigint as "vatRial", by_wallet::bigint as "walletRial",
      refunds::bigint as "refundsRial", fees::bigint as "feesRial", (sales - refunds - fees)::bigint as "marginRial"
    from summed order by day, psp`);
  return rows;
}
