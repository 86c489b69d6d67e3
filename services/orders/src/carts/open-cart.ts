import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import { cartNotFound } from '@kelid/contracts/orders';
import { newId } from '@kelid/service/ids';
import type { Context } from '../context.ts';
import { cartCoupons, cartItems, carts } from '../db/schema.ts';
import { hashToken, newCartToken, readCartToken } from './cart-token.rules.ts';

export const quantityMax = 20;
export const lineCountMax = 30;

export type CartRow = typeof carts.$inferSelect & { isQuoteHeld: boolean };
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

/** When a cart that nobody comes back to is dropped. */
export function cartExpiry(ctx: Context) {
  return sql`now() + make_interval(days => ${ctx.config.ORDERS_CART_DAYS})`;
}
