import { and, eq, ne } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { keyBatches } from '../db/schema.ts';

const batchMax = 50;

/** After a change of the master key: wraps the data keys of older batches anew. Dying in between leaves the rest for the next run. */
export async function rewrapBatches(ctx: Context): Promise<number> {
  const old = await ctx.db
    .select({ id: keyBatches.id, kekId: keyBatches.kekId, wrappedDek: keyBatches.wrappedDek })
    .from(keyBatches)
    .where(ne(keyBatches.kekId, ctx.vault.kekId))
    .limit(batchMax);
  for (const batch of old) {
    await ctx.db
      .update(keyBatches)
      .set({ wrappedDek: ctx.vault.rewrapDek(batch.wrappedDek, batch.id, batch.kekId), kekId: ctx.vault.kekId })
      .where(and(eq(keyBatches.id, batch.id), eq(keyBatches.kekId, batch.kekId)));
  }
  return old.length;
}
