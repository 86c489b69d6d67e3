import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { reservationReleased, stockShort } from '@kelid/contracts/inventory';
import { stoppedVariants } from '@kelid/service/breaches';
import { sqlState } from '@kelid/service/database';
import { failpoint } from '@kelid/service/failpoint';
import { newId } from '@kelid/service/ids';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Context, Operations } from '../context.ts';

type Input = Parameters<Operations['reserveStock']>[1];

/** One statement is the whole transaction: `inventory_reserve` holds every unit or nothing. */
export const reserveStock: Operations['reserveStock'] = async (ctx, input) => {
  const stopped = await stoppedVariants(
    ctx.db,
    input.lines.map((line) => line.variantId),
  );
  if (stopped.length > 0) throw stockShort({ variantIds: stopped });
  for (let attempt = 1; ; attempt += 1) {
    try {
      const reservationId = await reserve(ctx, input);
      failpoint('inventory.reserved'); // CP3
      return { reservationId };
    } catch (error) {
      if (sqlState(error) !== sqlStates.stockShort) throw error;
      // Units that another checkout holds locked at this moment may come back; no connection is kept meanwhile.
      if (attempt >= 4) throw stockShort({ variantIds: [] });
      await sleep(20 + Math.random() * 60);
    }
  }
};

async function reserve(ctx: Context, { orderId, round, expiresAt, lines }: Input): Promise<string> {
  const { rows } = await ctx.db.execute<{ reservation_id: string; state: string; short_variants: string[] | null }>(
    sql`select * from inventory_reserve(${newId()}, ${orderId}, ${round}, ${expiresAt}, ${JSON.stringify(lines)}::jsonb)`,
  );
  const made = rows[0];
  if (!made) throw new Error('The reservation was not answered');
  if (made.state === 'short') throw stockShort({ variantIds: made.short_variants ?? [] });
  if (made.state === 'released' || made.state === 'expired') throw reservationReleased();
  return made.reservation_id;
}
