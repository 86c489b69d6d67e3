import { and, desc, eq, lt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';
import { supplierCalls } from '../db/schema.ts';

export const listSupplierCalls: Operations['listSupplierCalls'] = async (ctx, { supplier, limit, cursor }) => {
  const rows = await ctx.db
    .select()
    .from(supplierCalls)
    .where(and(eq(supplierCalls.supplier, supplier), cursor === undefined ? undefined : lt(supplierCalls.id, cursor)))
    .orderBy(desc(supplierCalls.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return {
    items: shown.map((row) => ({ ...row, at: iso(row.at) })),
    nextCursor,
  };
};
