import { and, eq, sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { keyImports } from '../db/schema.ts';
import { getImport, showImport } from './import-steps.ts';

/**
 * The sweep `follow-imports` does the work, by `inventory_store_import`, so that no caller has to wait for it, and a process that dies leaves it
 * to another.
 */
export const finishKeyImport: Operations['finishKeyImport'] = async (ctx, { importId }) => {
  await ctx.db
    .update(keyImports)
    .set({ status: 'storing', dueAt: sql`now()` })
    .where(and(eq(keyImports.id, importId), eq(keyImports.status, 'receiving')));
  return showImport(await getImport(ctx, importId));
};
