import { and, desc, eq, lt } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { idOfCursor, iso } from '../db/queries.ts';
import { supplierCalls } from '../db/schema.ts';

export const listSupplierCalls: Operations['listSupplierCalls'] = async (ctx, { supplier, limit, cursor }) => {
  const rows = await ctx.db
    .select()
    .from(supplierCalls)
    .where(
      and(
        eq(supplierCalls.supplier, supplier),
        cursor === undefined ? undefined : lt(supplierCalls.id, idOfCursor(cursor)),
      ),
    )
    .orderBy(desc(supplierCalls.id))
    .limit(limit + 1);
  const shown = rows.slice(0, limit);
  return {
    items: shown.map((row) => ({ ...row, at: iso(row.at) })),
    nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null,
  };
};
