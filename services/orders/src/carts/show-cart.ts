import type { z } from 'zod';
import { type Language } from '@kelid/contracts/common';
import { type Cart } from '@kelid/contracts/orders';
import { multiplyRial } from '@kelid/money/rial';
import { iso } from '@kelid/service/instant';
import type { Context } from '../context.ts';
import { listCartCoupons } from '../coupons/coupons.ts';
import { type CartRow, listItems } from './open-cart.ts';
import { findSold, holdQuote, priceCart } from './price-cart.ts';

/** The cart as shown, with prices held for 15 minutes from the first look; a price that changed after that is said, not hidden. */
export async function showCart(
  ctx: Context,
  cart: CartRow,
  cartToken: string | null,
  language: Language,
): Promise<z.input<typeof Cart>> {
  const items = await listItems(ctx, cart.id);
  const coupons = await listCartCoupons(ctx.db, cart.id, ctx.actor.kind === 'user' ? ctx.actor.userId : null);
  const variants = await findSold(ctx, items);
  const variantOf = new Map(variants.map((variant) => [variant.variantId, variant]));
  const before = cart.quote ?? {};
  const price = priceCart(ctx, { items, variants, coupons }, cart.isQuoteHeld ? before : undefined);
  const priced = price.lines;
  const priceOf = new Map(priced.map((line) => [line.variantId, line.unitPriceRial]));

  let priceHeldUntil = cart.isQuoteHeld ? cart.quoteExpiresAt : null;
  const isNewQuote =
    priced.length > 0 && (!cart.isQuoteHeld || priced.some((line) => before[line.variantId] === undefined));
  if (isNewQuote) priceHeldUntil = await holdQuote(ctx, cart.id, Object.fromEntries(priceOf), cart.isQuoteHeld);

  const problems = items.flatMap((item): z.input<typeof Cart>['problems'] => {
    const variant = variantOf.get(item.variantId);
    if (!variant) return [{ code: 'not_sold', itemId: item.id, action: 'remove' }];
    if ((variant.accountRule === null) !== (item.gameAccount === null))
      return [{ code: 'account_needed', itemId: item.id, action: 'remove' }];
    if (variant.availability === 'out_of_stock') return [{ code: 'out_of_stock', itemId: item.id, action: 'remove' }];
    const was = before[item.variantId];
    if (was !== undefined && was !== priceOf.get(item.variantId))
      return [{ code: 'price_changed', itemId: item.id, action: 'accept' }];
    return [];
  });
  if (cartToken !== null) ctx.answerHeaders['x-cart-token'] = cartToken;
  return {
    id: cart.id,
    items: items.flatMap((item) => {
      const variant = variantOf.get(item.variantId);
      const unitPriceRial = priceOf.get(item.variantId) ?? 0;
      return [
        {
          id: item.id,
          variantId: item.variantId,
          productSlug: variant?.productSlug ?? '',
          quantity: item.quantity,
          title: variant?.title[language] ?? '',
          variantTitle: variant?.variantTitle[language] ?? '',
          region: variant?.region ?? '',
          platform: variant?.platform ?? '',
          image: variant?.image ?? null,
          unitPriceRial,
          lineTotalRial: multiplyRial(unitPriceRial, item.quantity),
          gameAccount: item.gameAccount,
        },
      ];
    }),
    itemCount: items.reduce((count, item) => count + item.quantity, 0),
    coupons: price.coupons.map(({ coupon, discountRial, reason }) => ({
      code: coupon.code,
      discountRial,
      reason,
      orderMinRial: coupon.orderMinRial,
    })),
    discountRial: price.discountRial,
    vatRial: price.vatRial,
    feeRial: price.feeRial,
    totalRial: price.totalRial,
    priceHeldUntil: iso(priceHeldUntil),
    problems,
    cartToken,
  };
}
