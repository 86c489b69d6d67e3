import { and, eq, isNull, ne, sql } from 'drizzle-orm';
import { secondPersonNeeded, withdrawalMoveRefused } from '@kelid/contracts/payments';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { withdrawals } from '../db/schema.ts';
import { rethrowOwnAffair } from '../refusals.ts';
import { endWithdrawal, findWithdrawal, showWithdrawal } from './withdrawals.ts';

/**
 * Above the amount that one may approve alone, the first word is kept and a second, other person's moves it. A refusal is `payments_end_withdrawal`.
 */
export const decideWithdrawal: Operations['decideWithdrawal'] = async (ctx, { withdrawalId, isApproved, reason }) => {
  if (!isApproved) return endWithdrawal(ctx, withdrawalId, 'rejected', null, reason);
  const { withdrawal } = await findWithdrawal(ctx, withdrawalId);
  const me = actorName(ctx);
  const needsTwo = withdrawal.amountRial > ctx.config.PAYMENTS_TWO_PEOPLE_ABOVE_RIAL;
  const isRequested = and(eq(withdrawals.id, withdrawalId), eq(withdrawals.status, 'requested'));
  const moved = { updatedAt: sql`now()`, movedBy: me, moveCause: reason, reason };
  if (needsTwo && withdrawal.approvedBy === null) {
    const said = await ctx.db
      .update(withdrawals)
      .set({ ...moved, approvedBy: me })
      .where(and(isRequested, isNull(withdrawals.approvedBy)))
      .returning({ id: withdrawals.id })
      .catch(rethrowOwnAffair);
    if (said.length === 0) throw withdrawalMoveRefused({ status: withdrawal.status });
    return showWithdrawal(await findWithdrawal(ctx, withdrawalId), ctx);
  }
  const [approved] = await ctx.db
    .update(withdrawals)
    .set({ ...moved, status: 'approved', ...(needsTwo ? { confirmedBy: me } : { approvedBy: me }) })
    .where(and(isRequested, needsTwo ? ne(withdrawals.approvedBy, me) : undefined))
    .returning({ id: withdrawals.id })
    .catch(rethrowOwnAffair);
  if (!approved) {
    if (withdrawal.status === 'requested' && withdrawal.approvedBy === me) throw secondPersonNeeded();
    throw withdrawalMoveRefused({ status: withdrawal.status });
  }
  return showWithdrawal(await findWithdrawal(ctx, withdrawalId), ctx);
};
