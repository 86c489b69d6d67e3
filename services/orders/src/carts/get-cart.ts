import type { Operations } from '../context.ts';
import { openCart } from './open-cart.ts';
import { showCart } from './show-cart.ts';

export const getCart: Operations['getCart'] = async (ctx, { language }) => {
  const { cart, cartToken } = await openCart(ctx);
  return showCart(ctx, cart, cartToken, language);
};
