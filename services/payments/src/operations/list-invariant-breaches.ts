import { desc, lt } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { checkCursor } from '../db/queries.ts';
import { invariantBreaches } from '../db/schema.ts';

export const listInvariantBreaches: Operations['listInvariantBreaches'] = async (ctx, { limit, cursor }) => {
  checkCursor(cursor);
  const rows = await ctx.db
    .select()
    .from(invariantBreaches)
    .where(cursor === undefined ? undefined : lt(invariantBreaches.id, cursor))
    .orderBy(desc(invariantBreaches.id))
    .limit(limit + 1);
  const items = rows.slice(0, limit).map((row) => ({ ...row, foundAt: new Date(row.foundAt).toISOString() }));
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
};
