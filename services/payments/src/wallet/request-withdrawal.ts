import { and, eq, sql } from 'drizzle-orm';
import { balanceTooSmall, bankAccountNotFound, bankAccountNotVerified } from '@kelid/contracts/payments';
import { requireUser } from '@kelid/service/context';
import { sqlState } from '@kelid/service/database';
import { oncePerKey } from '@kelid/service/idempotency';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Context, Operations } from '../context.ts';
import { bankAccounts, wallets } from '../db/schema.ts';
import { findWithdrawal, showWithdrawal } from './withdrawals.ts';

/** The amount is held in the statement that writes the row, so no race spends it twice. */
export const requestWithdrawal: Operations['requestWithdrawal'] = async (ctx, input) => {
  const customerId = requireUser(ctx).userId;
  const { bankAccountId, amountRial } = input;
  const [account] = await ctx.db
    .select({ id: bankAccounts.id })
    .from(bankAccounts)
    .where(and(eq(bankAccounts.id, bankAccountId), eq(bankAccounts.customerId, customerId)));
  if (!account) throw bankAccountNotFound();
  return oncePerKey(ctx, 'requestWithdrawal', input, {
    status: 201,
    begin: (tx, withdrawalId) =>
      tx.execute(
        sql`select payments_request_withdrawal(${withdrawalId}, ${customerId}, ${bankAccountId}, ${amountRial})`,
      ),
    finish: async (withdrawalId) => showWithdrawal(await findWithdrawal(ctx, withdrawalId), ctx),
  }).catch(async (error: unknown) => {
    if (sqlState(error) === sqlStates.bankAccountNotVerified) throw bankAccountNotVerified();
    if (sqlState(error) === sqlStates.walletTooSmall)
      throw balanceTooSmall({ freeRial: await freeRial(ctx, customerId) });
    throw error;
  });
};

async function freeRial(ctx: Context, customerId: string): Promise<number> {
  const [wallet] = await ctx.db.select().from(wallets).where(eq(wallets.customerId, customerId));
  return wallet ? wallet.balanceRial - wallet.heldRial : 0;
}
