import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { withdrawalMoveRefused, withdrawalNotFound, type WithdrawalStatus } from '@kelid/contracts/payments';
import { actorName } from '@kelid/service/context';
import { pageOf } from '@kelid/service/page';
import type { Context } from '../context.ts';
import { bankAccounts, withdrawals } from '../db/schema.ts';
import { rethrowOwnAffair, rethrowUsedReference } from '../refusals.ts';
import { type BankAccountRow, shownSheba, type Viewer } from './bank-accounts.ts';

type WithdrawalRow = typeof withdrawals.$inferSelect;

/** With the account it goes to. */
export function selectWithdrawals(ctx: Context) {
  return ctx.db
    .select({ withdrawal: withdrawals, account: bankAccounts })
    .from(withdrawals)
    .innerJoin(bankAccounts, eq(bankAccounts.id, withdrawals.bankAccountId));
}

export async function findWithdrawal(ctx: Context, id: string) {
  const [found] = await selectWithdrawals(ctx).where(eq(withdrawals.id, id));
  if (!found) throw withdrawalNotFound();
  return found;
}

export function showWithdrawal(
  { withdrawal, account }: { withdrawal: WithdrawalRow; account: BankAccountRow },
  ctx: Viewer,
) {
  const { id, customerId, amountRial, status, reason, reference, approvedBy } = withdrawal;
  return {
    id,
    customerId,
    amountRial,
    status,
    reason,
    reference,
    approvedBy,
    sheba: shownSheba(ctx, account.sheba, customerId, status === 'approved'),
    holderName: account.holderName,
    createdAt: new Date(withdrawal.createdAt).toISOString(),
  };
}

/** A page of withdrawals, newest first. */
export async function pageWithdrawals(
  ctx: Context,
  filter: {
    customerId?: string;
    status?: WithdrawalStatus | undefined;
    limit: number;
    cursor?: string | undefined;
  },
) {
  const { customerId, status, limit, cursor } = filter;
  const rows = await selectWithdrawals(ctx)
    .where(
      and(
        customerId === undefined ? undefined : eq(withdrawals.customerId, customerId),
        status === undefined ? undefined : eq(withdrawals.status, status),
        cursor === undefined ? undefined : lt(withdrawals.id, cursor),
      ),
    )
    .orderBy(desc(withdrawals.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit, ({ withdrawal }) => withdrawal.id);
  return {
    items: shown.map((found) => showWithdrawal(found, ctx)),
    nextCursor,
  };
}

/** Ends a withdrawal, once, by `payments_end_withdrawal`: what was held for it leaves the shop or goes back to the wallet. */
export async function endWithdrawal(
  ctx: Context,
  id: string,
  status: 'sent' | 'rejected' | 'cancelled',
  reference: string | null,
  reason: string,
) {
  const before = await findWithdrawal(ctx, id);
  const { rows } = await ctx.db
    .execute<{ id: string | null }>(
      sql`select id from payments_end_withdrawal(${id}, ${status}, ${reference}, ${actorName(ctx)}, ${reason})`,
    )
    .catch(rethrowUsedReference)
    .catch(rethrowOwnAffair);
  if (!rows[0]?.id) throw withdrawalMoveRefused({ status: before.withdrawal.status });
  return showWithdrawal(await findWithdrawal(ctx, id), ctx);
}
