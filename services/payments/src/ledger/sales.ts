import { sql } from 'drizzle-orm';
import { tooManyDays } from '@kelid/contracts/payments';
import type { Context } from '../context.ts';

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
