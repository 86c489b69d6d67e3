import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';

export const withdrawKeys: Operations['withdrawKeys'] = async (ctx, { orderId, revealedMax }) => {
  const { rows } = await ctx.db.execute<{ revealed: number }>(
    sql`select inventory_withdraw_keys(${orderId}, ${revealedMax}) as revealed`,
  );
  const revealedCount = rows[0]?.revealed ?? 0;
  return { revealedCount, isWithdrawn: revealedCount <= revealedMax };
};
