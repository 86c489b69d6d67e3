import { desc, lt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { invariantBreaches } from '../db/schema.ts';

export const listInvariantBreaches: Operations['listInvariantBreaches'] = async (ctx, { limit, cursor }) => {
  const rows = await ctx.db
    .select()
    .from(invariantBreaches)
    .where(cursor === undefined ? undefined : lt(invariantBreaches.id, cursor))
    .orderBy(desc(invariantBreaches.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return { items: shown.map((row) => ({ ...row, foundAt: new Date(row.foundAt).toISOString() })), nextCursor };
};
