import { and, eq } from 'drizzle-orm';
import { cartItemNotFound, cartLimit } from '@kelid/contracts/orders';
import type { Operations } from '../context.ts';
import { openCart, quantityMax } from './open-cart.ts';
import { showCart } from './show-cart.ts';
import { cartItems } from '../db/schema.ts';

export const updateCartItem: Operations['updateCartItem'] = async (ctx, { itemId, quantity, language }) => {
  if (quantity > quantityMax) throw cartLimit({ quantityMax });
  const { cart, cartToken } = await openCart(ctx);
  const changed = await ctx.db
    .update(cartItems)
    .set({ quantity })
    .where(and(eq(cartItems.id, itemId), eq(cartItems.cartId, cart.id)))
    .returning({ id: cartItems.id });
  if (changed.length === 0) throw cartItemNotFound();
  return showCart(ctx, cart, cartToken, language);
};
