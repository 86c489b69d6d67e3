import { z } from 'zod';
import { AmountRial, Id, Instant, Quantity } from '../common.ts';
import { operation, problem } from '../contract.ts';
import { GameAccount, ShownGameAccount } from '../game-account.ts';
import { gameAccountUnknown } from '../inventory.ts';
import { CouponCode, couponNotStackable, CouponReason, couponRefused } from './coupons.ts';
import { Lang } from './orders.ts';

export const variantNotFound = problem('orders.variant-not-found', {
  status: 404,
  title: 'This item is not sold here',
});
export const cartItemNotFound = problem('orders.cart-item-not-found', {
  status: 404,
  title: 'No such item in the cart',
});
export const cartNotFound = problem('orders.cart-not-found', { status: 404, title: 'No such cart' });
export const cartEmpty = problem('orders.cart-empty', { status: 409, title: 'The cart is empty' });
export const cartLimit = problem('orders.cart-limit', {
  status: 422,
  title: 'That is more than one order may hold',
  data: z.object({ quantityMax: z.int() }),
});

export const CartItem = z.object({
  id: Id,
  variantId: Id,
  productSlug: z.string(),
  quantity: z.int(),
  title: z.string(),
  variantTitle: z.string(),
  region: z.string(),
  platform: z.string(),
  image: z.string().nullable(),
  unitPriceRial: AmountRial,
  lineTotalRial: AmountRial,
  /** Where a top-up goes. */
  gameAccount: ShownGameAccount.nullable(),
});
export const Cart = z.object({
  id: Id,
  items: z.array(CartItem),
  itemCount: z.int(),
  /** The codes that were put in. One with a reason takes nothing off and must be taken out before checkout. */
  coupons: z.array(
    z.object({
      code: z.string(),
      discountRial: AmountRial,
      reason: CouponReason.nullable(),
      orderMinRial: AmountRial,
    }),
  ),
  discountRial: AmountRial,
  vatRial: AmountRial,
  feeRial: AmountRial,
  totalRial: AmountRial,
  priceHeldUntil: Instant.nullable(),
  problems: z.array(
    z.object({
      code: z.enum(['out_of_stock', 'price_changed', 'not_sold', 'account_needed']),
      itemId: Id,
      action: z.enum(['remove', 'accept']),
    }),
  ),
  /** For guests: the value of X-Cart-Token, also sent as a header. */
  cartToken: z.string().nullable(),
});

export const cartOperations = {
  getCart: operation({
    method: 'GET',
    path: '/cart',
    summary: 'The cart of this customer, or of this X-Cart-Token',
    access: ['public'],
    isPersonal: true,
    input: z.object({ ...Lang }),
    output: Cart,
    problems: [cartNotFound],
  }),
  addCartItem: operation({
    method: 'POST',
    path: '/cart/items',
    summary: 'Adds to the cart; the same variant again adds to its quantity',
    access: ['public'],
    isPersonal: true,
    input: z.object({ variantId: Id, quantity: Quantity, gameAccount: GameAccount.optional(), ...Lang }),
    output: Cart,
    problems: [variantNotFound, cartLimit, cartNotFound, gameAccountUnknown],
  }),
  updateCartItem: operation({
    method: 'PATCH',
    path: '/cart/items/{itemId}',
    summary: 'Sets a quantity',
    access: ['public'],
    isPersonal: true,
    input: z.object({ itemId: Id, quantity: Quantity, ...Lang }),
    output: Cart,
    problems: [cartItemNotFound, cartLimit, cartNotFound],
  }),
  deleteCartItem: operation({
    method: 'DELETE',
    path: '/cart/items/{itemId}',
    summary: 'Takes an item out',
    access: ['public'],
    isPersonal: true,
    input: z.object({ itemId: Id, ...Lang }),
    output: Cart,
    problems: [cartItemNotFound, cartNotFound],
  }),
  putCartCoupon: operation({
    method: 'PUT',
    path: '/cart/coupon',
    summary: 'Puts a code into the cart; beside another one only where both may be used together',
    access: ['public'],
    isPersonal: true,
    limitPerMinute: 30,
    input: z.object({ code: CouponCode, ...Lang }),
    output: Cart,
    problems: [cartNotFound, cartEmpty, couponRefused, couponNotStackable],
  }),
  deleteCartCoupon: operation({
    method: 'DELETE',
    path: '/cart/coupon',
    summary: 'Takes one code out of the cart, or all of them',
    access: ['public'],
    isPersonal: true,
    input: z.object({ code: CouponCode.optional(), ...Lang }),
    output: Cart,
    problems: [cartNotFound],
  }),
};
