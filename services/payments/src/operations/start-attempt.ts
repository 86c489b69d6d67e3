import { and, eq, sql } from 'drizzle-orm';
import { intentClosed, intentNotFound, paymentBeingChecked, pspUnavailable } from '@kelid/contracts/payments';
import { failpoint } from '@kelid/service/failpoint';
import type { Context, Operations } from '../context.ts';
import { paymentAttempts, paymentIntents } from '../db/schema.ts';
import { actorName, moveTo } from '../settling.ts';

/**
 * The attempt's row is committed before the PSP is asked and its token before the customer is sent there (F17). The same id again
 * answers the same redirect.
 */
export const startAttempt: Operations['startAttempt'] = async (ctx, { attemptId, orderId, psp }) => {
  const { rows } = await ctx.db.execute<{
    attempt_no: number;
    order_number: string;
    amount_rial: number;
    phone: string | null;
  }>(sql`
    insert into payment_attempts (id, intent_id, order_id, customer_id, psp, status, amount_rial, due_at, moved_by, move_cause)
    select ${attemptId}, intent.id, intent.order_id, intent.customer_id, ${psp}, 'requesting', intent.amount_rial, now() + interval '2 minutes', ${actorName(ctx)}, 'checkout'
    from payment_intents intent where intent.order_id = ${orderId} and intent.status = 'open'
      and not exists (
        select from payment_attempts other where other.intent_id = intent.id and other.status in ('verifying', 'unknown')
          and exists (select from attempt_history move where move.attempt_id = other.id and move.to_status = 'verifying'
            and move.from_status <> 'unknown' and move.at > now() - interval '3 minutes'))
    on conflict (id) do nothing
    returning attempt_no, (select order_number from payment_intents where order_id = ${orderId}), amount_rial, (select phone from payment_intents where order_id = ${orderId})`);
  const made = rows[0];
  if (!made) return answerExisting(ctx, attemptId, orderId);

  failpoint('payments.attempt-committed'); // Before CP5.
  const provider = ctx.psps[psp];
  const answer = await provider.request({
    attemptId,
    attemptNo: made.attempt_no,
    orderNumber: made.order_number,
    amountRial: made.amount_rial,
    phone: made.phone,
    callbackUrl: `${ctx.config.PAYMENTS_CALLBACK_URL}/api/v1/payments/callback/${psp}`,
  });
  failpoint('payments.requested'); // CP5
  if (answer.kind !== 'accepted') {
    const reason = answer.kind === 'refused' ? `request refused ${answer.pspCode}` : 'request not answered';
    await ctx.db
      .update(paymentAttempts)
      .set({ ...moveTo(ctx, 'failed', reason), failureReason: reason, dueAt: null })
      .where(and(eq(paymentAttempts.id, attemptId), eq(paymentAttempts.status, 'requesting')));
    ctx.log.warn({ attemptId, orderId, psp, reason }, 'a payment could not be started');
    throw pspUnavailable({ retryAfterSeconds: 10 });
  }
  const [redirected] = await ctx.db
    .update(paymentAttempts)
    .set({
      ...moveTo(ctx, 'redirected', 'accepted by the bank'),
      pspToken: answer.pspToken,
      redirectUrl: answer.redirectUrl,
      redirectedAt: sql`now()`,
      dueAt: sql`now() + interval '5 minutes'`,
    })
    .where(and(eq(paymentAttempts.id, attemptId), eq(paymentAttempts.status, 'requesting')))
    .returning({ id: paymentAttempts.id });
  if (!redirected) throw pspUnavailable({ retryAfterSeconds: 10 }); // The sweep gave up on it in the meantime.
  return { attemptId, redirectUrl: answer.redirectUrl };
};

async function answerExisting(ctx: Context, attemptId: string, orderId: string) {
  const [attempt] = await ctx.db
    .select()
    .from(paymentAttempts)
    .where(and(eq(paymentAttempts.id, attemptId), eq(paymentAttempts.orderId, orderId)));
  if (attempt) {
    if (attempt.redirectUrl === null) throw pspUnavailable({ retryAfterSeconds: 10 });
    return { attemptId, redirectUrl: attempt.redirectUrl };
  }
  const [intent] = await ctx.db.select().from(paymentIntents).where(eq(paymentIntents.orderId, orderId));
  if (!intent) throw intentNotFound();
  if (intent.status !== 'open') throw intentClosed();
  throw paymentBeingChecked({ retryAfterSeconds: 15 });
}
