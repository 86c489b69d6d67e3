import { asc, sql } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { bankAccounts } from '../db/schema.ts';
import { showBankAccount } from './bank-accounts.ts';

export const listAllBankAccounts: Operations['listAllBankAccounts'] = async (ctx, { limit, cursor }) => {
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
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return {
    items: shown.map((account) => showBankAccount(account, ctx)),
    nextCursor,
  };
};
