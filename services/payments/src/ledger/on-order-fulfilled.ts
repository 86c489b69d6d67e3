import { sql } from 'drizzle-orm';
import type { Delivered } from '@kelid/contracts/contract';
import type { orderFulfilled } from '@kelid/contracts/events';
import { failpoint } from '@kelid/service/failpoint';
import type { Context } from '../context.ts';

/**
 * The customer's deposit becomes income of its sellers, but for the VAT in it, which is the state's. The own key of `ledger_post_sale` makes a
 * second delivery a no-op, so no inbox row is needed.
 */
export async function onOrderFulfilled(ctx: Context, event: Delivered<typeof orderFulfilled>): Promise<void> {
  const { orderId, totalRial, vatRial, sellers } = event.data;
  // A free order has no deposit, and the ledger takes no entry of 0.
  if (totalRial === 0) return;
  await ctx.db.execute(
    sql`select ledger_post_sale(${orderId}, ${totalRial}, ${vatRial}, ${JSON.stringify(sellers)}::jsonb)`,
  );
  failpoint('payments.sale-posted'); // CP17
}
