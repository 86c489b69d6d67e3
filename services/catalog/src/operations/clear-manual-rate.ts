import { eq, sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { fxStates } from '../db/schema.ts';

/** Safe to repeat. Prices stay until the sources have been asked, which is at once. */
export const clearManualRate: Operations['clearManualRate'] = async (ctx, { currency }) => {
  await ctx.db
    .update(fxStates)
    .set({ manualRateRial: null, manualReason: null, manualBy: null, manualUntil: null, dueAt: sql`now()` })
    .where(eq(fxStates.currency, currency));
  return undefined;
};
