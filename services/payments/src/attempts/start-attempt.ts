import { and, eq, sql } from 'drizzle-orm';
import {
  intentClosed,
  intentNotFound,
  paymentBeingChecked,
  paymentInReview,
  paymentsContract,
  type Psp,
  pspUnavailable,
  type StartedAttempt,
} from '@kelid/contracts/payments';
import { addressOf } from '@kelid/contracts/address';
import { failpoint } from '@kelid/service/failpoint';
import { newId } from '@kelid/service/ids';
import { actorName } from '@kelid/service/context';
import type { Context, Operations } from '../context.ts';
import { paymentAttempts, paymentIntents } from '../db/schema.ts';
import { levelOf } from '../limits/customer-levels.ts';
import type { AttemptFacts, PspProvider, RequestAnswer } from '../providers/psp.ts';
import { moveTo } from './attempts.ts';
import { getOrderMoney } from './get-order-money.ts';
import { offeredPsps } from './routing.ts';
import { nextInquirySeconds } from './schedule.rules.ts';

/** The bank was not at fault: this does not count against it, as `request …` does. */
const givenUp = 'given up by the caller';

/**
 * One try, at the bank that was chosen or, when that one does not begin, at the best of the others. The same id again answers the same
 * redirect.
 */
export const startAttempt: Operations['startAttempt'] = async (ctx, { attemptId, orderId, psp }) => {
  const matchedPhone = await phoneToMatch(ctx, orderId);
  const mustMatchPhone = matchedPhone !== undefined;
  const offered = (await offeredPsps(ctx)).filter((provider) => !mustMatchPhone || provider.facts.matchesPhone);
  const chosen = offered.filter((provider) => provider.psp === psp);
  // Only by its like: who chose a card of another country has none of these banks.
  const isAlone = ctx.psps[psp]?.facts.isByChoice;
  const others = offered.filter((provider) => provider.psp !== psp && !provider.facts.isByChoice && !isAlone);
  let next: Try = { attemptId, fallbackOf: null, matchedPhone };
  for (const provider of [...chosen, ...others]) {
    const begun = await begin(ctx, provider, orderId, next);
    if (begun !== 'failed') return begun;
    if (ctx.signal.aborted) break;
    next = { ...next, attemptId: newId(), fallbackOf: next.attemptId };
  }
  // No bank at all: what was begun before, or paid by the wallet, is still answered.
  if (chosen.length + others.length === 0)
    return (await payByWallet(ctx, attemptId, orderId)) ?? answerExisting(ctx, attemptId, orderId, true);
  throw pspUnavailable({ retryAfterSeconds: 10 });
};

/** Whose card whoever owes this has to pay by: the account's own phone, never one that was typed for messages. */
async function phoneToMatch(ctx: Context, orderId: string): Promise<string | undefined> {
  const fromRial = ctx.config.PAYMENTS_MATCHED_CARD_FROM_RIAL;
  if (fromRial === undefined) return undefined;
  const [intent] = await ctx.db.select().from(paymentIntents).where(eq(paymentIntents.orderId, orderId));
  if (!intent || intent.amountRial < fromRial || (await levelOf(ctx, intent.customerId)) > 0) return undefined;
  return (await ctx.peers.identity.getUser({ userId: intent.customerId })).phone;
}

/** One attempt at one bank. */
interface Try {
  attemptId: string;
  /** The attempt at another bank that did not begin. */
  fallbackOf: string | null;
  matchedPhone: string | undefined;
}

/** The attempt's row is committed before the PSP is asked and its token before the customer is sent there (F17). */
async function begin(ctx: Context, bank: PspProvider, orderId: string, next: Try): Promise<StartedAttempt | 'failed'> {
  const { psp } = bank;
  const { attemptId, matchedPhone } = next;
  const made = await commitAttempt(ctx, psp, orderId, next);
  if (!made)
    return (
      (await payByWallet(ctx, attemptId, orderId)) ?? answerExisting(ctx, next.fallbackOf ?? attemptId, orderId, false)
    );

  failpoint('payments.attempt-committed'); // Before CP5.
  const facts: AttemptFacts = {
    attemptId,
    attemptNo: made.attempt_no,
    orderNumber: made.order_number,
    amountRial: made.amount_rial,
    phone: matchedPhone ?? made.phone,
    ...(matchedPhone === undefined ? {} : { mustMatchPhone: true }),
    callbackUrl:
      ctx.config.PAYMENTS_CALLBACK_URL + addressOf(paymentsContract.operations.handlePspCallback, { psp }).path,
  };
  const answer = await bank.request(facts, ctx.signal);
  failpoint('payments.requested'); // CP5
  if (answer.kind === 'accepted') return recordRedirect(ctx, bank, next, answer);
  const unanswered = ctx.signal.aborted ? givenUp : 'request not answered';
  const reason = answer.kind === 'refused' ? `request refused ${answer.pspCode}` : unanswered;
  await ctx.db
    .update(paymentAttempts)
    .set({ ...moveTo(ctx, 'failed', reason), failureReason: reason, dueAt: null })
    .where(isRequesting(attemptId));
  ctx.log.warn({ attemptId, orderId, psp, reason }, 'a payment could not be started');
  return 'failed';
}

/** No row: the order awaits no payment, or none now, since its last one may be paid. */
async function commitAttempt(ctx: Context, psp: Psp, orderId: string, { attemptId, fallbackOf }: Try) {
  const { rows } = await ctx.db.execute<{
    attempt_no: number;
    order_number: string;
    amount_rial: number;
    phone: string | null;
  }>(sql`
    insert into payment_attempts (id, intent_id, order_id, customer_id, psp, status, amount_rial, due_at, moved_by, move_cause, fallback_of)
    select ${attemptId}, intent.id, intent.order_id, intent.customer_id, ${psp}, 'requesting', intent.amount_rial - held.rial, now() + interval '2 minutes', ${actorName(ctx)}, 'checkout', ${fallbackOf}::uuid
    from payment_intents intent
      cross join lateral (select coalesce(sum(amount_rial), 0)::bigint as rial from wallet_holds h where h.intent_id = intent.id and h.status = 'held') held
    where intent.order_id = ${orderId} and intent.status = 'open' and intent.amount_rial > held.rial
      and not exists (
        select from payment_attempts other where other.intent_id = intent.id and (other.status = 'review' or other.status in ('verifying', 'unknown')
          and exists (select from attempt_history move where move.attempt_id = other.id and move.to_status = 'verifying'
            and move.from_status <> 'unknown' and move.at > now() - interval '3 minutes')))
    on conflict do nothing
    returning attempt_no, (select order_number from payment_intents where order_id = ${orderId}), amount_rial, (select phone from payment_intents where order_id = ${orderId})`);
  return rows[0];
}

async function recordRedirect(
  ctx: Context,
  { psp, facts }: PspProvider,
  { attemptId, matchedPhone }: Try,
  answer: Extract<RequestAnswer, { kind: 'accepted' }>,
): Promise<StartedAttempt> {
  const [redirected] = await ctx.db
    .update(paymentAttempts)
    .set({
      ...moveTo(ctx, 'redirected', 'accepted by the bank'),
      pspToken: answer.pspToken,
      redirectUrl: answer.redirectUrl,
      redirectFields: answer.redirectFields ?? null,
      terms: { ...answer.terms, ...(matchedPhone === undefined ? {} : { phoneMatched: '1' }) },
      redirectedAt: sql`now()`,
      dueAt: sql`now() + make_interval(secs => ${nextInquirySeconds(0, facts.isAskedByVerify)})`,
    })
    .where(isRequesting(attemptId))
    .returning({ id: paymentAttempts.id });
  if (!redirected) throw pspUnavailable({ retryAfterSeconds: 10 }); // The sweep gave up on it in the meantime.
  return { attemptId, psp, redirectUrl: answer.redirectUrl, redirectFields: answer.redirectFields ?? null };
}

function isRequesting(attemptId: string) {
  return and(eq(paymentAttempts.id, attemptId), eq(paymentAttempts.status, 'requesting'));
}

/** Where the wallet's part is the whole, no bank is asked: `payments_pay_by_wallet` says whether it is. */
async function payByWallet(ctx: Context, attemptId: string, orderId: string) {
  const { rows } = await ctx.db.execute<{ is_paid: boolean }>(
    sql`select payments_pay_by_wallet(${attemptId}, ${orderId}, ${actorName(ctx)}) as is_paid`,
  );
  if (!rows[0]?.is_paid) return undefined;
  ctx.wakeRelay();
  return { attemptId, psp: 'wallet' as const, redirectUrl: null, redirectFields: null };
}

async function answerExisting(ctx: Context, attemptId: string, orderId: string, isAway: boolean) {
  let [attempt] = await ctx.db
    .select()
    .from(paymentAttempts)
    .where(and(eq(paymentAttempts.id, attemptId), eq(paymentAttempts.orderId, orderId)));
  // A bank that did not begin: what was made in its place is the answer.
  while (attempt) {
    const [fallback] = await ctx.db.select().from(paymentAttempts).where(eq(paymentAttempts.fallbackOf, attempt.id));
    if (!fallback) break;
    attempt = fallback;
  }
  if (attempt) {
    const { psp, redirectUrl, redirectFields } = attempt;
    if (redirectUrl === null && psp !== 'wallet') throw pspUnavailable({ retryAfterSeconds: 10 });
    return { attemptId: attempt.id, psp, redirectUrl, redirectFields };
  }
  const [intent] = await ctx.db.select().from(paymentIntents).where(eq(paymentIntents.orderId, orderId));
  if (!intent) throw intentNotFound();
  if (intent.status !== 'open') throw intentClosed();
  if (isAway) throw pspUnavailable({ retryAfterSeconds: 10 });
  // Until a person has decided, nobody knows whether this order is paid.
  const { state } = await getOrderMoney(ctx, { orderId });
  throw state === 'review' ? paymentInReview() : paymentBeingChecked({ retryAfterSeconds: 15 });
}
