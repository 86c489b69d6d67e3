import type { Operations } from '../context.ts';
import { openCart, showCart } from './carts.ts';

export const getCart: Operations['getCart'] = async (ctx, { language }) => {
  const { cart, cartToken } = await openCart(ctx);
  return showCart(ctx, cart, cartToken, language);
};
