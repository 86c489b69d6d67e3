import { asc, isNull, sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { ledgerCloses } from '../db/schema.ts';

/**
 * Closes the oldest day that is over and not closed. Sealing (`ledger_seal_day`) is a moment, so that nobody waits who posts; summing (`ledger_close_day`) takes its time after it.
 * A runner that dies between the two leaves a sealed day, which the next round closes.
 */
export async function closeLedgerDays(ctx: Context): Promise<number> {
  await ctx.db.execute(sql`select ledger_seal_day()`);
  const [sealed] = await ctx.db
    .select({ day: ledgerCloses.day })
    .from(ledgerCloses)
    .where(isNull(ledgerCloses.closedAt))
    .orderBy(asc(ledgerCloses.day))
    .limit(1);
  if (!sealed) return 0;
  const isClosed = await ctx.transaction(async (tx) => {
    // The sums of a great day take longer than what a shopper waits for.
    await tx.execute(sql`set local statement_timeout = '5min'`);
    const { rows } = await tx.execute<{ is_closed: boolean }>(sql`select ledger_close_day(${sealed.day}) as is_closed`);
    return rows[0]?.is_closed ?? false;
  });
  if (!isClosed) return 0; // Another runner is closing it.
  ctx.log.info({ day: sealed.day }, 'a day of the ledger was closed');
  return 1;
}
