import { eq, sql } from 'drizzle-orm';
import { cartLimit, variantNotFound } from '@kelid/contracts/orders';
import { newId } from '@kelid/service/ids';
import type { Operations } from '../context.ts';
import { lineCountMax, openCart, quantityMax, showCart } from '../db/carts.ts';
import { cartItems } from '../db/schema.ts';

export const addCartItem: Operations['addCartItem'] = async (ctx, { variantId, quantity, language }) => {
  if (quantity > quantityMax) throw cartLimit({ quantityMax });
  const { items: known } = await ctx.peers.catalog.getVariants({ variantIds: [variantId] });
  if (known.length === 0) throw variantNotFound();
  const { cart, cartToken } = await openCart(ctx);
  // Adding is one statement, so that two tabs add up; over the limit it changes nothing.
  const added = await ctx.db
    .insert(cartItems)
    .values({ id: newId(), cartId: cart.id, variantId, quantity })
    .onConflictDoUpdate({
      target: [cartItems.cartId, cartItems.variantId],
      set: { quantity: sql`${cartItems.quantity} + excluded.quantity` },
      setWhere: sql`${cartItems.quantity} + excluded.quantity <= ${quantityMax}`,
    })
    .returning({ id: cartItems.id });
  if (added.length === 0) throw cartLimit({ quantityMax });
  const [counted] = await ctx.db
    .select({ count: sql<number>`count(*)::int` })
    .from(cartItems)
    .where(eq(cartItems.cartId, cart.id));
  if ((counted?.count ?? 0) > lineCountMax) {
    await ctx.db.delete(cartItems).where(eq(cartItems.id, added[0]?.id ?? ''));
    throw cartLimit({ quantityMax });
  }
  return showCart(ctx, cart, cartToken, language);
};
