import { eq, sql } from 'drizzle-orm';
import { expiryNotAhead, rateImplausible } from '@kelid/contracts/catalog';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { fxRates, fxStates } from '../db/schema.ts';
import { lockRate } from '../pricing.ts';

const longestMs = 30 * 24 * 60 * 60_000;

export const setManualRate: Operations['setManualRate'] = async (ctx, { currency, rateRial, reason, expiresAt }) => {
  const leftMs = new Date(expiresAt).getTime() - ctx.now().getTime();
  if (leftMs <= 0 || leftMs > longestMs) throw expiryNotAhead();
  const setBy = actorName(ctx);
  return ctx.transaction(async (tx) => {
    const known = await lockRate(tx, currency);
    // Toman taken for Rial would sell everything at a tenth of its price.
    if (known && (rateRial * 2 < known.rateRial || rateRial > known.rateRial * 2))
      throw rateImplausible({ knownRateRial: known.rateRial });
    const [rate] = await tx
      .insert(fxRates)
      .values({ currency, rateRial, source: 'manual', reason, setBy })
      .returning({ id: fxRates.id });
    if (!rate) throw new Error('A rate was not written');
    await tx
      .update(fxStates)
      .set({
        rateId: rate.id,
        manualRateRial: rateRial,
        manualReason: reason,
        manualBy: setBy,
        manualUntil: expiresAt,
        // Its end is a time to decide again, whenever the sources are read.
        dueAt: sql`least(${fxStates.dueAt}, ${expiresAt}::timestamptz)`,
      })
      .where(eq(fxStates.currency, currency));
    return { currency, rateId: rate.id };
  });
};
