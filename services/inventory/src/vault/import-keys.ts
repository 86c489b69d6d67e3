import { eq, sql } from 'drizzle-orm';
import { importNotFound, importRefused } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import type { Context, Operations } from '../context.ts';
import { keyImports } from '../db/schema.ts';
import { addLines, batchOf, getImport, type ImportRow, openImport, storeImport } from './import-steps.ts';
import { listVerdicts } from './list-key-import-verdicts.ts';

const partLines = 5_000;
const reportedMax = 1_000;

/** A whole import in one call: opened, filled, stored and reported. The same id again answers the first one's report. */
export const importKeys: Operations['importKeys'] = async (ctx, { codes, importId, ...input }) => {
  const opened = await openImport(ctx, { ...input, importId: importId ?? newId() });
  if (opened.status === 'receiving') {
    try {
      for (let at = 0; at < codes.length; at += partLines)
        await addLines(ctx, opened, at + 1, codes.slice(at, at + partLines));
    } catch (error) {
      // The same import at the same moment was faster, and has brought all of these lines.
      if (!importNotFound.is(error)) throw error;
    }
    await closeImport(ctx, opened.id);
  }
  await storeImport(ctx, opened.id);
  return report(ctx, await getImport(ctx, opened.id));
};

/** No more lines; the sweep stores it if this process dies before it does. */
export async function closeImport(ctx: Context, importId: string): Promise<void> {
  await ctx.db
    .update(keyImports)
    .set({ status: 'storing', dueAt: sql`now() + interval '15 minutes'` })
    .where(sql`${eq(keyImports.id, importId)} and ${keyImports.status} = 'receiving'`);
}

async function report(ctx: Context, row: ImportRow) {
  const { items } = await listVerdicts(ctx, row.id, 0, reportedMax);
  const problems = items.map(({ line, reason }) => ({ line, reason }));
  if (row.status === 'refused') throw importRefused({ lines: problems });
  const { importedCount, duplicateCount, invalidCount } = row;
  return { batchId: batchOf(row), importedCount, duplicateCount, invalidCount, problems };
}
