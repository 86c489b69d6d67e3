import type { z } from 'zod';
import type { Language } from '@kelid/contracts/common';
import type { Cart } from '@kelid/contracts/orders';
import { multiplyRial } from '@kelid/money/rial';
import { iso } from '@kelid/service/instant';
import type { Context } from '../context.ts';
import { listCartCoupons } from '../coupons/coupons.ts';
import { type CartItemRow, type CartRow, listItems } from './open-cart.ts';
import { findSold, holdQuote, priceCart, type Variant } from './price-cart.ts';

type ShownCart = z.input<typeof Cart>;

/** The cart as shown, with prices held for 15 minutes from the first look; a price that changed after that is said, not hidden. */
export async function showCart(
  ctx: Context,
  cart: CartRow,
  cartToken: string | null,
  language: Language,
): Promise<ShownCart> {
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

  if (cartToken !== null) ctx.answerHeaders['x-cart-token'] = cartToken;
  return {
    id: cart.id,
    items: items.map((item) =>
      showItem(item, variantOf.get(item.variantId), priceOf.get(item.variantId) ?? 0, language),
    ),
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
    problems: items.flatMap((item) =>
      problemsOf(item, variantOf.get(item.variantId), before[item.variantId], priceOf.get(item.variantId)),
    ),
    cartToken,
  };
}

function showItem(item: CartItemRow, variant: Variant | undefined, unitPriceRial: number, language: Language) {
  return {
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
  };
}

/** What the shopper must do with an item before it can be ordered as it is. */
function problemsOf(
  item: CartItemRow,
  variant: Variant | undefined,
  wasRial: number | undefined,
  isRial: number | undefined,
): ShownCart['problems'] {
  if (!variant) return [{ code: 'not_sold', itemId: item.id, action: 'remove' }];
  if ((variant.accountRule === null) !== (item.gameAccount === null))
    return [{ code: 'account_needed', itemId: item.id, action: 'remove' }];
  if (variant.availability === 'out_of_stock') return [{ code: 'out_of_stock', itemId: item.id, action: 'remove' }];
  if (wasRial !== undefined && wasRial !== isRial)
    return [{ code: 'price_changed', itemId: item.id, action: 'accept' }];
  return [];
}
