import { and, desc, eq, lt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';
import { priceHistory } from '../db/schema.ts';
import { readCursor, writeCursor } from '../domain/cursor.ts';

export const listPriceHistory: Operations['listPriceHistory'] = async (ctx, { variantId, limit, cursor }) => {
  const before = cursor === undefined ? undefined : readCursor(cursor, 'price-history', 'text').id;
  const rows = await ctx.db
    .select()
    .from(priceHistory)
    .where(and(eq(priceHistory.variantId, variantId), before === undefined ? undefined : lt(priceHistory.id, before)))
    .orderBy(desc(priceHistory.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit, ({ id }) =>
    writeCursor({ sort: 'price-history', value: '', id }),
  );
  return {
    items: shown.map(({ variantId: _variantId, at, ...row }) => ({ ...row, at: iso(at) })),
    nextCursor,
  };
};
