import { gt, sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { signingKeys } from '../db/schema.ts';
import { publicJwk } from '../signing-keys.ts';

export const getJwks: Operations['getJwks'] = async (ctx) => {
  const rows = await ctx.db
    .select()
    .from(signingKeys)
    .where(gt(signingKeys.retiresAt, sql`now()`));
  return { keys: rows.map(publicJwk) };
};
