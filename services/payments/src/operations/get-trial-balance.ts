import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';

export const getTrialBalance: Operations['getTrialBalance'] = async (ctx) => {
  const { rows } = await ctx.db.execute<{ account: string; balance: number }>(sql`
    select case when account like 'wallet:%' then 'wallets' else account end as account, sum(amount_rial)::bigint as balance
    from ledger_entries group by 1 order by 1`);
  return {
    accounts: rows.map((row) => ({ account: row.account, balanceRial: row.balance })),
    sumRial: rows.reduce((sum, row) => sum + row.balance, 0),
  };
};
