import { and, eq, inArray, sql } from 'drizzle-orm';
import { openStatuses } from '../attempts/attempt-status.rules.ts';
import type { Operations } from '../context.ts';
import { paymentAttempts, paymentIntents } from '../db/schema.ts';

/**
 * A dead order awaits no money. A captured intent stays captured: whether its money can be used is for orders to say. What was held of the
 * wallet is free again. Safe to repeat: the statement itself knows.
 */
export const closeIntent: Operations['closeIntent'] = async (ctx, { orderId, status }) => {
  await ctx.db.execute(sql`select payments_close_intent(${orderId}, ${status})`);
  // Where a bank would go on waiting for it, the sweep looks at once. Should that be lost, it looks by its usual times.
  const patient = Object.values(ctx.psps).flatMap((bank) => (bank.closePage ? [bank.psp] : []));
  if (patient.length === 0) return undefined;
  await ctx.db
    .update(paymentAttempts)
    .set({ dueAt: sql`now()` })
    .where(
      and(
        eq(paymentAttempts.orderId, orderId),
        inArray(paymentAttempts.psp, patient),
        inArray(paymentAttempts.status, openStatuses),
        sql`exists (select from ${paymentIntents} i where i.order_id = ${orderId} and i.status in ('expired', 'cancelled'))`,
      ),
    );
  return undefined;
};
