import { desc, eq } from 'drizzle-orm';
import { iso } from '@kelid/service/instant';
import type { Context } from '../context.ts';
import { keyAllocations, keyReveals, productKeys } from '../db/schema.ts';

// A product key as lists of staff show it.

export const staffKeyColumns = {
  id: productKeys.id,
  variantId: productKeys.variantId,
  batchId: productKeys.batchId,
  masked: productKeys.masked,
  status: productKeys.status,
  orderLineId: keyAllocations.orderLineId,
  expiresAt: productKeys.expiresAt,
  createdAt: productKeys.createdAt,
};

export function showStaffKey<Row extends { expiresAt: string | null; createdAt: string }>(row: Row) {
  const rest: Omit<Row, 'expiresAt' | 'createdAt'> = row;
  return { ...rest, expiresAt: iso(row.expiresAt), createdAt: iso(row.createdAt) };
}

export async function listReveals(ctx: Context, keyId: string) {
  const rows = await ctx.db
    .select()
    .from(keyReveals)
    .where(eq(keyReveals.keyId, keyId))
    .orderBy(desc(keyReveals.at))
    .limit(100);
  return rows.map((row) => ({ at: iso(row.at), by: row.actor, reason: row.reason }));
}
