import { and, asc, eq, gt, sql } from 'drizzle-orm';
import type { Context, Operations } from '../context.ts';
import { keyImportLines } from '../db/schema.ts';
import { getImport } from './import-steps.ts';

export const listKeyImportVerdicts: Operations['listKeyImportVerdicts'] = async (
  ctx,
  { importId, afterLine, limit },
) => {
  await getImport(ctx, importId);
  return listVerdicts(ctx, importId, afterLine, limit);
};

/** Lines that were not imported, in the order of the file. */
export async function listVerdicts(ctx: Context, importId: string, afterLine: number, limit: number) {
  const rows = await ctx.db
    .select({ line: keyImportLines.line, reason: keyImportLines.problem, masked: keyImportLines.masked })
    .from(keyImportLines)
    .where(
      and(
        eq(keyImportLines.importId, importId),
        gt(keyImportLines.line, afterLine),
        sql`${keyImportLines.problem} is not null`,
      ),
    )
    .orderBy(asc(keyImportLines.line))
    .limit(limit);
  const items = rows.flatMap(({ reason, ...row }) => (reason === null ? [] : [{ ...row, reason }]));
  return { items, nextLine: rows.length === limit ? (rows.at(-1)?.line ?? null) : null };
}
