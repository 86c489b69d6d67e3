import { and, eq, sql } from 'drizzle-orm';
import { differenceNotFound, differenceResolved } from '@kelid/contracts/payments';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { settlementDifferences } from '../db/schema.ts';
import { selectDifferences } from './settlements.ts';

export const resolveSettlementDifference: Operations['resolveSettlementDifference'] = async (
  ctx,
  { differenceId, note },
) => {
  const resolved = await ctx.db
    .update(settlementDifferences)
    .set({ status: 'resolved', note, resolvedBy: actorName(ctx), resolvedAt: sql`now()` })
    .where(and(eq(settlementDifferences.id, differenceId), eq(settlementDifferences.status, 'open')))
    .returning({ id: settlementDifferences.id });
  const [difference] = await selectDifferences(ctx, sql`d.id = ${differenceId}`, 1);
  if (!difference) throw differenceNotFound();
  if (resolved.length === 0) throw differenceResolved({ resolvedBy: difference.resolvedBy ?? '' });
  return difference;
};
