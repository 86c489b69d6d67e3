import { eq } from 'drizzle-orm';
import { keyNotFound } from '@kelid/contracts/inventory';
import type { Operations } from '../context.ts';
import { isHolder, listReveals, showStaffKey, staffKeyColumns } from '../db/queries.ts';
import { keyAllocations, productKeys } from '../db/schema.ts';

export const getDigitalKey: Operations['getDigitalKey'] = async (ctx, { keyId }) => {
  const [row] = await ctx.db
    .select(staffKeyColumns)
    .from(productKeys)
    .leftJoin(keyAllocations, isHolder)
    .where(eq(productKeys.id, keyId));
  if (!row) throw keyNotFound();
  return { ...showStaffKey(row), reveals: await listReveals(ctx, keyId) };
};
