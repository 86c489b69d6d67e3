import { and, desc, isNotNull, lt } from 'drizzle-orm';
import { invalidInput } from '@kelid/contracts/common';
import type { Operations } from '../context.ts';
import { ledgerCloses } from '../db/schema.ts';

export const listLedgerCloses: Operations['listLedgerCloses'] = async (ctx, { limit, cursor }) => {
  if (cursor !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(cursor))
    throw invalidInput({ errors: [{ field: 'cursor', message: 'Send the nextCursor of the page before' }] });
  const rows = await ctx.db
    .select()
    .from(ledgerCloses)
    .where(and(isNotNull(ledgerCloses.closedAt), cursor === undefined ? undefined : lt(ledgerCloses.day, cursor)))
    .orderBy(desc(ledgerCloses.day))
    .limit(limit + 1);
  const items = rows.slice(0, limit).map(({ day, transactionCount, debitRial, creditRial, closedAt }) => ({
    day,
    transactionCount: transactionCount ?? 0,
    debitRial: debitRial ?? 0,
    creditRial: creditRial ?? 0,
    closedAt: new Date(closedAt ?? 0).toISOString(),
  }));
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.day ?? null) : null };
};
