import { eq, sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { keyImportLines, keyImports } from '../db/schema.ts';
import { storeImport } from './import-steps.ts';

/** Imports whose time has come: all lines are here, nobody came back with the rest, or their verdicts are old. */
export async function followImports(ctx: Context): Promise<number> {
  const due = await ctx.db
    .update(keyImports)
    .set({ dueAt: sql`now() + interval '15 minutes'` })
    .where(
      sql`id = any(array(select id from key_imports where due_at <= now() order by due_at limit 2 for update skip locked))`,
    )
    .returning();
  for (const { id, status } of due) {
    if (status === 'storing') {
      await storeImport(ctx, id);
      continue;
    }
    await ctx.transaction(async (tx) => {
      await tx.delete(keyImportLines).where(eq(keyImportLines.importId, id));
      // An import that was begun and left keeps no lines, and takes none any more.
      await tx
        .update(keyImports)
        .set({ dueAt: null, status: status === 'receiving' ? 'refused' : status })
        .where(eq(keyImports.id, id));
    });
  }
  return due.length;
}
