import { and, desc, eq, sql } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { isHolder, ownedKeyColumns, showOwnedKey } from './owned-keys.ts';
import { keyAllocations, productKeys } from '../db/schema.ts';

export const listOwnKeys: Operations['listOwnKeys'] = async (ctx, { limit, cursor }) => {
  const { userId } = requireUser(ctx);
  // By the time of delivery, which is not the order of the ids: those tell when a product key was imported.
  const isOlder =
    cursor === undefined
      ? undefined
      : sql`(${keyAllocations.allocatedAt}, ${keyAllocations.keyId}) <
          (select allocated_at, key_id from key_allocations where key_id = ${cursor} and customer_id = ${userId} and withdrawn_at is null)`;
  const rows = await ctx.db
    .select(ownedKeyColumns)
    .from(keyAllocations)
    .innerJoin(productKeys, isHolder)
    .where(and(eq(keyAllocations.customerId, userId), isOlder))
    .orderBy(desc(keyAllocations.allocatedAt), desc(keyAllocations.keyId))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return { items: shown.map(showOwnedKey), nextCursor };
};
