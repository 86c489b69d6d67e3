import { createHash } from 'node:crypto';
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { multiplyRial } from '@kelid/money/rial';
import { type Cart, cartNotFound } from '@kelid/contracts/orders';
import { type Language, priceMaxRial } from '@kelid/contracts/common';
import { newId } from '@kelid/service/ids';
import type { Context } from '../context.ts';
import { newCartToken, readCartToken } from './cart-token.rules.ts';
import { type CouponState, priceOrder } from './price-order.rules.ts';
import { priceLines, type Quote } from './quote.rules.ts';
import { listCartCoupons } from '../coupons/coupons.ts';
import { iso } from '../orders/orders.ts';
import { cartCoupons, cartItems, carts } from '../db/schema.ts';

export const quantityMax = 20;
export const lineCountMax = 30;

type CartRow = typeof carts.$inferSelect & { isQuoteHeld: boolean };
/** `isBegun` is false for a guest's cart that has no row yet. */
export interface OpenCart {
  cart: CartRow;
  cartToken: string | null;
  isBegun: boolean;
}
export type CartItemRow = typeof cartItems.$inferSelect;

const withQuoteState = {
  id: carts.id,
  customerId: carts.customerId,
  tokenHash: carts.tokenHash,
  mergedAt: carts.mergedAt,
  quote: carts.quote,
  quoteExpiresAt: carts.quoteExpiresAt,
  orderCount: carts.orderCount,
  expiresAt: carts.expiresAt,
  isQuoteHeld: sql<boolean>`coalesce(${carts.quoteExpiresAt} > now(), false)`,
};

/**
 * The cart of this call. A customer who still carries a guest cart's token gets that cart merged into the own one (CK-2). A guest without a
 * token gets one, and a row with the first item; a token that is unknown, merged or run out is a 404, whoever asks (A35).
 */
export async function openCart(ctx: Context): Promise<OpenCart> {
  const { actor } = ctx;
  if (actor.kind === 'user') {
    if (actor.cartToken !== undefined) await mergeGuestCart(ctx, actor.cartToken, actor.userId);
    return { cart: await customerCart(ctx, actor.userId), cartToken: null, isBegun: true };
  }
  const token = actor.kind === 'guest' ? actor.cartToken : undefined;
  if (token === undefined) {
    const made = newCartToken(ctx.config.SERVICE_TOKEN_SECRET);
    return { cart: emptyCart(made.cartId, made.token), cartToken: made.token, isBegun: false };
  }
  const [cart] = await ctx.db
    .select({ ...withQuoteState, isOpen: sql<boolean>`(merged_at is null and expires_at > now())` })
    .from(carts)
    .where(eq(carts.tokenHash, hashToken(token)));
  if (cart?.isOpen) return { cart, cartToken: token, isBegun: true };
  const cartId = cart ? undefined : readCartToken(ctx.config.SERVICE_TOKEN_SECRET, token, ctx.now());
  if (cartId === undefined) throw cartNotFound();
  return { cart: emptyCart(cartId, token), cartToken: token, isBegun: false };
}

/** The row of a cart that something is put into. Twice at once it is one row, for the token says its id. */
export async function beginCart(ctx: Context, { cart, isBegun }: OpenCart): Promise<void> {
  if (isBegun) return;
  await ctx.db
    .insert(carts)
    .values({ id: cart.id, tokenHash: cart.tokenHash, expiresAt: cartExpiry(ctx) })
    .onConflictDoNothing();
}

function emptyCart(id: string, token: string): CartRow {
  return {
    id,
    customerId: null,
    tokenHash: hashToken(token),
    mergedAt: null,
    quote: null,
    quoteExpiresAt: null,
    orderCount: 0,
    expiresAt: '',
    isQuoteHeld: false,
  };
}

async function customerCart(ctx: Context, customerId: string): Promise<CartRow> {
  const [found] = await ctx.db.select(withQuoteState).from(carts).where(eq(carts.customerId, customerId));
  if (found) return found;
  await ctx.db
    .insert(carts)
    .values({ id: newId(), customerId, expiresAt: cartExpiry(ctx) })
    .onConflictDoNothing();
  const [made] = await ctx.db.select(withQuoteState).from(carts).where(eq(carts.customerId, customerId));
  if (!made) throw new Error('The new cart was not found');
  return made;
}

/** Moves a guest cart's items over: quantities add up to the limit, nothing is lost, and the token is spent. Safe to repeat. */
async function mergeGuestCart(ctx: Context, token: string, customerId: string): Promise<void> {
  const own = await customerCart(ctx, customerId);
  await ctx.transaction(async (tx) => {
    const [guest] = await tx
      .update(carts)
      .set({ mergedAt: sql`now()` })
      .where(
        and(
          eq(carts.tokenHash, hashToken(token)),
          isNull(carts.mergedAt),
          isNull(carts.customerId),
          sql`${carts.expiresAt} > now()`,
        ),
      )
      .returning({ id: carts.id });
    if (!guest) return; // Merged by an earlier call with the same token, or never ours.
    await tx.execute(sql`
      insert into cart_items as own (id, cart_id, variant_id, quantity, game_account)
      select uuidv7(), ${own.id}, variant_id, quantity, game_account from cart_items where cart_id = ${guest.id} order by variant_id, account_key
      on conflict (cart_id, variant_id, account_key) do update set quantity = least(own.quantity + excluded.quantity, ${quantityMax})`);
    await tx.execute(sql`
      insert into cart_coupons (cart_id, coupon_id, added_at) select ${own.id}, coupon_id, added_at from cart_coupons where cart_id = ${guest.id}
      on conflict do nothing`);
    await tx.delete(cartItems).where(eq(cartItems.cartId, guest.id));
    await tx.delete(cartCoupons).where(eq(cartCoupons.cartId, guest.id));
  });
}

export function listItems(ctx: Pick<Context, 'db'>, cartId: string): Promise<CartItemRow[]> {
  return ctx.db.select().from(cartItems).where(eq(cartItems.cartId, cartId)).orderBy(asc(cartItems.id));
}

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

type Variant = Awaited<ReturnType<Context['peers']['catalog']['getVariants']>>['items'][number];

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

function cartExpiry(ctx: Context) {
  return sql`now() + make_interval(days => ${ctx.config.ORDERS_CART_DAYS})`;
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
