import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';

/** `inventory_withdraw_keys` takes back what nobody saw, `inventory_units_of` tells what became of each unit. */
export const withdrawKeys: Operations['withdrawKeys'] = async (ctx, { orderId, revealedMax, keyIds }) => {
  const { rows } = await ctx.db.execute<{ revealed: number }>(
    sql`select inventory_withdraw_keys(${orderId}, ${revealedMax}, ${sql.param(keyIds ?? null)}::uuid[]) as revealed`,
  );
  const revealedCount = rows[0]?.revealed ?? 0;
  const { rows: units } = await ctx.db.execute<{
    key_id: string;
    order_line_id: string;
    unit_no: number;
    state: 'open' | 'seen' | 'closed';
  }>(sql`select * from inventory_units_of(${orderId})`);
  return {
    revealedCount,
    isWithdrawn: revealedCount <= revealedMax,
    units: units.map((unit) => ({
      keyId: unit.key_id,
      orderLineId: unit.order_line_id,
      unitNo: unit.unit_no,
      state: unit.state,
    })),
  };
};
