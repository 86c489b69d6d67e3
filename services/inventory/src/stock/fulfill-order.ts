import { eq, sql } from 'drizzle-orm';
import { failpoint } from '@kelid/service/failpoint';
import type { Operations } from '../context.ts';
import { supplyNeeds } from '../db/schema.ts';

/** `inventory_fulfill` binds what is held, then what is in stock, and opens a need for the rest; repeated, it answers the same product keys. */
export const fulfillOrder: Operations['fulfillOrder'] = async (ctx, { orderId, customerId, round, lines }) => {
  const { rows } = await ctx.db.execute<{ order_line_id: string; key_id: string }>(
    sql`with valued as (
        insert into line_values (order_line_id, unit_rial)
        select (line->>'orderLineId')::uuid, (line->>'unitValueRial')::bigint from jsonb_array_elements(${JSON.stringify(lines)}::jsonb) line
        where line ? 'unitValueRial' order by 1 on conflict do nothing
      )
      select * from inventory_fulfill(${orderId}, ${customerId}, ${round}, ${JSON.stringify(lines)}::jsonb)`,
  );
  failpoint('inventory.allocated'); // CP12
  const isWhole = rows.length === lines.reduce((count, line) => count + line.quantity, 0);
  const needs = isWhole ? [] : await ctx.db.select().from(supplyNeeds).where(eq(supplyNeeds.orderId, orderId));
  return {
    lines: lines.map((line) => {
      const keyIds = rows.filter((row) => row.order_line_id === line.orderLineId).map((row) => row.key_id);
      const need = needs.find((candidate) => candidate.orderLineId === line.orderLineId);
      // What the vault lacks is told, not hidden: the caller decides what becomes of the missing units.
      return {
        orderLineId: line.orderLineId,
        keyIds,
        missingCount: line.quantity - keyIds.length,
        supply: need === undefined || need.status === 'done' ? ('none' as const) : need.status,
      };
    }),
  };
};
