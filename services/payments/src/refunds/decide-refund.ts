import { and, eq, ne, sql } from 'drizzle-orm';
import { refundMoveRefused, secondPersonNeeded } from '@kelid/contracts/payments';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { refunds } from '../db/schema.ts';
import { rethrowOwnAffair } from '../refusals.ts';
import { dropRefund, moveRefund, runRefund } from './refunding.ts';
import { findRefund, showRefund } from './refunds.ts';

/** Approved, it runs to its end (`refunding.ts`: `payments_finish_refund` or `payments_drop_refund`); refused, it is dropped. */
export const decideRefund: Operations['decideRefund'] = async (ctx, { refundId, isApproved, reason }) => {
  const refund = await findRefund(ctx, refundId);
  if (!isApproved) {
    if (!(await dropRefund(ctx, refund, 'rejected', reason))) throw refundMoveRefused({ status: refund.status });
    return showRefund(await findRefund(ctx, refundId), ctx);
  }
  const me = actorName(ctx);
  const [approved] = await ctx.db
    .update(refunds)
    .set({
      ...moveRefund(ctx, 'approved', reason),
      approvedBy: me,
      dueAt: sql`now() + interval '30 seconds'`,
    })
    // Nobody approves what they asked for (A64); the table's own check says it again.
    .where(and(eq(refunds.id, refundId), eq(refunds.status, 'requested'), ne(refunds.requestedBy, me)))
    .returning()
    .catch(rethrowOwnAffair);
  if (!approved) {
    if (refund.requestedBy === me && refund.status === 'requested') throw secondPersonNeeded();
    throw refundMoveRefused({ status: refund.status });
  }
  await runRefund(ctx, approved);
  return showRefund(await findRefund(ctx, refundId), ctx);
};
