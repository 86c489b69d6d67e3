import { and, eq } from 'drizzle-orm';
import { cartItemNotFound } from '@kelid/contracts/orders';
import type { Operations } from '../context.ts';
import { openCart } from './open-cart.ts';
import { showCart } from './show-cart.ts';
import { cartItems } from '../db/schema.ts';

export const deleteCartItem: Operations['deleteCartItem'] = async (ctx, { itemId, language }) => {
  const { cart, cartToken } = await openCart(ctx);
  const gone = await ctx.db
    .delete(cartItems)
    .where(and(eq(cartItems.id, itemId), eq(cartItems.cartId, cart.id)))
    .returning({ id: cartItems.id });
  if (gone.length === 0) throw cartItemNotFound();
  return showCart(ctx, cart, cartToken, language);
};
