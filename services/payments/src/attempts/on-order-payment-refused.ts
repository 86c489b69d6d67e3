import { and, eq, sql } from 'drizzle-orm';
import type { Delivered } from '@kelid/contracts/contract';
import { type orderPaymentRefused, paymentSurplus } from '@kelid/contracts/events';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { paymentAttempts } from '../db/schema.ts';

/** Captured money that its order could not use goes to the customer's wallet, once, by `ledger_post`. */
export async function onOrderPaymentRefused(ctx: Context, event: Delivered<typeof orderPaymentRefused>): Promise<void> {
  const { attemptId } = event.data;
  await ctx.transaction(async (tx) => {
    const [attempt] = await tx
      .update(paymentAttempts)
      .set({ isSurplus: true, updatedAt: sql`now()` })
      .where(
        and(
          eq(paymentAttempts.id, attemptId),
          eq(paymentAttempts.status, 'captured'),
          eq(paymentAttempts.isSurplus, false),
        ),
      )
      .returning();
    if (!attempt) return;
    const { id, orderId, customerId, amountRial } = attempt;
    await tx.execute(
      sql`select ledger_post('surplus', ${id}, ${orderId}, array['deposits:orders', ${`wallet:${customerId}`}], array[${amountRial}::bigint, -${amountRial}::bigint])`,
    );
    await publish(tx, paymentSurplus({ attemptId: id, orderId, customerId, amountRial }));
  });
}
