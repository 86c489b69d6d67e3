import { eq } from 'drizzle-orm';
import { bankAccountNotFound } from '@kelid/contracts/payments';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { bankAccounts } from '../db/schema.ts';
import { rethrowOwnAffair } from '../refusals.ts';
import { showBankAccount } from './bank-accounts.ts';

export const verifyBankAccount: Operations['verifyBankAccount'] = async (
  ctx,
  { bankAccountId, isVerified, reason },
) => {
  const [account] = await ctx.db
    .update(bankAccounts)
    .set({ status: isVerified ? 'verified' : 'rejected', reason, decidedBy: actorName(ctx) })
    .where(eq(bankAccounts.id, bankAccountId))
    .returning()
    .catch(rethrowOwnAffair);
  if (!account) throw bankAccountNotFound();
  ctx.log.info({ bankAccountId, status: account.status, reason, actor: actorName(ctx) }, 'a bank account was checked');
  return showBankAccount(account, ctx);
};
