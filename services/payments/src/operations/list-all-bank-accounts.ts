import { asc, sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { checkCursor, showBankAccount } from '../db/queries.ts';
import { bankAccounts } from '../db/schema.ts';

export const listAllBankAccounts: Operations['listAllBankAccounts'] = async (ctx, { limit, cursor }) => {
  checkCursor(cursor);
  const rows = await ctx.db
    .select()
    .from(bankAccounts)
    .where(
      // Behind the cursor in the order of the list: those to be checked first, then by age.
      cursor === undefined
        ? undefined
        : sql`(${bankAccounts.status} <> 'pending', ${bankAccounts.id}) > (select c.status <> 'pending', c.id from bank_accounts c where c.id = ${cursor})`,
    )
    .orderBy(sql`${bankAccounts.status} <> 'pending'`, asc(bankAccounts.id))
    .limit(limit + 1);
  const shown = rows.slice(0, limit);
  return {
    items: shown.map((account) => showBankAccount(account, ctx)),
    nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null,
  };
};
