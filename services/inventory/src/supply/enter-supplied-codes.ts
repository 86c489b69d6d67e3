import { and, eq } from 'drizzle-orm';
import { invalidInput } from '@kelid/contracts/common';
import { procurementNotFound } from '@kelid/contracts/inventory';
import type { Operations } from '../context.ts';
import { procurements } from '../db/schema.ts';
import { isKey } from '../vault/import-lines.rules.ts';
import { receiveUnits } from './receiving.ts';

/** The codes that a person got from a supplier without an interface. The same code typed twice is one unit. */
export const enterSuppliedCodes: Operations['enterSuppliedCodes'] = async (ctx, { procurementId, codes }) => {
  const isOpen = and(
    eq(procurements.id, procurementId),
    eq(procurements.supplier, 'manual'),
    eq(procurements.status, 'placed'),
  );
  const [procurement] = await ctx.db.select().from(procurements).where(isOpen);
  if (!procurement) throw procurementNotFound();
  // What a person did for a game account is told by its receipt.
  const kind = procurement.gameAccount === null ? ('text' as const) : ('receipt' as const);
  const wrong = codes.flatMap((code, index) =>
    isKey(code.trim()) ? [] : [{ field: `codes.${index}`, message: 'Not a product key' }],
  );
  if (wrong.length > 0) throw invalidInput({ errors: wrong });
  const units = codes.map((code) => {
    const text = code.trim();
    const ref = `${procurement.id}:${ctx.vault.blindIndex(procurement.brand, text).toString('hex').slice(0, 32)}`;
    return { ref, state: 'ready' as const, code: { kind, text } };
  });
  await receiveUnits(ctx, procurement, {
    supplierOrderId: procurement.id,
    reference: procurement.id,
    status: 'open',
    productRef: procurement.productRef,
    quantity: procurement.quantity,
    unitPriceCents: procurement.unitPriceCents ?? 0,
    units,
    orderedAt: null,
  });
  const [now] = await ctx.db.select().from(procurements).where(eq(procurements.id, procurementId));
  return { procurementId, settledCount: now?.settledCount ?? 0, quantity: procurement.quantity };
};
