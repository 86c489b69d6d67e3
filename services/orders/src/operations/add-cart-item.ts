import { eq, sql } from 'drizzle-orm';
import { cartLimit, variantNotFound } from '@kelid/contracts/orders';
import { newId } from '@kelid/service/ids';
import type { Operations } from '../context.ts';
import { lineCountMax, openCart, quantityMax, showCart } from '../db/carts.ts';
import { cartItems } from '../db/schema.ts';

export const addCartItem: Operations['addCartItem'] = async (ctx, { variantId, quantity, language }) => {
  if (quantity > quantityMax) throw cartLimit({ quantityMax });
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
  const shown = await showCart(ctx, cart, cartToken, language);
  const itemId = added[0]?.id ?? '';
  const isUnknown = shown.problems.some((problem) => problem.itemId === itemId && problem.code === 'not_sold');
  if (isUnknown || shown.items.length > lineCountMax) {
    await ctx.db.delete(cartItems).where(eq(cartItems.id, itemId));
    throw isUnknown ? variantNotFound() : cartLimit({ quantityMax });
  }
  return shown;
};
