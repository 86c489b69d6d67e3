import { sql } from 'drizzle-orm';
import { outOfStock, variantNotFound } from '@kelid/contracts/orders';
import { stoppedVariants } from '@kelid/service/breaches';
import type { Tx } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import { type CartItemRow, type CartRow, listItems, openCart } from '../carts/open-cart.ts';
import { findSold, priceCart, type Variant } from '../carts/price-cart.ts';
import type { Quote } from '../carts/quote.rules.ts';
import type { OrdersConfig } from '../config.ts';
import type { Context } from '../context.ts';
import type { CouponState } from '../coupons/coupon.rules.ts';
import { listCartCoupons, takeCoupon } from '../coupons/coupons.ts';
import { orderLines, orders } from '../db/schema.ts';
import type { OrderRow, OrderWithLines } from '../orders/orders.ts';
import { newOrderNumber } from './order-number.rules.ts';
import { leaseSeconds } from './placing.ts';

/** A cart as a checkout finds it, and what it costs now. */
export interface SeenCart {
  customerId: string;
  cart: CartRow;
  isEmpty: boolean;
  content: { items: CartItemRow[]; variants: Variant[]; coupons: CouponState[] };
  /** The prices that this cart was promised, while the promise holds. */
  promised: Quote | undefined;
  price: ReturnType<typeof priceCart>;
  /** A code in it takes nothing off any more. */
  isCouponOver: boolean;
}

/** The customer's cart with all of it for sale, else `outOfStock` or `variantNotFound`. */
export async function readCart(ctx: Context, customerId: string): Promise<SeenCart> {
  const { cart } = await openCart(ctx);
  const items = await listItems(ctx, cart.id);
  const variants = await findSold(ctx, items);
  const stopped = await stoppedVariants(
    ctx.db,
    items.map((item) => item.variantId),
  );
  if (stopped.length > 0) throw outOfStock({ variantIds: stopped });
  if (variants.length < items.length) throw variantNotFound();
  // The promise made to the cart holds; without one, today's prices do.
  const promised = cart.isQuoteHeld ? (cart.quote ?? undefined) : undefined;
  const content = { items, variants, coupons: await listCartCoupons(ctx.db, cart.id, customerId) };
  const price = priceCart(ctx, content, promised);
  const isCouponOver = price.coupons.some((coupon) => coupon.reason !== null);
  return { customerId, cart, isEmpty: items.length === 0, content, promised, price, isCouponOver };
}

interface NewOrder extends Pick<OrderRow, 'psp' | 'usesWallet' | 'contact' | 'idempotencyKey'> {
  orderId: string;
}

/** Writes the order, its lines and the uses of its coupons, as `placing`; `orders_check_sum` holds that they add up. */
export async function writeOrder(
  tx: Tx,
  config: OrdersConfig,
  { customerId, cart, content, price }: SeenCart,
  { orderId, ...asked }: NewOrder,
): Promise<OrderWithLines> {
  const [order] = await tx
    .insert(orders)
    .values({
      ...asked,
      id: orderId,
      orderNumber: newOrderNumber(),
      customerId,
      cartId: cart.id,
      cartOrderCount: cart.orderCount,
      status: 'placing',
      discountRial: price.discountRial,
      vatRial: price.vatRial,
      vatBasisPoints: config.ORDERS_VAT_BASIS_POINTS,
      feeRial: price.feeRial,
      totalRial: price.totalRial,
      firstAttemptId: newId(),
      holdExpiresAt: sql`now() + make_interval(mins => ${config.ORDERS_HOLD_MINUTES})`,
      dueAt: sql`now() + make_interval(secs => ${leaseSeconds})`,
    })
    .returning();
  if (!order) throw new Error('The new order was not answered');
  const variantOf = new Map(content.variants.map((variant) => [variant.variantId, variant]));
  const lines = await tx
    .insert(orderLines)
    .values(
      price.lines.map((line, position) => ({ ...newLine(line, variantOf.get(line.variantId)), orderId, position })),
    )
    .returning();
  // Last and in the order of their ids: everybody wants the same few rows.
  for (const { coupon, discountRial } of price.coupons.toSorted((a, b) => (a.coupon.id < b.coupon.id ? -1 : 1)))
    await takeCoupon(tx, coupon.id, orderId, discountRial);
  return { order, lines };
}

/** A line keeps what its item was called, looked like and cost at this moment. */
function newLine(line: SeenCart['price']['lines'][number], variant: Variant | undefined) {
  if (!variant || (variant.accountRule === null) !== (line.gameAccount === null)) throw variantNotFound();
  return {
    id: newId(),
    variantId: line.variantId,
    productSlug: variant.productSlug,
    title: variant.title,
    variantTitle: variant.variantTitle,
    region: variant.region,
    platform: variant.platform,
    image: variant.image,
    quantity: line.quantity,
    unitPriceRial: line.unitPriceRial,
    discountRial: line.discountRial,
    vatRial: line.vatRial,
    sellerId: variant.sellerId,
    fulfilmentKind: variant.fulfilmentKind,
    gameAccount: line.gameAccount,
    releasesOn: variant.availability === 'pre_order' ? variant.releasesOn : null,
  };
}
