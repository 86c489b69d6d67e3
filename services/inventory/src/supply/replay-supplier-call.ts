import { eq } from 'drizzle-orm';
import { supplierCallNotFound } from '@kelid/contracts/inventory';
import { actorName } from '@kelid/service/context';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';
import { supplierCalls } from '../db/schema.ts';

/** What the supplier answers to the same question now. What orders, pays or gives back is never asked twice. */
export const replaySupplierCall: Operations['replaySupplierCall'] = async (ctx, { callId }) => {
  const [was] = await ctx.db.select().from(supplierCalls).where(eq(supplierCalls.id, callId));
  const made = was && (await ctx.suppliers.get(was.supplier)?.replay(was, ctx.signal));
  if (!was || !made) throw supplierCallNotFound();
  ctx.log.info({ supplier: was.supplier, actor: actorName(ctx) }, 'a call to a supplier was made again');
  const at = iso(was.at);
  return { was: { ...was, at }, now: { ...made, id: was.id, at: ctx.now().toISOString() } };
};
