import { and, desc, eq, lt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { isHolder } from './owned-keys.ts';
import { showStaffKey, staffKeyColumns } from './staff-keys.ts';
import { keyAllocations, productKeys } from '../db/schema.ts';

export const listDigitalKeys: Operations['listDigitalKeys'] = async (
  ctx,
  { variantId, status, batchId, limit, cursor },
) => {
  const rows = await ctx.db
    .select(staffKeyColumns)
    .from(productKeys)
    .leftJoin(keyAllocations, isHolder)
    .where(
      and(
        variantId === undefined ? undefined : eq(productKeys.variantId, variantId),
        status === undefined ? undefined : eq(productKeys.status, status),
        batchId === undefined ? undefined : eq(productKeys.batchId, batchId),
        cursor === undefined ? undefined : lt(productKeys.id, cursor),
      ),
    )
    .orderBy(desc(productKeys.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return { items: shown.map(showStaffKey), nextCursor };
};
