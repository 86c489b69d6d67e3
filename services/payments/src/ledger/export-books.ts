import { sql } from 'drizzle-orm';
import { exportTooLarge } from '@kelid/contracts/payments';
import type { Context, Operations } from '../context.ts';
import { writeCsv } from '../settlements/csv.rules.ts';
import { selectDifferences } from '../settlements/settlements.ts';
import { getTrialBalance } from './get-trial-balance.ts';
import { readSales, spanOf } from './sales.ts';

type Days = { from: string; until: string };
type Table = (string | number | null)[][];

const rowsMax = 50_000;

export const exportBooks: Operations['exportBooks'] = async (ctx, { report, from, until }) => {
  const table = await tables[report](ctx, { from, until });
  if (table.length > rowsMax) throw exportTooLarge({ rowsMax });
  return {
    fileName: `${report}-${from}-${until}.csv`,
    contentType: 'text/csv; charset=utf-8',
    text: writeCsv(table),
  };
};

const tables: Record<
  'trial-balance' | 'sales' | 'journal' | 'differences',
  (ctx: Context, days: Days) => Promise<Table>
> = {
  /** At the end of the last of the days. */
  'trial-balance': async (ctx, { until }) => {
    const { accounts } = await getTrialBalance(ctx, { day: until });
    return [
      ['account', 'debit_rial', 'credit_rial'],
      ...accounts.map(({ account, balanceRial }) => [account, Math.max(balanceRial, 0), Math.max(-balanceRial, 0)]),
    ];
  },
  sales: async (ctx, days) => [
    ['day', 'psp', 'orders', 'sales_rial', 'vat_rial', 'by_wallet_rial', 'refunds_rial', 'fees_rial', 'margin_rial'],
    ...(await readSales(ctx, await spanOf(ctx, days))).map((row) => [
      row.day,
      row.psp,
      row.orderCount,
      row.salesRial,
      row.vatRial,
      row.walletRial,
      row.refundsRial,
      row.feesRial,
      row.marginRial,
    ]),
  ],
  journal: async (ctx, days) => {
    const { starts, ends } = await spanOf(ctx, days);
    const { rows } = await ctx.db.execute<{
      at: string;
      kind: string;
      id: string;
      order_id: string | null;
      account: string;
      rial: number;
    }>(sql`
      select t.at, t.kind, t.id, t.order_id, e.account, e.amount_rial as rial
      from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
      where t.at >= ${starts} and t.at < ${ends} order by t.at, t.id, e.id limit ${rowsMax + 1}`);
    return [
      ['at', 'kind', 'transaction', 'order', 'account', 'debit_rial', 'credit_rial'],
      ...rows.map(({ at, kind, id, order_id, account, rial }) => [
        new Date(at).toISOString(),
        kind,
        id,
        order_id,
        account,
        Math.max(rial, 0),
        Math.max(-rial, 0),
      ]),
    ];
  },
  differences: async (ctx, days) => {
    await spanOf(ctx, days);
    const found = await selectDifferences(ctx, sql`d.day between ${days.from} and ${days.until}`, rowsMax + 1);
    return [
      [
        'day',
        'psp',
        'cause',
        'line',
        'reference',
        'order',
        'reported_rial',
        'ledger_rial',
        'fee_rial',
        'status',
        'note',
        'resolved_by',
      ],
      ...found.map((row) => [
        row.day,
        row.psp,
        row.cause,
        row.line,
        row.reference,
        row.orderId,
        row.reportedRial,
        row.ledgerRial,
        row.feeRial,
        row.status,
        row.note,
        row.resolvedBy,
      ]),
    ];
  },
};
