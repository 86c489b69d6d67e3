import { and, desc, lt, sql } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';
import { procurements } from '../db/schema.ts';

export const listProcurements: Operations['listProcurements'] = async (ctx, { status, limit, cursor }) => {
  const rows = await ctx.db
    .select({
      id: procurements.id,
      supplier: procurements.supplier,
      variantId: procurements.variantId,
      orderLineId: procurements.orderLineId,
      quantity: procurements.quantity,
      settledCount: procurements.settledCount,
      status: procurements.status,
      reason: procurements.reason,
      supplierOrderId: procurements.supplierOrderId,
      unitPriceCents: procurements.unitPriceCents,
      createdAt: procurements.createdAt,
    })
    .from(procurements)
    .where(
      and(
        status === undefined ? undefined : sql`${procurements.status} = ${status}`,
        cursor === undefined ? undefined : lt(procurements.id, cursor),
      ),
    )
    .orderBy(desc(procurements.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return {
    items: shown.map((row) => ({ ...row, createdAt: iso(row.createdAt) })),
    nextCursor,
  };
};
