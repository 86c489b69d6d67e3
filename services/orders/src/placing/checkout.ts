import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import {
  cartEmpty,
  checkoutFailed,
  couponNotUsable,
  type ordersContract,
  outOfStock,
  quoteExpired,
  variantNotFound,
} from '@kelid/contracts/orders';
import { invalidInput } from '@kelid/contracts/common';
import { parseIranianMobile } from '@kelid/persian/phone';
import { stoppedVariants } from '@kelid/service/breaches';
import { requireUser } from '@kelid/service/context';
import { sqlState, violatedConstraint } from '@kelid/service/database';
import { failpoint } from '@kelid/service/failpoint';
import { claimKey, findAnswer, keyScope } from '@kelid/service/idempotency';
import { newId } from '@kelid/service/ids';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Operations } from '../context.ts';
import { findSold, holdQuote, priceCart } from '../carts/price-cart.ts';
import { listItems, openCart } from '../carts/open-cart.ts';
import { listCartCoupons, takeCoupon } from '../coupons/coupons.ts';
import { checkHolds } from './holds.ts';
import { isFree, type OrderWithLines } from '../orders/orders.ts';
import { orderLines, orders } from '../db/schema.ts';
import { newOrderNumber } from './order-number.rules.ts';
import { fulfill } from '../fulfilling/fulfilling.ts';
import { findOrderOfCart, joinCheckout, resumeCheckout } from './joining.ts';
import { continueCheckout, leaseSeconds } from './placing.ts';

type Answer = z.input<(typeof ordersContract)['operations']['checkout']['output']>;

/**
 * The story of an order's first minute: the order and the idempotency key are committed as `placing`, then stock is held, a payment
 * is started, and the order awaits its money. Each step repeats by the order's id, so the same key, or the sweep, goes on after a crash.
 */
export const checkout: Operations['checkout'] = async (ctx, input) => {
  const { userId } = requireUser(ctx);
  const scope = keyScope(ctx, 'checkout');
  const before = await findAnswer(ctx.db, scope, input);
  if (before) {
    ctx.answerHeaders['idempotency-replayed'] = 'true';
    return before.answer as Answer; // Stored by this operation under this key.
  }

  const contact = cleanContact(input.contact);
  const { cart } = await openCart(ctx);
  const items = await listItems(ctx, cart.id);
  const isEmpty = items.length === 0;
  const variants = await findSold(ctx, items);
  const stopped = await stoppedVariants(
    ctx.db,
    items.map((item) => item.variantId),
  );
  if (stopped.length > 0) throw outOfStock({ variantIds: stopped });
  const variantOf = new Map(variants.map((variant) => [variant.variantId, variant]));
  if (variants.length < items.length) throw variantNotFound();

  // The promise made to the cart holds; without one, today's prices do. What the shopper did not see is never charged.
  const promised = cart.isQuoteHeld ? (cart.quote ?? undefined) : undefined;
  const content = { items, variants, coupons: await listCartCoupons(ctx.db, cart.id, userId) };
  const price = priceCart(ctx, content, promised);
  const { lines } = price;
  const join = async (found: OrderWithLines): Promise<Answer> => {
    const joined = await joinCheckout(ctx, scope, input, found, {
      psp: input.psp,
      usesWallet: input.useWallet,
      contact,
      expectedTotalRial: input.expectedTotalRial,
      couponIds: content.coupons.map((coupon) => coupon.id),
      lines,
    });
    // That order is dead now, and all that was seen above is older.
    return joined ?? checkout(ctx, input);
  };
  const ordered = isEmpty ? undefined : await findOrderOfCart(ctx, cart);
  if (ordered?.order.idempotencyKey === scope.key) return resumeCheckout(ctx, scope, ordered.order.id);
  if (ordered) return join(ordered);

  // A coupon that this very key has just used looks used up, so the key is asked first, in the transaction.
  const isCouponOver = price.coupons.some((coupon) => coupon.reason !== null);
  const seenRial = input.expectedTotalRial ?? priceCart(ctx, content, cart.quote ?? undefined).totalRial;
  if (!isEmpty && !isCouponOver && seenRial !== price.totalRial) {
    await holdQuote(ctx, cart.id, Object.fromEntries(lines.map((line) => [line.variantId, line.unitPriceRial])), false);
    throw quoteExpired({ totalRial: price.totalRial });
  }

  const orderId = newId();
  failpoint('orders.before-placing'); // CP1
  const placed = await ctx
    .transaction(async (tx) => {
      const claim = await claimKey(tx, scope, input, orderId);
      if (claim.kind !== 'new') return claim;
      if (isEmpty) throw cartEmpty();
      if (isCouponOver) throw couponNotUsable({ totalRial: price.totalRial });
      // Two checkouts of one customer count each other's holds (A66).
      await tx.execute(sql`select 1 from carts where id = ${cart.id} for no key update`);
      await checkHolds(tx, ctx.config, userId, lines);
      const [order] = await tx
        .insert(orders)
        .values({
          id: orderId,
          orderNumber: newOrderNumber(),
          customerId: userId,
          cartId: cart.id,
          cartOrderCount: cart.orderCount,
          status: 'placing',
          discountRial: price.discountRial,
          vatRial: price.vatRial,
          vatBasisPoints: ctx.config.ORDERS_VAT_BASIS_POINTS,
          feeRial: price.feeRial,
          totalRial: price.totalRial,
          psp: input.psp,
          usesWallet: input.useWallet,
          contact,
          firstAttemptId: newId(),
          idempotencyKey: scope.key,
          holdExpiresAt: sql`now() + make_interval(mins => ${ctx.config.ORDERS_HOLD_MINUTES})`,
          dueAt: sql`now() + make_interval(secs => ${leaseSeconds})`,
        })
        .returning();
      if (!order) throw new Error('The new order was not answered');
      const placedLines = await tx
        .insert(orderLines)
        .values(
          lines.map((line, position) => {
            const variant = variantOf.get(line.variantId);
            if (!variant || (variant.accountRule === null) !== (line.gameAccount === null)) throw variantNotFound();
            return {
              id: newId(),
              orderId,
              position,
              variantId: line.variantId,
              productSlug: variant.productSlug,
              title: variant.title,
              variantTitle: variant.variantTitle,
              region: variant.region,
              platform: variant.platform,
              image: variant.image,
              quantity: line.quantity,
              unitPriceRial: line.unitPriceRial,
              discountRial: line.discountRial,
              vatRial: line.vatRial,
              sellerId: variant.sellerId,
              fulfilmentKind: variant.fulfilmentKind,
              gameAccount: line.gameAccount,
              releasesOn: variant.availability === 'pre_order' ? variant.releasesOn : null,
            };
          }),
        )
        .returning();
      // Last and in the order of their ids: everybody wants the same few rows.
      for (const { coupon, discountRial } of price.coupons.toSorted((a, b) => (a.coupon.id < b.coupon.id ? -1 : 1)))
        await takeCoupon(tx, coupon.id, orderId, discountRial);
      return { ...claim, order, lines: placedLines };
    })
    .catch(async (error: unknown) => {
      // Others took the last use since we looked; nothing was written.
      if (sqlState(error) === sqlStates.couponUsedUp) {
        const coupons = await listCartCoupons(ctx.db, cart.id, userId);
        throw couponNotUsable({ totalRial: priceCart(ctx, { ...content, coupons }, promised).totalRial });
      }
      // Two checkouts of one cart at the same moment, with two keys: the other one is the order.
      if (sqlState(error) === sqlStates.uniqueViolation && violatedConstraint(error) === 'orders_one_per_cart_state')
        return { kind: 'ordered' as const };
      throw error;
    });

  if (placed.kind === 'done') {
    ctx.answerHeaders['idempotency-replayed'] = 'true';
    return placed.answer as Answer; // Stored by this operation under this key.
  }
  if (placed.kind === 'running') return resumeCheckout(ctx, scope, placed.resourceId);
  if (placed.kind === 'ordered') {
    const other = await findOrderOfCart(ctx, cart);
    if (!other) throw checkoutFailed({ retryAfterSeconds: 1 });
    return join(other);
  }
  failpoint('orders.placing-committed'); // CP2
  const outcome = await continueCheckout(ctx, placed);
  if (outcome.kind === 'placed') {
    // Nobody will tell of a capture. When this fails, the sweep fulfills, as it does for every paid order.
    if (isFree(placed.order))
      await fulfill(ctx, orderId).catch((error: unknown) =>
        ctx.log.warn({ orderId, err: error }, 'a free order is fulfilled later'),
      );
    return outcome.answer;
  }
  throw outcome.kind === 'refused' ? outcome.problem : checkoutFailed({ retryAfterSeconds: 3 });
};

/** SMS go to Iranian mobile numbers only, written in one way. */
function cleanContact(contact: { phone?: string | undefined; email?: string | undefined } | undefined): {
  phone?: string;
  email?: string;
} {
  const phone = contact?.phone ? parseIranianMobile(contact.phone) : undefined;
  if (contact?.phone && phone === undefined)
    throw invalidInput({
      errors: [{ field: 'contact.phone', message: 'An Iranian mobile number, for example 0912 000 0001' }],
    });
  return { ...(phone ? { phone } : {}), ...(contact?.email ? { email: contact.email } : {}) };
}
