import { eq, sql } from 'drizzle-orm';
import { priceMaxRial } from '@kelid/contracts/common';
import type { Context } from '../context.ts';
import { type CouponState } from '../coupons/coupon.rules.ts';
import { carts } from '../db/schema.ts';
import { cartExpiry, type CartItemRow } from './open-cart.ts';
import { priceOrder } from './price-order.rules.ts';
import { priceLines, type Quote } from './quote.rules.ts';

/** What catalog says of a variant. */
export type Variant = Awaited<ReturnType<Context['peers']['catalog']['getVariants']>>['items'][number];

/** The variants of these items that are sold. One whose price is beyond any we take is not, so that a cart with it is shown and emptied. */
export async function findSold(ctx: Context, items: CartItemRow[]): Promise<Variant[]> {
  if (items.length === 0) return [];
  const { items: variants } = await ctx.peers.catalog.getVariants({ variantIds: items.map((item) => item.variantId) });
  return variants.filter((variant) => variant.priceRial <= priceMaxRial);
}

/** What a cart costs, for the page and for the order alike: promised or today's prices, its coupons, VAT and fee. */
export function priceCart(
  { config }: Pick<Context, 'config'>,
  { items, variants, coupons }: { items: CartItemRow[]; variants: Variant[]; coupons: CouponState[] },
  promised: Quote | undefined,
) {
  const current: Quote = Object.fromEntries(variants.map((variant) => [variant.variantId, variant.priceRial]));
  const subjectOf = new Map(variants.map((variant) => [variant.variantId, variant]));
  // A promise for what is not sold any more is none.
  const sold = items.filter((item) => current[item.variantId] !== undefined);
  const lines = priceLines(sold, promised, current).map((line) => {
    const subject = subjectOf.get(line.variantId);
    return { ...line, productId: subject?.productId ?? '', categoryIds: subject?.categoryIds ?? [] };
  });
  return priceOrder(lines, coupons, {
    vatBasisPoints: config.ORDERS_VAT_BASIS_POINTS,
    feeRial: config.ORDERS_FEE_RIAL,
    feeFreeFromRial: config.ORDERS_FEE_FREE_FROM_RIAL,
  });
}

/** Promises these prices for 15 minutes, or adds to a promise without making it longer. */
export async function holdQuote(
  ctx: Context,
  cartId: string,
  quote: Quote,
  keepsExpiry: boolean,
): Promise<string | null> {
  const [row] = await ctx.db
    .update(carts)
    .set({
      quote,
      ...(keepsExpiry
        ? {}
        : { quoteExpiresAt: sql`now() + make_interval(mins => ${ctx.config.ORDERS_QUOTE_MINUTES})` }),
      expiresAt: cartExpiry(ctx),
    })
    .where(eq(carts.id, cartId))
    .returning({ quoteExpiresAt: carts.quoteExpiresAt });
  return row?.quoteExpiresAt ?? null;
}
