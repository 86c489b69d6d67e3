import { and, eq, sql } from 'drizzle-orm';
import { keyNotFound, keyNotRevealable } from '@kelid/contracts/inventory';
import { requireUser } from '@kelid/service/context';
import { sqlState } from '@kelid/service/database';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Operations } from '../context.ts';
import { revealRecorded } from './record-reveal.ts';
import { keyAllocations, productKeys } from '../db/schema.ts';

/** `key_reveals_check` makes a look and a withdrawal wait for each other: what was withdrawn is never seen. */
export const revealKey: Operations['revealKey'] = async (ctx, { orderId, keyId }) => {
  const [key] = await ctx.db
    .select({
      status: productKeys.status,
      isRefunded: sql<boolean>`${keyAllocations.withdrawnAt} is not null or exists (select from complaints c where c.key_id = ${productKeys.id} and c.status = 'refunded')`,
    })
    .from(keyAllocations)
    .innerJoin(productKeys, eq(productKeys.id, keyAllocations.keyId))
    .where(
      and(
        eq(keyAllocations.keyId, keyId),
        eq(keyAllocations.orderId, orderId),
        eq(keyAllocations.customerId, requireUser(ctx).userId),
      ),
    )
    .orderBy(sql`${keyAllocations.withdrawnAt} nulls first`) // Withdrawn, and bound again to the same order.
    .limit(1);
  if (!key) throw keyNotFound();
  if (key.status !== 'allocated' || key.isRefunded) throw keyNotRevealable();
  const opened = await revealRecorded(ctx, keyId, null).catch((error: unknown) => {
    if (sqlState(error) === sqlStates.keyWithdrawn) throw keyNotRevealable(); // Withdrawn a moment ago.
    throw error;
  });
  return { ...opened, revealedAt: ctx.now().toISOString() };
};
