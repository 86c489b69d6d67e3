import { and, eq, ne } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { keyBatches, keyImports } from '../db/schema.ts';

const batchMax = 50;

/** After a change of the master key: wraps the data keys of older batches anew. Dying in between leaves the rest for the next run. */
export async function rewrapBatches(ctx: Context): Promise<number> {
  return (await rewrap(ctx, keyBatches)) + (await rewrap(ctx, keyImports));
}

async function rewrap(ctx: Context, table: typeof keyBatches | typeof keyImports): Promise<number> {
  const old = await ctx.db
    .select({ id: table.id, kekId: table.kekId, wrappedDek: table.wrappedDek })
    .from(table)
    .where(ne(table.kekId, ctx.vault.kekId))
    .limit(batchMax);
  for (const batch of old) {
    await ctx.db
      .update(table)
      .set({ wrappedDek: ctx.vault.rewrapDek(batch.wrappedDek, batch.id, batch.kekId), kekId: ctx.vault.kekId })
      .where(and(eq(table.id, batch.id), eq(table.kekId, batch.kekId)));
  }
  return old.length;
}
