import { and, desc, eq, isNotNull, sql } from 'drizzle-orm';
import { ledgerDayOpen } from '@kelid/contracts/payments';
import type { Operations } from '../context.ts';
import { ledgerCloses } from '../db/schema.ts';

/** The balances of the last close and the entries after it, so that its cost is a day's and not the shop's whole life's. */
export const getTrialBalance: Operations['getTrialBalance'] = async (ctx, { day }) => {
  const isClosed = isNotNull(ledgerCloses.closedAt);
  const [close] = await ctx.db
    .select({ day: ledgerCloses.day, until: ledgerCloses.until })
    .from(ledgerCloses)
    .where(day === undefined ? isClosed : and(isClosed, eq(ledgerCloses.day, day)))
    .orderBy(desc(ledgerCloses.day))
    .limit(1);
  if (day !== undefined && !close) throw ledgerDayOpen();
  const { rows } = await ctx.db.execute<{ account: string; balance: number; total: number }>(sql`
    select account, balance_rial as balance, (sum(balance_rial) over ())::bigint as total
    from ledger_trial_balance(${close?.day ?? null}, ${day === undefined})`);
  return {
    accounts: rows.map((row) => ({ account: row.account, balanceRial: row.balance })),
    sumRial: rows[0]?.total ?? 0,
    closedDay: close?.day ?? null,
  };
};
