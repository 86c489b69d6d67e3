import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { ledgerEntries, ledgerTransactions } from '../db/schema.ts';

export const listWalletEntries: Operations['listWalletEntries'] = async (ctx, { limit, cursor }) => {
  const rows = await ctx.db
    .select({
      id: ledgerEntries.id,
      amountRial: sql<number>`-${ledgerEntries.amountRial}`.mapWith(Number),
      kind: ledgerTransactions.kind,
      orderId: ledgerTransactions.orderId,
      at: ledgerTransactions.at,
    })
    .from(ledgerEntries)
    .innerJoin(ledgerTransactions, eq(ledgerTransactions.id, ledgerEntries.transactionId))
    .where(
      and(
        eq(ledgerEntries.account, `wallet:${requireUser(ctx).userId}`),
        cursor === undefined ? undefined : lt(ledgerEntries.id, cursor),
      ),
    )
    .orderBy(desc(ledgerEntries.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return {
    items: shown.map((row) => ({ ...row, at: new Date(row.at).toISOString() })),
    nextCursor,
  };
};
