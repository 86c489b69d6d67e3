import type { z } from 'zod';
import { orderNotPayable, type ordersContract } from '@kelid/contracts/orders';
import { intentClosed, paymentInReview } from '@kelid/contracts/payments';
import { requireUser } from '@kelid/service/context';
import { answerKey, claimKey, keyScope } from '@kelid/service/idempotency';
import { newId } from '@kelid/service/ids';
import type { Operations } from '../context.ts';
import { getOwnOrder, isUnpaidReview } from '../orders/orders.ts';

type Answer = z.input<(typeof ordersContract)['operations']['payOrder']['output']>;

/** A new attempt. Its id is committed with the key before the bank is asked, so a repeated request is the same attempt. */
export const payOrder: Operations['payOrder'] = async (ctx, input) => {
  const { userId } = requireUser(ctx);
  const scope = keyScope(ctx, 'payOrder');
  const order = await getOwnOrder(ctx.db, input.orderId, userId);
  const newAttemptId = newId();
  const claim = await ctx.transaction((tx) => claimKey(tx, scope, input, newAttemptId));
  if (claim.kind === 'done') {
    ctx.answerHeaders['idempotency-replayed'] = 'true';
    return claim.answer as Answer; // Stored by this operation under this key.
  }
  if (isUnpaidReview(order)) throw paymentInReview();
  if (order.status !== 'pending_payment') throw orderNotPayable({ orderId: order.id, status: order.status });
  const attemptId = claim.kind === 'running' ? (claim.resourceId ?? newAttemptId) : newAttemptId;
  const attempt = await ctx.peers.payments
    .startAttempt({ attemptId, orderId: order.id, psp: input.psp })
    .catch((error: unknown) => {
      if (intentClosed.is(error)) throw orderNotPayable({ orderId: order.id, status: order.status });
      throw error;
    });
  await answerKey(ctx.db, scope, 200, attempt);
  return attempt;
};
