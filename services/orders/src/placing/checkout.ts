import { sql } from 'drizzle-orm';
import { invalidInput } from '@kelid/contracts/common';
import { cartEmpty, checkoutFailed, couponNotUsable, quoteExpired } from '@kelid/contracts/orders';
import { parseIranianMobile } from '@kelid/persian/phone';
import { requireUser } from '@kelid/service/context';
import { sqlState, violatedConstraint } from '@kelid/service/database';
import { failpoint } from '@kelid/service/failpoint';
import { type Claim, claimKey, findAnswer, type KeyScope, keyScope } from '@kelid/service/idempotency';
import { newId } from '@kelid/service/ids';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Context, Operations } from '../context.ts';
import { holdQuote, priceCart } from '../carts/price-cart.ts';
import { listCartCoupons } from '../coupons/coupons.ts';
import { fulfill } from '../fulfilling/fulfilling.ts';
import { isFree, type OrderRow, type OrderWithLines } from '../orders/orders.ts';
import { checkHolds } from './holds.ts';
import { findOrderOfCart, joinCheckout, resumeCheckout } from './joining.ts';
import { type CheckoutAnswer, continueCheckout } from './placing.ts';
import { readCart, type SeenCart, writeOrder } from './writing.ts';

type Input = Parameters<Operations['checkout']>[1];

/**
 * The story of an order's first minute: the order and the idempotency key are committed as `placing`, then stock is held, a payment
 * is started, and the order awaits its money. Each step repeats by the order's id, so the same key, or the sweep, goes on after a crash.
 * The functions `coupon_take`, `orders_check_sum` and `order_move` guard its coupons, its amounts and its moves.
 */
export const checkout: Operations['checkout'] = async (ctx, input) => {
  const { userId } = requireUser(ctx);
  const scope = keyScope(ctx, 'checkout');
  const before = await findAnswer(ctx.db, scope, input);
  if (before) return replay(ctx, before.answer);

  const contact = cleanContact(input.contact);
  const seen = await readCart(ctx, userId);
  const join = async (found: OrderWithLines): Promise<CheckoutAnswer> => {
    const joined = await joinCheckout(ctx, scope, input, found, {
      psp: input.psp,
      usesWallet: input.useWallet,
      contact,
      expectedTotalRial: input.expectedTotalRial,
      couponIds: seen.content.coupons.map((coupon) => coupon.id),
      lines: seen.price.lines,
    });
    // That order is dead now, and all that was seen above is older.
    return joined ?? checkout(ctx, input);
  };
  const ordered = seen.isEmpty ? undefined : await findOrderOfCart(ctx, seen.cart);
  if (ordered?.order.idempotencyKey === scope.key) return resumeCheckout(ctx, scope, ordered.order.id);
  if (ordered) return join(ordered);
  await checkTotal(ctx, seen, input.expectedTotalRial);

  const placed = await place(ctx, scope, input, seen, contact);
  if (placed.kind === 'done') return replay(ctx, placed.answer);
  if (placed.kind === 'running') return resumeCheckout(ctx, scope, placed.resourceId);
  if (placed.kind === 'ordered') {
    const other = await findOrderOfCart(ctx, seen.cart);
    if (!other) throw checkoutFailed({ retryAfterSeconds: 1 });
    return join(other);
  }
  failpoint('orders.placing-committed'); // CP2
  return finish(ctx, placed);
};

function replay(ctx: Context, answer: unknown): CheckoutAnswer {
  ctx.answerHeaders['idempotency-replayed'] = 'true';
  return answer as CheckoutAnswer; // Stored by this operation under this key.
}

/** What the shopper did not see is never charged: another total is told, and promised from then on. */
async function checkTotal(ctx: Context, seen: SeenCart, expectedTotalRial: number | undefined): Promise<void> {
  const { cart, content, price } = seen;
  if (seen.isEmpty || seen.isCouponOver) return;
  const seenRial = expectedTotalRial ?? priceCart(ctx, content, cart.quote ?? undefined).totalRial;
  if (seenRial === price.totalRial) return;
  const quote = Object.fromEntries(price.lines.map((line) => [line.variantId, line.unitPriceRial]));
  await holdQuote(ctx, cart.id, quote, false);
  throw quoteExpired({ totalRial: price.totalRial });
}

type Placed = Exclude<Claim, { kind: 'new' }> | ({ kind: 'new' } & OrderWithLines) | { kind: 'ordered' };

/** Commits the order with its key, or neither. */
async function place(
  ctx: Context,
  scope: KeyScope,
  input: Input,
  seen: SeenCart,
  contact: OrderRow['contact'],
): Promise<Placed> {
  const { cart, content, promised, price } = seen;
  const orderId = newId();
  failpoint('orders.before-placing'); // CP1
  try {
    return await ctx.transaction(async (tx) => {
      // A coupon that this very key has just used looks used up, so the key is asked first.
      const claim = await claimKey(tx, scope, input, orderId);
      if (claim.kind !== 'new') return claim;
      if (seen.isEmpty) throw cartEmpty();
      if (seen.isCouponOver) throw couponNotUsable({ totalRial: price.totalRial });
      // Two checkouts of one customer count each other's holds (A66).
      await tx.execute(sql`select 1 from carts where id = ${cart.id} for no key update`);
      await checkHolds(tx, ctx.config, seen.customerId, price.lines);
      const asked = { orderId, idempotencyKey: scope.key, psp: input.psp, usesWallet: input.useWallet, contact };
      return { ...claim, ...(await writeOrder(tx, ctx.config, seen, asked)) };
    });
  } catch (error) {
    // Others took the last use since we looked; nothing was written.
    if (sqlState(error) === sqlStates.couponUsedUp) {
      const coupons = await listCartCoupons(ctx.db, cart.id, seen.customerId);
      throw couponNotUsable({ totalRial: priceCart(ctx, { ...content, coupons }, promised).totalRial });
    }
    // Two checkouts of one cart at the same moment, with two keys: the other one is the order.
    if (sqlState(error) === sqlStates.uniqueViolation && violatedConstraint(error) === 'orders_one_per_cart_state')
      return { kind: 'ordered' };
    throw error;
  }
}

/** Goes on with an order that is committed, until it awaits its money. */
async function finish(ctx: Context, placed: OrderWithLines): Promise<CheckoutAnswer> {
  const outcome = await continueCheckout(ctx, placed);
  if (outcome.kind === 'refused') throw outcome.problem;
  if (outcome.kind === 'failed') throw checkoutFailed({ retryAfterSeconds: 3 });
  const orderId = placed.order.id;
  // Nobody will tell of a capture. When this fails, the sweep fulfills, as it does for every paid order.
  if (isFree(placed.order))
    await fulfill(ctx, orderId).catch((error: unknown) =>
      ctx.log.warn({ orderId, err: error }, 'a free order is fulfilled later'),
    );
  return outcome.answer;
}

/** SMS go to Iranian mobile numbers only, written in one way. */
function cleanContact(contact: Input['contact']): OrderRow['contact'] {
  const phone = contact?.phone ? parseIranianMobile(contact.phone) : undefined;
  if (contact?.phone && phone === undefined)
    throw invalidInput({
      errors: [{ field: 'contact.phone', message: 'An Iranian mobile number, for example 0912 000 0001' }],
    });
  return { ...(phone ? { phone } : {}), ...(contact?.email ? { email: contact.email } : {}) };
}
