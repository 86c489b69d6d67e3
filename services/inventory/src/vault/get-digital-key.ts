import { eq } from 'drizzle-orm';
import { keyNotFound } from '@kelid/contracts/inventory';
import type { Operations } from '../context.ts';
import { isHolder } from './owned-keys.ts';
import { listReveals, showStaffKey, staffKeyColumns } from './staff-keys.ts';
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
