import { and, eq, isNotNull, sql } from 'drizzle-orm';
import { unauthenticated } from '@kelid/contracts/common';
import { supplierUnknown } from '@kelid/contracts/inventory';
import type { Operations } from '../context.ts';
import { procurements } from '../db/schema.ts';

/** A hint, never proof: the order it names is looked at sooner, and what the supplier's own answer says then is what counts (F21). */
export const handleSupplierWebhook: Operations['handleSupplierWebhook'] = async (
  ctx,
  { supplier: name, headers, body },
) => {
  const supplier = ctx.suppliers.get(name);
  if (!supplier?.readWebhook) throw supplierUnknown();
  const hint = supplier.readWebhook(headers, parse(body));
  if (!hint) {
    ctx.log.warn(
      { supplier: name, alarm: 'webhook-forged' },
      'a supplier webhook without the right secret was refused',
    );
    throw unauthenticated();
  }
  if (hint.reference !== null)
    await ctx.db
      .update(procurements)
      .set({ dueAt: sql`now()` })
      .where(and(eq(procurements.id, hint.reference), eq(procurements.supplier, name), isNotNull(procurements.dueAt)));
  return undefined;
};

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
