import { and, asc, eq } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { isHolder, ownedKeyColumns, showOwnedKey } from './owned-keys.ts';
import { keyAllocations, productKeys } from '../db/schema.ts';

/** An order of somebody else, a missing one and one without keys yet are the same empty list. */
export const listOrderKeys: Operations['listOrderKeys'] = async (ctx, { orderId }) => {
  const rows = await ctx.db
    .select(ownedKeyColumns)
    .from(keyAllocations)
    .innerJoin(productKeys, isHolder)
    .where(and(eq(keyAllocations.orderId, orderId), eq(keyAllocations.customerId, requireUser(ctx).userId)))
    .orderBy(asc(keyAllocations.orderLineId), asc(keyAllocations.unitNo), asc(keyAllocations.replacementNo));
  return { items: rows.map(showOwnedKey), nextCursor: null };
};
