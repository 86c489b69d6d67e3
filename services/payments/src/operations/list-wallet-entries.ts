import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { Id, invalidInput } from '@kelid/contracts/common';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { ledgerEntries, ledgerTransactions } from '../db/schema.ts';

export const listWalletEntries: Operations['listWalletEntries'] = async (ctx, { limit, cursor }) => {
  if (cursor !== undefined && !Id.safeParse(cursor).success)
    throw invalidInput({ errors: [{ field: 'cursor', message: 'Send the nextCursor of the page before' }] });
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
  const shown = rows.slice(0, limit);
  return {
    items: shown.map((row) => ({ ...row, at: new Date(row.at).toISOString() })),
    nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null,
  };
};
