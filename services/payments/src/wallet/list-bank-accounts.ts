import { asc, eq } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { bankAccounts } from '../db/schema.ts';
import { showBankAccount } from './bank-accounts.ts';

export const listBankAccounts: Operations['listBankAccounts'] = async (ctx) => {
  const rows = await ctx.db
    .select()
    .from(bankAccounts)
    .where(eq(bankAccounts.customerId, requireUser(ctx).userId))
    .orderBy(asc(bankAccounts.id));
  return { items: rows.map((account) => showBankAccount(account, ctx)), nextCursor: null };
};
