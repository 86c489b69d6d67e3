import { sql, TransactionRollbackError } from 'drizzle-orm';
import type { z } from 'zod';
import { orderPlaced } from '@kelid/contracts/events';
import { stockShort } from '@kelid/contracts/inventory';
import { dayLimitReached, type ordersContract, outOfStock } from '@kelid/contracts/orders';
import { limitReached } from '@kelid/contracts/payments';
import type { ProblemError } from '@kelid/contracts/contract';
import { answerKey, dropKey, failKey } from '@kelid/service/idempotency';
import { publish } from '@kelid/service/outbox';
import type { Context } from '../context.ts';
import { findOrder, isFree, moveOrder, type OrderRow, type OrderWithLines, stockLine } from '../orders/orders.ts';
import { letGo } from '../orders/let-go.ts';
import { markPaid } from '../fulfilling/paid.ts';

export type CheckoutAnswer = z.input<(typeof ordersContract)['operations']['checkout']['output']>;
export type Placing =
  | { kind: 'placed'; answer: CheckoutAnswer }
  /** Nothing is left of it, and the shopper can do something about that. */
  | { kind: 'refused'; problem: ProblemError }
  | { kind: 'failed' };

/** A living process renews its lease on a checkout each second; what a dead one left is anybody's after this many. */
export const leaseSeconds = 5;

/**
 * Brings a `placing` order to `pending_payment`, or takes every step back. Repeats by the order's id: peers answer what they answered.
 * Whoever calls this has made the order, or taken over its lease.
 */
export async function continueCheckout(ctx: Context, found: OrderWithLines): Promise<Placing> {
  const renewal = setInterval(() => void renewLease(ctx, found.order.id), 1_000);
  try {
    return await runCheckout(ctx, found);
  } finally {
    clearInterval(renewal);
  }
}

/** A renewal that fails is no fault: then somebody else may go on with the order. */
async function renewLease(ctx: Context, orderId: string): Promise<void> {
  await ctx.db
    .execute(
      sql`update orders set due_at = now() + make_interval(secs => ${leaseSeconds}) where id = ${orderId} and status = 'placing'`,
    )
    .catch(() => undefined);
}

async function runCheckout(ctx: Context, found: OrderWithLines): Promise<Placing> {
  const { order } = found;
  const orderId = order.id;
  let payment: CheckoutAnswer['payment'];
  try {
    payment = await holdAndStartPayment(ctx, found);
  } catch (error) {
    const problem = problemOf(error);
    if (!problem) ctx.log.warn({ orderId, err: error }, 'a checkout could not be completed and is taken back');
    await abandonCheckout(ctx, order, problem);
    return problem ? { kind: 'refused', problem } : { kind: 'failed' };
  }

  const answer: CheckoutAnswer = {
    orderId,
    orderNumber: order.orderNumber,
    status: isFree(order) ? 'paid' : 'pending_payment',
    totalRial: order.totalRial,
    payment,
  };
  if (await recordPlaced(ctx, found, answer)) return { kind: 'placed', answer };
  // Another runner of this story finished it, or took it back, while we asked the peers.
  const now = await findOrder(ctx.db, orderId);
  return now && !['placing', 'cancelled'].includes(now.status) ? { kind: 'placed', answer } : { kind: 'failed' };
}

async function holdAndStartPayment(ctx: Context, { order, lines }: OrderWithLines): Promise<CheckoutAnswer['payment']> {
  await ctx.peers.inventory.reserveStock({
    orderId: order.id,
    round: order.reservationRound,
    expiresAt: new Date(order.holdExpiresAt).toISOString(),
    lines: lines.map(stockLine),
  });
  return isFree(order) ? null : startPayment(ctx, order);
}

/**
 * Empties the cart of what was ordered (`account_key_of` tells two players' top-ups apart), and writes the order, its event and the answer under
 * its key. False when it was not `placing` any more.
 */
async function recordPlaced(ctx: Context, { order, lines }: OrderWithLines, answer: CheckoutAnswer): Promise<boolean> {
  const { id: orderId, orderNumber, customerId, totalRial } = order;
  return ctx
    .transaction(async (tx) => {
      // The cart before the order, as checkout locks them: the other way round, two tabs would wait for each other.
      await tx.execute(sql`
      with ordered as (select variant_id, account_key_of(game_account) as account_key from order_lines where order_id = ${orderId}),
      emptied as (delete from cart_items where cart_id = ${order.cartId} and (variant_id, account_key) in (select variant_id, account_key from ordered)),
      used as (delete from cart_coupons where cart_id = ${order.cartId} and coupon_id in (select coupon_id from coupon_uses where order_id = ${orderId}))
      update carts set order_count = order_count + 1, quote = null, quote_expires_at = null where id = ${order.cartId}`);
      const version = await moveOrder(tx, {
        orderId,
        from: ['placing'],
        to: 'pending_payment',
        reason: isFree(order) ? 'nothing to pay' : 'payment started',
        actor: 'service:orders',
      });
      if (version === undefined) return tx.rollback();
      await publish(tx, orderPlaced({ orderId, orderNumber, customerId, version, totalRial }));
      // No bank, no wallet and no capture: what costs nothing is paid here and now (A67).
      if (isFree(order)) {
        const free = { attemptId: order.firstAttemptId, reason: 'free', actor: 'service:orders' };
        await markPaid(tx, { order, lines }, free);
      }
      await answerKey(tx, scopeOf(order), 201, answer);
      return true;
    })
    .catch((error: unknown) => {
      if (error instanceof TransactionRollbackError) return false;
      throw error;
    });
}

/** A refusal that is final for this cart; anything else is a passing fault. */
function problemOf(error: unknown): ProblemError | undefined {
  if (stockShort.is(error)) return outOfStock(error.data);
  if (limitReached.is(error)) return dayLimitReached({ limitRial: error.data.limitRial });
  return undefined;
}

/**
 * Takes a checkout back: the order dies first, so that no later step can revive it; then what was held is let go. What cannot be
 * reached now is let go by the sweep. The key keeps a final refusal, and is given back after a passing fault.
 */
export async function abandonCheckout(ctx: Context, order: OrderRow, problem: ProblemError | undefined): Promise<void> {
  const isMine = await ctx.transaction(async (tx) => {
    const version = await moveOrder(tx, {
      orderId: order.id,
      from: ['placing'],
      to: 'cancelled',
      reason: problem?.code ?? 'a step failed',
      actor: 'service:orders',
    });
    if (version === undefined) return false;
    if (problem) await failKey(tx, scopeOf(order), problem.toBody());
    else await dropKey(tx, scopeOf(order));
    return true;
  });
  if (isMine) await letGo(ctx, order, 'cancelled');
}

async function startPayment(ctx: Context, order: OrderRow) {
  const { id: orderId, orderNumber, customerId, totalRial, usesWallet, contact, psp } = order;
  await ctx.peers.payments.createIntent({
    orderId,
    orderNumber,
    customerId,
    amountRial: totalRial,
    walletMaxRial: usesWallet ? totalRial : 0,
    ...(contact.phone ? { phone: contact.phone } : {}),
  });
  return ctx.peers.payments.startAttempt({ attemptId: order.firstAttemptId, orderId, psp });
}

export function scopeOf(order: OrderRow) {
  return { actorId: order.customerId, operation: 'checkout', key: order.idempotencyKey };
}
