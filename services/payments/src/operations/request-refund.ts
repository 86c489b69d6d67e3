import { and, eq, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { invalidInput } from '@kelid/contracts/common';
import {
  intentNotFound,
  type paymentsContract,
  refundMethodUnavailable,
  refundTooEarly,
  refundTooLarge,
} from '@kelid/contracts/payments';
import { parseSheba } from '@kelid/persian/sheba';
import { sqlState } from '@kelid/service/database';
import { answerKey, claimKey, keyScope } from '@kelid/service/idempotency';
import { newId } from '@kelid/service/ids';
import type { Context, Operations } from '../context.ts';
import { findRefund, rethrowOwnAffair, showRefund } from '../db/queries.ts';
import { paymentAttempts, paymentIntents, refunds } from '../db/schema.ts';
import { moveRefund, runRefund, wayBack } from '../refunding.ts';
import { actorName } from '../settling.ts';

type Answer = z.input<(typeof paymentsContract)['operations']['requestRefund']['output']>;
type Input = z.output<(typeof paymentsContract)['operations']['requestRefund']['input']>;

/** The amount is reserved with the row; where one person may decide it, the money goes at once. */
export const requestRefund: Operations['requestRefund'] = async (ctx, input) => {
  const { orderId, method, reason } = input;
  const scope = keyScope(ctx, 'requestRefund');
  const sheba = shebaOf(input);
  const [intent] = await ctx.db
    .select()
    .from(paymentIntents)
    .where(and(eq(paymentIntents.orderId, orderId), eq(paymentIntents.kind, 'order')));
  if (!intent || intent.status !== 'captured') throw intentNotFound();
  const leftRial = intent.amountRial - intent.refundedRial;
  const amountRial = input.amountRial ?? leftRial;
  const seen = await ctx.peers.inventory.withdrawKeys({ orderId, revealedMax: -1 });
  const needsApproval = amountRial > ctx.config.PAYMENTS_TWO_PEOPLE_ABOVE_RIAL || seen.revealedCount > 0;

  const refundId = newId();
  const claim = await ctx
    .transaction(async (tx) => {
      const claimed = await claimKey(tx, scope, input, refundId);
      if (claimed.kind !== 'new') return claimed;
      if (method === 'psp') await requireWayBack(ctx, intent.paidAttemptId, amountRial);
      await tx.execute(
        sql`select payments_request_refund(${refundId}, ${orderId}, ${amountRial}, ${method}, ${sheba}, ${needsApproval}, ${seen.revealedCount}, ${reason}, ${actorName(ctx)})`,
      );
      if (!needsApproval)
        await tx
          .update(refunds)
          .set({
            ...moveRefund(ctx, 'approved', 'one person may decide this'),
            dueAt: sql`now() + interval '30 seconds'`,
          })
          .where(eq(refunds.id, refundId));
      return claimed;
    })
    .catch((error: unknown) => {
      if (sqlState(error) === 'KE027') throw refundTooLarge({ refundableRial: leftRial });
      if (sqlState(error) === 'KE029') throw refundMethodUnavailable();
      if (sqlState(error) === 'KE031') throw refundTooEarly();
      return rethrowOwnAffair(error);
    });
  if (claim.kind === 'done') {
    ctx.answerHeaders['idempotency-replayed'] = 'true';
    return claim.answer as Answer; // Stored by this operation under this key.
  }
  const id = claim.kind === 'running' ? (claim.resourceId ?? refundId) : refundId;
  const refund = await findRefund(ctx, id);
  if (refund.status === 'approved') await runRefund(ctx, refund);
  const answer = showRefund(await findRefund(ctx, id));
  await answerKey(ctx.db, scope, 201, answer);
  return answer;
};

function shebaOf({ method, sheba }: Input): string | null {
  const parsed = sheba === undefined ? undefined : parseSheba(sheba);
  if (method === 'manual' && parsed === undefined)
    throw invalidInput({ errors: [{ field: 'sheba', message: 'Send a Sheba: IR and 24 digits' }] });
  return method === 'manual' ? (parsed ?? null) : null;
}

async function requireWayBack(ctx: Context, attemptId: string | null, amountRial: number): Promise<void> {
  const [attempt] = await ctx.db
    .select()
    .from(paymentAttempts)
    .where(eq(paymentAttempts.id, attemptId ?? ''));
  const provider = attempt && attempt.psp !== 'wallet' ? ctx.psps[attempt.psp] : undefined;
  if (!attempt || !provider || !wayBack(provider, attempt, amountRial, ctx.now())) throw refundMethodUnavailable();
}
