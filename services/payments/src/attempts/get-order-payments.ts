import { and, asc, eq, ne, notInArray } from 'drizzle-orm';
import { intentNotFound } from '@kelid/contracts/payments';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { paymentAttempts, paymentIntents, refunds, walletHolds } from '../db/schema.ts';
import { showAttempt } from './attempts.ts';

export const getOrderPayments: Operations['getOrderPayments'] = async (ctx, { orderId }) => {
  const [intent] = await ctx.db
    .select()
    .from(paymentIntents)
    .where(and(eq(paymentIntents.orderId, orderId), eq(paymentIntents.customerId, requireUser(ctx).userId)));
  if (!intent) throw intentNotFound();
  const [hold] = await ctx.db
    .select({ amountRial: walletHolds.amountRial })
    .from(walletHolds)
    .where(and(eq(walletHolds.intentId, intent.id), ne(walletHolds.status, 'voided')));
  const attempts = await ctx.db
    .select()
    .from(paymentAttempts)
    .where(eq(paymentAttempts.intentId, intent.id))
    .orderBy(asc(paymentAttempts.id));
  const given = await ctx.db
    .select({
      id: refunds.id,
      amountRial: refunds.amountRial,
      method: refunds.method,
      status: refunds.status,
      createdAt: refunds.createdAt,
    })
    .from(refunds)
    .where(and(eq(refunds.intentId, intent.id), notInArray(refunds.status, ['rejected', 'failed'])))
    .orderBy(asc(refunds.id));
  return {
    intentId: intent.id,
    kind: intent.kind,
    orderId,
    amountRial: intent.amountRial,
    walletRial: hold?.amountRial ?? 0,
    status: intent.status,
    attempts: attempts.map(showAttempt),
    refunds: given.map((refund) => ({ ...refund, createdAt: new Date(refund.createdAt).toISOString() })),
  };
};
