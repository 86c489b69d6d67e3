import { and, eq } from 'drizzle-orm';
import { gameAccountUnknown } from '@kelid/contracts/inventory';
import type { Operations } from '../context.ts';
import { supplierOffers } from '../db/schema.ts';

/** A buyer waits so long for one supplier, its queue included, and then goes on without a nickname. */
const patienceMs = 3_000;

/** Asks who sells this top-up, one after another; while none of them can tell, the buyer is not held up. */
export const checkGameAccount: Operations['checkGameAccount'] = async (ctx, { variantId, gameAccount }) => {
  const offers = await ctx.db
    .select({ supplier: supplierOffers.supplier, productRef: supplierOffers.productRef })
    .from(supplierOffers)
    .where(and(eq(supplierOffers.variantId, variantId), supplierOffers.isEnabled));
  const account = { playerId: gameAccount.playerId, zone: gameAccount.zone ?? null };
  for (const { supplier: name, productRef } of offers) {
    const supplier = ctx.suppliers.get(name);
    if (!supplier?.checkGameAccount || !supplier.isUp()) continue;
    const answer = await supplier.checkGameAccount(
      productRef,
      account,
      AbortSignal.any([ctx.signal, AbortSignal.timeout(patienceMs)]),
    );
    if (answer.kind === 'found') return { nickname: answer.nickname };
    if (answer.kind === 'not-found') throw gameAccountUnknown({ field: 'gameAccount.playerId' });
  }
  return { nickname: null };
};
