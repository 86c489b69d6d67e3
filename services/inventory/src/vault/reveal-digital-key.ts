import { eq } from 'drizzle-orm';
import { keyNotFound } from '@kelid/contracts/inventory';
import type { Operations } from '../context.ts';
import { revealRecorded } from './record-reveal.ts';
import { productKeys } from '../db/schema.ts';

export const revealDigitalKey: Operations['revealDigitalKey'] = async (ctx, { keyId, reason }) => {
  const [key] = await ctx.db.select({ id: productKeys.id }).from(productKeys).where(eq(productKeys.id, keyId));
  if (!key) throw keyNotFound();
  return revealRecorded(ctx, keyId, reason);
};
