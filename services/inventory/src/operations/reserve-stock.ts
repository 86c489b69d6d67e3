import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { reservationReleased, stockShort } from '@kelid/contracts/inventory';
import { sqlState } from '@kelid/service/database';
import { failpoint } from '@kelid/service/failpoint';
import { newId } from '@kelid/service/ids';
import type { Context, Operations } from '../context.ts';

/** One statement is the whole transaction: it holds every unit or nothing. */
export const reserveStock: Operations['reserveStock'] = async (ctx, input) => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const reservationId = await reserve(ctx, input);
      failpoint('inventory.reserved'); // CP3
      return { reservationId };
    } catch (error) {
      if (sqlState(error) !== 'KE010') throw error;
      // Units that another checkout holds locked at this moment may come back; sold out is only what is short without locks too.
      const variantIds = await shortVariants(ctx, input.lines);
      if (variantIds.length > 0 || attempt >= 4) throw stockShort({ variantIds });
      await sleep(20 + Math.random() * 60);
    }
  }
};

async function reserve(ctx: Context, input: Parameters<Operations['reserveStock']>[1]): Promise<string> {
  const { rows } = await ctx.db.execute<{ reservation_id: string; state: string }>(
    sql`select * from inventory_reserve(${newId()}, ${input.orderId}, ${input.round}, ${input.expiresAt}, ${JSON.stringify(input.lines)}::jsonb)`,
  );
  const made = rows[0];
  if (!made) throw new Error('The reservation was not answered');
  if (made.state === 'released' || made.state === 'expired') throw reservationReleased();
  return made.reservation_id;
}

async function shortVariants(ctx: Context, lines: { variantId: string; quantity: number }[]): Promise<string[]> {
  const { rows } = await ctx.db.execute<{ variant: string }>(sql`
    select demand.variant from (
      select (line->>'variantId')::uuid as variant, sum((line->>'quantity')::integer)::integer as quantity
      from jsonb_array_elements(${JSON.stringify(lines)}::jsonb) line group by 1
    ) demand
    cross join lateral (
      select count(*)::integer as available from product_keys k
      where k.variant_id = demand.variant and k.status = 'available' and (k.expires_at is null or k.expires_at > now())
    ) own
    where demand.quantity > own.available and not supply_can(demand.variant, demand.quantity - own.available)`);
  return rows.map((row) => row.variant);
}
