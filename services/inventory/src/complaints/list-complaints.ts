import { and, desc, eq, getTableColumns, lt, sql } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';
import { complaints, supplierClaims } from '../db/schema.ts';

export const listComplaints: Operations['listComplaints'] = async (ctx, { status, limit, cursor }) => {
  const rows = await ctx.db
    .select({
      ...getTableColumns(complaints),
      hasPicture: sql<boolean>`exists (select from complaint_pictures p where p.complaint_id = ${complaints.id})`,
      claim: { supplier: supplierClaims.supplier, status: supplierClaims.status, note: supplierClaims.note },
    })
    .from(complaints)
    .leftJoin(supplierClaims, eq(supplierClaims.complaintId, complaints.id))
    .where(
      and(
        status === undefined ? undefined : eq(complaints.status, status),
        cursor === undefined ? undefined : lt(complaints.id, cursor),
      ),
    )
    .orderBy(desc(complaints.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return {
    items: shown.map((row) => ({ ...row, createdAt: iso(row.createdAt), decidedAt: iso(row.decidedAt) })),
    nextCursor,
  };
};
