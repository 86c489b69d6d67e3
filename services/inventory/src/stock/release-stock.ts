import { sql } from 'drizzle-orm';
import { newId } from '@kelid/service/ids';
import type { Operations } from '../context.ts';

/** Ends the hold once, by `inventory_let_go`; a hold that is not made yet is refused for ever. */
export const releaseStock: Operations['releaseStock'] = async (ctx, { orderId, round }) => {
  await ctx.transaction(async (tx) => {
    // A release that overtakes its reserve leaves this row, which refuses the late reserve (CP3).
    await tx.execute(sql`
      insert into reservations (id, order_id, round, status, unit_count, expires_at) values (${newId()}, ${orderId}, ${round}, 'released', 0, now())
      on conflict (order_id, round) do nothing`);
    await tx.execute(
      sql`select inventory_let_go(id, 'released') from reservations where order_id = ${orderId} and round = ${round}`,
    );
  });
  return undefined;
};
