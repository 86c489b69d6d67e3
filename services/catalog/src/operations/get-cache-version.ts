import type { Operations } from '../context.ts';
import { catalogVersion } from '../db/schema.ts';

/** Read where pages are read: a version that is ahead of its replica would let an old page into the cache. */
export const getCacheVersion: Operations['getCacheVersion'] = async (ctx) => {
  const [row] = await ctx.readDb.select({ version: catalogVersion.version }).from(catalogVersion);
  return { version: row?.version ?? 0 };
};
