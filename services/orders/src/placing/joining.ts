import { setTimeout as sleep } from 'node:timers/promises';
import { and, eq, sql } from 'drizzle-orm';
import { idempotencyKeyRunning } from '@kelid/contracts/common';
import { cartEmpty, checkoutFailed } from '@kelid/contracts/orders';
import { answerKey, claimKey, dropKey, failKey, findAnswerOf, type KeyScope } from '@kelid/service/idempotency';
import type { Context } from '../context.ts';
import { findOrder, findOrderWithLines, type OrderRow, type OrderWithLines } from '../orders/orders.ts';
import { couponUses, orders } from '../db/schema.ts';
import {
  abandonCheckout,
  type CheckoutAnswer,
  continueCheckout,
  leaseSeconds,
  type Placing,
  scopeOf,
} from './placing.ts';

/** What a checkout would order, to be compared with what was ordered. */
export interface AskedOrder {
  psp: string;
  usesWallet: boolean;
  contact: { phone?: string; email?: string };
  expectedTotalRial: number | undefined;
  couponIds: string[];
  lines: {
    variantId: string;
    quantity: number;
    unitPriceRial: number;
    gameAccount: { playerId: string; zone: string | null } | null;
  }[];
}

/** The order that this state of a cart already is, whether it is placed or still being placed. */
export async function findOrderOfCart(
  ctx: Context,
  cart: { id: string; orderCount: number },
): Promise<OrderWithLines | undefined> {
  const [row] = await ctx.db
    .select({ id: orders.id })
    .from(orders)
    .where(
      and(
        eq(orders.cartId, cart.id),
        eq(orders.cartOrderCount, cart.orderCount),
        sql`${orders.status} not in ('cancelled', 'expired')`,
      ),
    );
  return row && findOrderWithLines(ctx.db, row.id);
}

/**
 * A checkout whose cart already is an order, under another key: another tab was first, or a process died in the middle and the shopper tries
 * again. Where both want the same, that order is the answer, gone on with where nobody works on it. Where they do not, an order that nobody
 * works on is taken back, and undefined says that this checkout may place its own.
 */
export async function joinCheckout(
  ctx: Context,
  scope: KeyScope,
  input: unknown,
  found: OrderWithLines,
  asked: AskedOrder,
): Promise<CheckoutAnswer | undefined> {
  const { order } = found;
  const hasJustBeenOrdered = () => cartEmpty('This cart has just been ordered');
  if (!(await isSame(ctx, found, asked))) {
    if (order.status !== 'placing' || !(await takeLease(ctx, order))) throw hasJustBeenOrdered();
    await abandonCheckout(ctx, order, undefined);
    return undefined;
  }
  const placed = await finish(ctx, found);
  if (placed === 'running') throw hasJustBeenOrdered();
  if (placed === 'dead') return undefined;
  const claim = await ctx.transaction((tx) => claimKey(tx, scope, input, order.id));
  if (claim.kind === 'done') return claim.answer as CheckoutAnswer; // Stored by checkout under this key.
  return answerWith(ctx, scope, placed);
}

/** The same key again while its first request is not answered: it goes on where a dead process stopped, and waits for no living one. */
export async function resumeCheckout(ctx: Context, scope: KeyScope, orderId: string | null): Promise<CheckoutAnswer> {
  const found = orderId === null ? undefined : await findOrderWithLines(ctx.db, orderId);
  if (!found || (found.order.status === 'placing' && !(await takeLease(ctx, found.order))))
    throw idempotencyKeyRunning({ retryAfterSeconds: 1 });
  const placed =
    found.order.status === 'placing' ? await continueCheckout(ctx, found) : await answered(ctx, found.order);
  return answerWith(ctx, scope, placed === 'dead' ? { kind: 'failed' } : placed);
}

/** Waits while somebody works on the order, and goes on with it when they stop. */
async function finish(ctx: Context, found: OrderWithLines): Promise<Placing | 'dead' | 'running'> {
  const until = performance.now() + (leaseSeconds + 3) * 1_000;
  while (performance.now() < until && !ctx.signal.aborted) {
    const order = await findOrder(ctx.db, found.order.id);
    if (order?.status !== 'placing') return order ? answered(ctx, order) : 'dead';
    if (await takeLease(ctx, order)) return continueCheckout(ctx, found);
    await sleep(100);
  }
  return 'running';
}

/** What was answered under the order's own key, in the transaction that placed it. */
async function answered(ctx: Context, order: OrderRow): Promise<Placing | 'dead'> {
  if (order.status === 'cancelled') return 'dead';
  const answer = await findAnswerOf(ctx.db, scopeOf(order));
  return answer === undefined ? 'dead' : { kind: 'placed', answer: answer as CheckoutAnswer };
}

async function answerWith(ctx: Context, scope: KeyScope, placed: Placing): Promise<CheckoutAnswer> {
  if (placed.kind === 'placed') {
    await answerKey(ctx.db, scope, 201, placed.answer);
    return placed.answer;
  }
  if (placed.kind === 'refused') {
    await failKey(ctx.db, scope, placed.problem.toBody());
    throw placed.problem;
  }
  await dropKey(ctx.db, scope);
  throw checkoutFailed({ retryAfterSeconds: 1 });
}

/** Two runners at once would take each other's payment for one that failed: only what no living process renews is taken over. */
async function takeLease(ctx: Context, { id }: OrderRow): Promise<boolean> {
  const { rows } = await ctx.db.execute(
    sql`update orders set due_at = now() + make_interval(secs => ${leaseSeconds}) where id = ${id} and status = 'placing' and due_at <= now() returning id`,
  );
  return rows.length > 0;
}

async function isSame(ctx: Context, { order, lines }: OrderWithLines, asked: AskedOrder): Promise<boolean> {
  const used = await ctx.db
    .select({ couponId: couponUses.couponId })
    .from(couponUses)
    .where(eq(couponUses.orderId, order.id));
  const list = (all: AskedOrder['lines']) =>
    all
      .map(({ variantId, quantity, unitPriceRial, gameAccount }) =>
        [variantId, quantity, unitPriceRial, gameAccount?.playerId ?? '', gameAccount?.zone ?? ''].join('|'),
      )
      .toSorted()
      .join();
  return (
    order.totalRial === (asked.expectedTotalRial ?? order.totalRial) &&
    order.psp === asked.psp &&
    order.usesWallet === asked.usesWallet &&
    order.contact.phone === asked.contact.phone &&
    order.contact.email === asked.contact.email &&
    used
      .map((use) => use.couponId)
      .toSorted()
      .join() === asked.couponIds.toSorted().join() &&
    list(lines) === list(asked.lines)
  );
}
