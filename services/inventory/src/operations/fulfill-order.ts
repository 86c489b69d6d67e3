import { sql } from 'drizzle-orm';
import { failpoint } from '@kelid/service/failpoint';
import type { Operations } from '../context.ts';

export const fulfillOrder: Operations['fulfillOrder'] = async (ctx, { orderId, customerId, round, lines }) => {
  const { rows } = await ctx.db.execute<{ order_line_id: string; key_id: string }>(
    sql`select * from inventory_fulfill(${orderId}, ${customerId}, ${round}, ${JSON.stringify(lines)}::jsonb)`,
  );
  failpoint('inventory.allocated'); // CP12
  return {
    lines: lines.map((line) => {
      const keyIds = rows.filter((row) => row.order_line_id === line.orderLineId).map((row) => row.key_id);
      // What the vault lacks is told, not hidden: the caller decides what becomes of the missing units.
      return { orderLineId: line.orderLineId, keyIds, missingCount: line.quantity - keyIds.length };
    }),
  };
};
