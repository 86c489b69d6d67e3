import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { openCart } from './open-cart.ts';
import { showCart } from './show-cart.ts';
import { codeKey } from '../coupons/coupons.ts';

/** Taking out what is not in is what was asked for: the cart is answered. */
export const deleteCartCoupon: Operations['deleteCartCoupon'] = async (ctx, { code, language }) => {
  const { cart, cartToken } = await openCart(ctx);
  const named = code === undefined ? sql`` : sql`and c.code = ${codeKey(code)}`;
  await ctx.db.execute(
    sql`delete from cart_coupons using coupons c where cart_id = ${cart.id} and coupon_id = c.id ${named}`,
  );
  return showCart(ctx, cart, cartToken, language);
};
