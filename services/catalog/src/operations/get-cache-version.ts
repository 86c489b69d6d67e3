import type { Operations } from '../context.ts';
import { catalogVersion } from '../db/schema.ts';

export const getCacheVersion: Operations['getCacheVersion'] = async (ctx) => {
  const [row] = await ctx.db.select({ version: catalogVersion.version }).from(catalogVersion);
  return { version: row?.version ?? 0 };
};
