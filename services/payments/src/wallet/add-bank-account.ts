import { and, eq } from 'drizzle-orm';
import { invalidInput } from '@kelid/contracts/common';
import { parseSheba } from '@kelid/persian/sheba';
import { requireUser } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import type { Operations } from '../context.ts';
import { bankAccounts } from '../db/schema.ts';
import { showBankAccount } from './bank-accounts.ts';

/** The same account again is the same row, with what staff said of it. */
export const addBankAccount: Operations['addBankAccount'] = async (ctx, { sheba: typed, holderName }) => {
  const customerId = requireUser(ctx).userId;
  const sheba = parseSheba(typed);
  if (sheba === undefined)
    throw invalidInput({ errors: [{ field: 'sheba', message: 'Send a Sheba: IR and 24 digits' }] });
  await ctx.db.insert(bankAccounts).values({ id: newId(), customerId, sheba, holderName }).onConflictDoNothing();
  const [account] = await ctx.db
    .select()
    .from(bankAccounts)
    .where(and(eq(bankAccounts.customerId, customerId), eq(bankAccounts.sheba, sheba)));
  if (!account) throw new Error('The bank account was not stored');
  return showBankAccount(account, ctx);
};
