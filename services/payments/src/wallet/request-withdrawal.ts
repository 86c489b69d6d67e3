import { and, eq, sql } from 'drizzle-orm';
import type { z } from 'zod';
import {
  balanceTooSmall,
  bankAccountNotFound,
  bankAccountNotVerified,
  type paymentsContract,
} from '@kelid/contracts/payments';
import { requireUser } from '@kelid/service/context';
import { sqlState } from '@kelid/service/database';
import { answerKey, claimKey, keyScope } from '@kelid/service/idempotency';
import { newId } from '@kelid/service/ids';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Context, Operations } from '../context.ts';
import { bankAccounts, wallets } from '../db/schema.ts';
import { findWithdrawal, showWithdrawal } from './withdrawals.ts';

type Answer = z.input<(typeof paymentsContract)['operations']['requestWithdrawal']['output']>;

/** The amount is held in the statement that writes the row, so no race spends it twice. */
export const requestWithdrawal: Operations['requestWithdrawal'] = async (ctx, input) => {
  const customerId = requireUser(ctx).userId;
  const { bankAccountId, amountRial } = input;
  const scope = keyScope(ctx, 'requestWithdrawal');
  const [account] = await ctx.db
    .select({ id: bankAccounts.id })
    .from(bankAccounts)
    .where(and(eq(bankAccounts.id, bankAccountId), eq(bankAccounts.customerId, customerId)));
  if (!account) throw bankAccountNotFound();
  const newWithdrawalId = newId();
  const claim = await ctx
    .transaction(async (tx) => {
      const claimed = await claimKey(tx, scope, input, newWithdrawalId);
      if (claimed.kind === 'new')
        await tx.execute(
          sql`select payments_request_withdrawal(${newWithdrawalId}, ${customerId}, ${bankAccountId}, ${amountRial})`,
        );
      return claimed;
    })
    .catch(async (error: unknown) => {
      if (sqlState(error) === sqlStates.bankAccountNotVerified) throw bankAccountNotVerified();
      if (sqlState(error) === sqlStates.walletTooSmall)
        throw balanceTooSmall({ freeRial: await freeRial(ctx, customerId) });
      throw error;
    });
  if (claim.kind === 'done') {
    ctx.answerHeaders['idempotency-replayed'] = 'true';
    return claim.answer as Answer; // Stored by this operation under this key.
  }
  const id = claim.kind === 'running' ? (claim.resourceId ?? newWithdrawalId) : newWithdrawalId;
  const answer = showWithdrawal(await findWithdrawal(ctx, id), ctx);
  await answerKey(ctx.db, scope, 201, answer);
  return answer;
};

async function freeRial(ctx: Context, customerId: string): Promise<number> {
  const [wallet] = await ctx.db.select().from(wallets).where(eq(wallets.customerId, customerId));
  return wallet ? wallet.balanceRial - wallet.heldRial : 0;
}
