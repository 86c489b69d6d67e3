import { and, eq, notInArray, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { invalidInput } from '@kelid/contracts/common';
import {
  intentNotFound,
  type paymentsContract,
  refundMethodUnavailable,
  refundTooEarly,
  refundTooLarge,
} from '@kelid/contracts/payments';
import { sumRial } from '@kelid/money/rial';
import { parseSheba } from '@kelid/persian/sheba';
import { actorName, type Tx } from '@kelid/service/context';
import { sqlState } from '@kelid/service/database';
import { oncePerKey } from '@kelid/service/idempotency';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Context, Operations } from '../context.ts';
import { paymentAttempts, paymentIntents, refunds } from '../db/schema.ts';
import { rethrowOwnAffair } from '../refusals.ts';
import { planRefund } from './plan-refund.rules.ts';
import { moveRefund, runRefund, wayBack } from './refunding.ts';
import { findRefund, showRefund } from './refunds.ts';

type Input = z.output<(typeof paymentsContract)['operations']['requestRefund']['input']>;

/** The amount is reserved with the row by `payments_request_refund`; where one person may decide it, the money goes at once. */
export const requestRefund: Operations['requestRefund'] = async (ctx, input) => {
  const { orderId } = input;
  const sheba = shebaOf(input);
  const [intent] = await ctx.db
    .select()
    .from(paymentIntents)
    .where(and(eq(paymentIntents.orderId, orderId), eq(paymentIntents.kind, 'order')));
  if (!intent || intent.status !== 'captured') throw intentNotFound();
  const sold = await findSold(ctx, orderId);

  let dayLimit: string | null = null;
  return oncePerKey(ctx, 'requestRefund', input, {
    status: 201,
    begin: async (tx, refundId) => {
      dayLimit = await reserve(ctx, tx, refundId, intent, sold, { ...input, sheba });
    },
    finish: async (refundId) => {
      if (dayLimit !== null)
        ctx.log.error(
          { orderId, refundId, actor: actorName(ctx), scope: dayLimit, alarm: 'goodwill-limit' },
          'what may be given away as goodwill in a day is used up; another person decides',
        );
      const refund = await findRefund(ctx, refundId);
      if (refund.status === 'approved') await runRefund(ctx, refund);
      return showRefund(await findRefund(ctx, refundId), ctx);
    },
  }).catch((error: unknown) => {
    if (sqlState(error) === sqlStates.refundTooLarge)
      throw refundTooLarge({ refundableRial: intent.amountRial - intent.refundedRial });
    if (sqlState(error) === sqlStates.cardPaidLess) throw refundMethodUnavailable();
    if (sqlState(error) === sqlStates.refundTooEarly) throw refundTooEarly();
    return rethrowOwnAffair(error);
  });
};

/** Answers which limit of a day, if any, is why another person must approve it. */
async function reserve(
  ctx: Context,
  tx: Tx,
  refundId: string,
  intent: typeof paymentIntents.$inferSelect,
  sold: Sold,
  input: Omit<Input, 'sheba'> & { sheba: string | null },
): Promise<string | null> {
  const { config } = ctx;
  const { orderId, method, sheba, reason } = input;
  const { amountRial, keyIds, gainRial } = await plan(tx, intent.id, sold, input);
  if (method === 'psp') await requireWayBack(ctx, intent.paidAttemptId, amountRial);
  const isDoubtful = sold.isSeen || gainRial > config.PAYMENTS_GOODWILL_MAX_RIAL;
  const { rows } = await tx.execute<{ needs_approval: boolean; day_limit: string | null }>(
    sql`select (refund).needs_approval, day_limit from payments_request_refund(${refundId}, ${orderId}, ${amountRial}, ${method}, ${sheba}, ${isDoubtful},
      ${sold.revealedCount}, ${sql.param(keyIds)}::uuid[], ${reason}, ${actorName(ctx)}, ${config.PAYMENTS_TWO_PEOPLE_ABOVE_RIAL},
      ${gainRial}, ${config.PAYMENTS_GOODWILL_STAFF_DAY_MAX_RIAL}, ${config.PAYMENTS_GOODWILL_DAY_MAX_RIAL})`,
  );
  if (rows[0]?.needs_approval === false)
    await tx
      .update(refunds)
      .set({ ...moveRefund(ctx, 'approved', 'one person may decide this'), dueAt: sql`now() + interval '30 seconds'` })
      .where(eq(refunds.id, refundId));
  return rows[0]?.day_limit ?? null;
}

type Sold = Awaited<ReturnType<typeof findSold>>;

/** What was paid for each delivered unit, and what became of its product key. */
async function findSold(ctx: Context, orderId: string) {
  const { lines } = await ctx.peers.orders.getPaidUnits({ orderId });
  const { revealedCount, units } = await ctx.peers.inventory.withdrawKeys({ orderId, revealedMax: -1 });
  const unitsRial = new Map(lines.map((line) => [line.orderLineId, line.unitsRial]));
  return {
    revealedCount,
    // By its customer, by staff who may have told it, or as a top-up that its player has.
    isSeen: revealedCount > 0 || units.some(({ state }) => state === 'seen'),
    goodsRial: sumRial(lines.flatMap((line) => line.unitsRial)),
    units: units.map(({ keyId, state, orderLineId, unitNo }) => ({
      keyId,
      state,
      paidRial: unitsRial.get(orderLineId)?.[unitNo - 1] ?? 0,
    })),
  };
}

/** Under the lock of what is owed, so that each slice is judged with all those before it. */
async function plan(tx: Tx, intentId: string, sold: Sold, input: Pick<Input, 'amountRial' | 'keyIds'>) {
  const [intent] = await tx.select().from(paymentIntents).where(eq(paymentIntents.id, intentId)).for('no key update');
  if (!intent) throw intentNotFound();
  const leftRial = intent.amountRial - intent.refundedRial;
  const amountRial = input.amountRial ?? leftRial;
  // A whole refund closes whatever is open.
  if (amountRial >= leftRial) return { amountRial, keyIds: [], gainRial: 0 };
  const others = await tx
    .select({ keyIds: refunds.keyIds })
    .from(refunds)
    .where(and(eq(refunds.intentId, intentId), notInArray(refunds.status, ['failed', 'rejected'])));
  const closing = new Set(others.flatMap(({ keyIds }) => keyIds));
  const units = sold.units.map((unit) => (closing.has(unit.keyId) ? { ...unit, state: 'closed' as const } : unit));
  const planned = planRefund(
    { goodsRial: sold.goodsRial, goesBackRial: intent.refundedRial + amountRial },
    units,
    input.keyIds,
  );
  if (planned === 'name-the-keys')
    throw invalidInput({
      errors: [{ field: 'keyIds', message: 'Some keys were seen and some were not: name those that this is for' }],
    });
  if (planned === 'not-open')
    throw invalidInput({ errors: [{ field: 'keyIds', message: 'Name unseen product keys of this order' }] });
  return { amountRial, ...planned };
}

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
