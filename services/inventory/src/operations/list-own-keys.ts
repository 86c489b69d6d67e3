import { and, desc, eq, lt } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { ownedKeyColumns, showOwnedKey } from '../db/queries.ts';
import { keyAllocations, productKeys } from '../db/schema.ts';

export const listOwnKeys: Operations['listOwnKeys'] = async (ctx, { limit, cursor }) => {
  const rows = await ctx.db
    .select(ownedKeyColumns)
    .from(keyAllocations)
    .innerJoin(productKeys, eq(productKeys.id, keyAllocations.keyId))
    .where(and(eq(keyAllocations.customerId, requireUser(ctx).userId), cursor === undefined ? undefined : lt(keyAllocations.keyId, cursor)))
    .orderBy(desc(keyAllocations.keyId))
    .limit(limit + 1);
  const shown = rows.slice(0, limit);
  return { items: shown.map(showOwnedKey), nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
};
