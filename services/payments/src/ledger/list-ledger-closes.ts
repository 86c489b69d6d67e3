import { and, desc, isNotNull, lt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { ledgerCloses } from '../db/schema.ts';

export const listLedgerCloses: Operations['listLedgerCloses'] = async (ctx, { limit, cursor }) => {
  const rows = await ctx.db
    .select()
    .from(ledgerCloses)
    .where(and(isNotNull(ledgerCloses.closedAt), cursor === undefined ? undefined : lt(ledgerCloses.day, cursor)))
    .orderBy(desc(ledgerCloses.day))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit, ({ day }) => day);
  const items = shown.map(({ day, transactionCount, debitRial, creditRial, closedAt }) => ({
    day,
    transactionCount: transactionCount ?? 0,
    debitRial: debitRial ?? 0,
    creditRial: creditRial ?? 0,
    closedAt: new Date(closedAt ?? 0).toISOString(),
  }));
  return { items, nextCursor };
};
