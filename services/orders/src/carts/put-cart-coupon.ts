import { sql } from 'drizzle-orm';
import { rateLimited } from '@kelid/contracts/common';
import { cartEmpty, couponNotStackable, couponRefused } from '@kelid/contracts/orders';
import type { Db, Tx } from '@kelid/service/context';
import { lineOf } from '@kelid/service/ip-network';
import type { Context, Operations } from '../context.ts';
import { openCart } from './open-cart.ts';
import { showCart } from './show-cart.ts';
import { findCoupon, listCartCoupons } from '../coupons/coupons.ts';
import { cartCoupons } from '../db/schema.ts';
import { isUsable, mayStack } from '../coupons/coupon.rules.ts';

/** Wrong codes in a day of Tehran: of one shopper, and of one line (an IPv6 customer has a whole /64), behind which any number of guests could stand. */
const shopperMissesMax = 20;
const networkMissesMax = 60;

/** Whatever makes a code unusable, the answer is the same and counts the same, so that guessing teaches nothing (A61). */
export const putCartCoupon: Operations['putCartCoupon'] = async (ctx, { code, language }) => {
  const opened = await openCart(ctx);
  const { cart, cartToken } = opened;
  const customerId = ctx.actor.kind === 'user' ? ctx.actor.userId : null;
  const shopper = customerId === null ? `cart:${cart.id}` : `customer:${customerId}`;
  const network = `ip:${lineOf(ctx.origin.ip)}`;
  await checkNetwork(ctx, network);
  const isRight = await ctx.transaction(async (tx) => {
    // Counted before the look: the row lock makes a shopper's thousand guesses at once wait for each other, and the twenty-first finds
    // the count. The line's row is locked by wrong codes only, for half a city may stand behind one address.
    await countMiss(tx, shopper, shopperMissesMax);
    const coupon = await findCoupon(tx, code, customerId);
    if (!coupon || !isUsable(coupon)) {
      await countMiss(tx, network, networkMissesMax);
      return false;
    }
    await tx.execute(sql`update coupon_misses set count = count - 1 where source = ${shopper} and day = ${today}`);
    if (!opened.isBegun) throw cartEmpty();
    // Two tabs with two codes would each see a cart without the other's.
    await tx.execute(sql`select 1 from carts where id = ${cart.id} for no key update`);
    const others = await listCartCoupons(tx, cart.id, customerId);
    if (others.some(({ id }) => id === coupon.id)) return true;
    if (!mayStack(coupon, others)) throw couponNotStackable();
    await tx.insert(cartCoupons).values({ cartId: cart.id, couponId: coupon.id });
    return true;
  });
  if (!isRight) throw couponRefused();
  return showCart(ctx, cart, cartToken, language);
};

const today = sql`(now() at time zone 'Asia/Tehran')::date`;

async function checkNetwork({ db }: Pick<Context, 'db'>, network: string): Promise<void> {
  const { rows } = await db.execute(
    sql`select 1 from coupon_misses where source = ${network} and day = ${today} and count >= ${networkMissesMax}`,
  );
  if (rows.length > 0) throw await limitedToday(db);
}

async function countMiss(tx: Tx, source: string, missesMax: number): Promise<void> {
  const { rows } = await tx.execute(sql`
    insert into coupon_misses as m (source, day, count) values (${source}, ${today}, 1)
    on conflict (source, day) do update set count = m.count + 1 where m.count < ${missesMax} returning 1`);
  if (rows.length === 0) throw await limitedToday(tx);
}

async function limitedToday(db: Db | Tx) {
  const { rows } = await db.execute<{ seconds: number }>(
    sql`select ceil(extract(epoch from (${today} + 1)::timestamp - (now() at time zone 'Asia/Tehran')))::int as seconds`,
  );
  return rateLimited({ retryAfterSeconds: rows[0]?.seconds ?? 3600 });
}
