import { invalidInput, rateLimited } from '@kelid/contracts/common';
import { ordersContract } from '@kelid/contracts/orders';
import { newId } from '@kelid/service/ids';
import { userActor, waitFor } from '@kelid/testing/start-service';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Shopper, startOrders, type TestOrders } from '../test-orders.ts';

let shop: TestOrders;
beforeAll(async () => {
  shop = await startOrders();
});
afterEach(async () => expect(await shop.brokenInvariants()).toEqual([]));
afterAll(() => shop.close());

const admin = userActor(newId(), ['admin']);
type Rules = Partial<Parameters<ReturnType<TestOrders['client']>['createCoupon']>[0]>;
let codeCount = 0;
/** Ten per cent off, unless said otherwise. */
function makeCoupon(rules: Rules = {}) {
  codeCount += 1;
  const value = rules.amountRial === undefined ? { percentBasisPoints: 1000 } : {};
  return shop.client(admin).createCoupon({ code: `NOWRUZ-${codeCount}`, ...value, ...rules });
}
const cartOf = (buyer: Shopper) => shop.client(buyer.actor).getCart({});
const put = (buyer: Shopper, code: string) => shop.client(buyer.actor).putCartCoupon({ code });
const sees = (buyer: Shopper, orderId: string) => shop.client(buyer.actor).getOrder({ orderId });
const cancel = (buyer: Shopper, orderId: string) => shop.client(buyer.actor).cancelOrder({ orderId });
async function buyerWith(code: string, variantId = shop.around.addVariant(200)): Promise<Shopper> {
  const buyer = await shop.shopper(variantId);
  await put(buyer, code);
  return buyer;
}
/** The same customer with another full cart. */
async function again(buyer: Shopper, code?: string): Promise<Shopper> {
  await shop.client(buyer.actor).addCartItem({ variantId: shop.around.addVariant(10), quantity: 1 });
  if (code !== undefined) await put(buyer, code);
  return buyer;
}
async function usesOf(couponId: string): Promise<number> {
  const [row] = await shop.sql('orders', 'select used_count from coupons where id = $1', [couponId]);
  return Number(row?.['used_count']);
}
const refused = { code: 'orders.coupon-refused', status: 422 };

test('CK-4: a code is put in as people type it, shows what it takes off, is ordered with, and leaves the cart with its order', async () => {
  await makeCoupon({ code: 'YALDA1405' });
  const buyer = await buyerWith(' yalda ۱۴۰۵ ');
  const cart = await cartOf(buyer);
  expect(cart).toMatchObject({
    coupons: [{ code: 'YALDA1405', discountRial: 500_000, reason: null }],
    discountRial: 500_000,
    totalRial: 4_500_000,
  });
  const { orderId, totalRial } = await buyer.checkout();
  expect(totalRial).toBe(4_500_000);
  expect(shop.around.intents.get(orderId)).toMatchObject({ amountRial: 4_500_000 });
  expect(await sees(buyer, orderId)).toMatchObject({
    coupons: [{ code: 'YALDA1405', discountRial: 500_000 }],
    discountRial: 500_000,
    vatRial: 0,
    feeRial: 0,
    totalRial: 4_500_000,
  });
  const { items } = await shop.client(admin).listAllOrders({});
  expect(items.find((order) => order.id === orderId)).toMatchObject({ discountRial: 500_000, vatRial: 0, feeRial: 0 });
  expect(await cartOf(buyer)).toMatchObject({ coupons: [], items: [] });
});

test('CK-4: a code is taken out alone or with all others, and taking it out twice is no fault', async () => {
  const [first, second] = await Promise.all([makeCoupon({ isStackable: true }), makeCoupon({ isStackable: true })]);
  const buyer = await buyerWith(first.code);
  expect(await put(buyer, second.code)).toMatchObject({ discountRial: 950_000, totalRial: 4_050_000 });
  for (let round = 0; round < 2; round += 1) {
    const cart = await shop.client(buyer.actor).deleteCartCoupon({ code: first.code.toLowerCase() });
    expect(cart).toMatchObject({ coupons: [{ code: second.code }], totalRial: 4_500_000 });
  }
  await put(buyer, first.code);
  expect(await shop.client(buyer.actor).deleteCartCoupon({})).toMatchObject({ coupons: [], totalRial: 5_000_000 });
});

test('CK-4: a code that a guest put in is still there after the login', async () => {
  const { code } = await makeCoupon();
  const variantId = shop.around.addVariant(5);
  const { cartToken } = await shop.client({ kind: 'guest' }).addCartItem({ variantId, quantity: 1 });
  await shop.client({ kind: 'guest', cartToken: cartToken ?? '' }).putCartCoupon({ code });
  const actor = userActor();
  const cart = await shop.client(actor.kind === 'user' ? { ...actor, cartToken: cartToken ?? '' } : actor).getCart({});
  expect(cart).toMatchObject({ coupons: [{ code, reason: null }], totalRial: 4_500_000 });
});

test('I12 A60: 100 checkouts at once of 100 accounts against a limit of 3: three orders, 97 told so with nothing lost', async () => {
  const coupon = await makeCoupon({ usesMax: 3 });
  const variantId = shop.around.addVariant(200);
  // Only their checkouts come at once.
  const buyers: Shopper[] = [];
  for (let count = 0; count < 100; count += 1) buyers.push(await buyerWith(coupon.code, variantId));
  const answers = await Promise.allSettled(buyers.map((buyer) => buyer.checkout()));
  expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(3);
  for (const answer of answers)
    if (answer.status === 'rejected')
      expect(answer.reason).toMatchObject({ code: 'orders.coupon-not-usable', data: { totalRial: 5_000_000 } });
  expect(await usesOf(coupon.id)).toBe(3);
  expect(shop.around.heldCount(variantId)).toBe(3);
  const loser = buyers[answers.findIndex((answer) => answer.status === 'rejected')];
  if (!loser) throw new Error('Everybody won');
  expect(await cartOf(loser)).toMatchObject({
    coupons: [{ code: coupon.code, discountRial: 0, reason: 'used_up' }],
    itemCount: 1,
    totalRial: 5_000_000,
  });
  await shop.client(loser.actor).deleteCartCoupon({ code: coupon.code });
  expect(await loser.checkout()).toMatchObject({ totalRial: 5_000_000 });
});

test('I12: a cart with a code for one use that is checked out ten times at once is one order with one use, and another customer is free', async () => {
  const coupon = await makeCoupon({ customerUsesMax: 1 });
  const buyer = await buyerWith(coupon.code);
  const answers = await Promise.allSettled(Array.from({ length: 10 }, () => buyer.checkout()));
  // A tab that was not first is sent to the order of the one that was.
  expect(new Set(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.orderId] : []))).size).toBe(
    1,
  );
  expect(await usesOf(coupon.id)).toBe(1);
  await expect(again(buyer, coupon.code)).rejects.toMatchObject(refused);
  await (await buyerWith(coupon.code)).checkout();
  expect(await usesOf(coupon.id)).toBe(2);
});

test('I12: a customer whose two carts of two moments carry a code for one use orders with it once', async () => {
  const coupon = await makeCoupon({ customerUsesMax: 1 });
  const buyer = await buyerWith(coupon.code);
  const [cart] = await shop.sql('orders', 'select id from carts where customer_id = $1', [buyer.userId]);
  await buyer.checkout();
  await again(buyer);
  await shop.sql('orders', 'insert into cart_coupons (cart_id, coupon_id) values ($1, $2)', [cart?.['id'], coupon.id]);
  await expect(buyer.checkout()).rejects.toMatchObject({ code: 'orders.coupon-not-usable' });
  expect(await usesOf(coupon.id)).toBe(1);
});

test('I12 A60: a cancelled order gives its use back once, however often and at once it is cancelled; the code works again', async () => {
  const coupon = await makeCoupon({ usesMax: 2, customerUsesMax: 1 });
  const [buyer, other] = await Promise.all([buyerWith(coupon.code), buyerWith(coupon.code)]);
  const { orderId } = await buyer.checkout();
  await other.checkout();
  await Promise.all(Array.from({ length: 5 }, () => cancel(buyer, orderId)));
  await cancel(buyer, orderId);
  expect(await usesOf(coupon.id)).toBe(1);
  await again(buyer, coupon.code);
  await buyer.checkout();
  expect(await usesOf(coupon.id)).toBe(2);
  const { items } = await shop.client(admin).listCouponUses({ couponId: coupon.id });
  expect(items.map((use) => use.releasedAt !== null)).toEqual([false, false, true]);
});

test('I12: an order that is not paid in time gives its use back once, also when the sweep comes twice', async () => {
  const coupon = await makeCoupon({ usesMax: 1 });
  const buyer = await buyerWith(coupon.code);
  const { orderId } = await buyer.checkout();
  const hour = "set hold_expires_at = now() - interval '1 second', due_at = now() - interval '1 second'";
  await shop.sql('orders', `update orders ${hour} where id = $1`, [orderId]);
  await Promise.all([1, 2, 3].map(() => shop.host.sweep('orders', 'move-due-orders')));
  await shop.sql('orders', `update orders ${hour} where id = $1`, [orderId]);
  await shop.host.sweep('orders', 'move-due-orders');
  expect(await sees(buyer, orderId)).toMatchObject({ status: 'expired' });
  expect(await usesOf(coupon.id)).toBe(0);
  await (await buyerWith(coupon.code)).checkout();
});

test('I12: a checkout that stock or payments refuse keeps no use, and the code stays in the cart', async () => {
  const coupon = await makeCoupon({ usesMax: 1 });
  const variantId = shop.around.addVariant(1);
  const buyer = await buyerWith(coupon.code, variantId);
  shop.around.stock.set(variantId, 0);
  await expect(buyer.checkout()).rejects.toMatchObject({ code: 'orders.out_of_stock' });
  expect(await usesOf(coupon.id)).toBe(0);
  shop.around.stock.set(variantId, 1);
  shop.around.faults.set('startAttempt', 'refuses');
  await expect(buyer.checkout()).rejects.toMatchObject({ code: 'orders.checkout-failed' });
  shop.around.faults.clear();
  expect(await usesOf(coupon.id)).toBe(0);
  expect(await cartOf(buyer)).toMatchObject({ coupons: [{ code: coupon.code, reason: null }] });
  await buyer.checkout();
  expect(await usesOf(coupon.id)).toBe(1);
});

test('CK-4 A59: the same checkout sent again with its key is the same order with one use, and its own use refuses nobody', async () => {
  const coupon = await makeCoupon({ customerUsesMax: 1 });
  const buyer = await buyerWith(coupon.code);
  const key = newId();
  const first = await buyer.checkout(key);
  expect(await buyer.checkout(key)).toEqual(first);
  expect(await usesOf(coupon.id)).toBe(1);
});

test('CK-4: a code for the first order is for a customer who has none, counts paid and waiting ones, and comes back with a dead one', async () => {
  const { code } = await makeCoupon({ isFirstOrderOnly: true });
  const buyer = await buyerWith(code);
  const { orderId } = await buyer.checkout();
  await again(buyer);
  await expect(put(buyer, code)).rejects.toMatchObject(refused);
  await cancel(buyer, orderId);
  expect(await put(buyer, code)).toMatchObject({ discountRial: 500_000 });
  const old = await shop.shopper(shop.around.addVariant(5));
  await old.checkout();
  await expect(again(old, code)).rejects.toMatchObject(refused);
});

test('CK-4: a first-order code does not survive another order that was made with it in the cart', async () => {
  const { code, id } = await makeCoupon({ isFirstOrderOnly: true });
  const buyer = await buyerWith(code);
  const { code: other } = await makeCoupon();
  await shop.client(buyer.actor).deleteCartCoupon({});
  await put(buyer, other);
  const [cart] = await shop.sql('orders', 'select id from carts where customer_id = $1', [buyer.userId]);
  await buyer.checkout();
  await again(buyer);
  await shop.sql('orders', 'insert into cart_coupons (cart_id, coupon_id) values ($1, $2)', [cart?.['id'], id]);
  expect(await cartOf(buyer)).toMatchObject({ coupons: [{ code, reason: 'not_yours' }], discountRial: 0 });
  await expect(buyer.checkout()).rejects.toMatchObject({ code: 'orders.coupon-not-usable' });
});

test('A60: a second code where one of the two is to be used alone is a 422, put in from two tabs at once too', async () => {
  const [alone, open] = await Promise.all([makeCoupon(), makeCoupon({ isStackable: true })]);
  const notStackable = { code: 'orders.coupon-not-stackable', status: 422 };
  await expect(put(await buyerWith(alone.code), open.code)).rejects.toMatchObject(notStackable);
  await expect(put(await buyerWith(open.code), alone.code)).rejects.toMatchObject(notStackable);
  const buyer = await shop.shopper(shop.around.addVariant(5));
  const answers = await Promise.allSettled([put(buyer, alone.code), put(buyer, open.code)]);
  expect(answers.map((answer) => answer.status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect((await cartOf(buyer)).coupons).toHaveLength(1);
});

test('A60: a second code waits for the one that another tab is just putting in, and is refused beside it', async () => {
  const [alone, open] = await Promise.all([makeCoupon(), makeCoupon({ isStackable: true })]);
  const buyer = await shop.shopper(shop.around.addVariant(5));
  const other = new pg.Client({ connectionString: shop.databaseUrls['orders']?.ownerUrl ?? '' });
  await other.connect();
  await other.query('begin');
  await other.query('select 1 from carts where customer_id = $1 for no key update', [buyer.userId]);
  await other.query('insert into cart_coupons (cart_id, coupon_id) select id, $2 from carts where customer_id = $1', [
    buyer.userId,
    alone.id,
  ]);
  const second = put(buyer, open.code).catch((error: unknown) => error);
  await waitFor('the second code at the lock, or in the cart', async () => {
    const waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    const isIn = 'select 1 from cart_coupons where coupon_id = $1';
    return (await shop.sql('orders', waiting)).length > 0 || (await shop.sql('orders', isIn, [open.id])).length > 0;
  });
  await other.query('commit');
  await other.end();
  expect(await second).toMatchObject({ code: 'orders.coupon-not-stackable' });
});

test('CK-4: codes for a product, a category or a customer are for nothing and nobody else', async () => {
  const [steam, xbox] = [shop.around.addVariant(50), shop.around.addVariant(50)] as [string, string];
  const games = newId();
  shop.around.categories.set(xbox, [newId(), games]);
  const forSteam = await makeCoupon({ productIds: [steam], amountRial: 1_000_000 });
  const forGames = await makeCoupon({ categoryIds: [games], percentBasisPoints: 5000 });
  const buyer = await shop.shopper(steam);
  await shop.client(buyer.actor).addCartItem({ variantId: xbox, quantity: 2 });
  expect(await put(buyer, forSteam.code)).toMatchObject({ discountRial: 1_000_000 });
  await shop.client(buyer.actor).deleteCartCoupon({});
  expect(await put(buyer, forGames.code)).toMatchObject({ discountRial: 5_000_000, totalRial: 10_000_000 });
  const { orderId } = await buyer.checkout();
  const lines = await shop.sql(
    'orders',
    'select discount_rial from order_lines where order_id = $1 order by position',
    [orderId],
  );
  expect(lines.map((line) => Number(line['discount_rial']))).toEqual([0, 5_000_000]);

  const stranger = await buyerWith(forGames.code, steam);
  expect(await cartOf(stranger)).toMatchObject({ coupons: [{ reason: 'no_matching_item' }], totalRial: 5_000_000 });
  await expect(stranger.checkout()).rejects.toMatchObject({ code: 'orders.coupon-not-usable' });
  const mine = await makeCoupon({ customerIds: [buyer.userId] });
  await expect(put(stranger, mine.code)).rejects.toMatchObject(refused);
  expect(await put(buyer, mine.code)).toMatchObject({ coupons: [{ code: mine.code }] });
});

test('CK-4: a code that begins later, is over, was switched off or ends while it lies in the cart takes nothing off', async () => {
  const hour = (count: number) => new Date(Date.now() + count * 3_600_000).toISOString();
  const tomorrow = await makeCoupon({ startsAt: hour(24) });
  await expect(buyerWith(tomorrow.code)).rejects.toMatchObject(refused);
  const yesterday = await makeCoupon({ startsAt: hour(-48), endsAt: hour(-24) });
  await expect(buyerWith(yesterday.code)).rejects.toMatchObject(refused);
  const today = await makeCoupon({ endsAt: hour(1) });
  const buyer = await buyerWith(today.code);
  await shop.client(admin).updateCoupon({ couponId: today.id, endsAt: hour(-1) });
  expect(await cartOf(buyer)).toMatchObject({ coupons: [{ reason: 'ended' }], discountRial: 0 });
  await expect(buyer.checkout()).rejects.toMatchObject({
    code: 'orders.coupon-not-usable',
    data: { totalRial: 5_000_000 },
  });
  await shop.client(admin).updateCoupon({ couponId: today.id, endsAt: null, isActive: false });
  await expect(buyerWith(today.code)).rejects.toMatchObject(refused);
});

test('I12: nothing but the placing of an order takes a use: the service itself may neither take one otherwise nor write the counts', async () => {
  const coupon = await makeCoupon();
  const buyer = await buyerWith(coupon.code);
  const { orderId } = await buyer.checkout();
  await expect(
    shop.sql('orders', 'select coupon_take($1, $2, 1)', [coupon.id, orderId]),
    'an order that is not being placed takes none',
  ).rejects.toThrow();
  for (const attempt of [
    'update coupons set used_count = 0 where id = $1',
    'insert into coupon_uses select coupon_id, $2, customer_id, 1 from coupon_uses where coupon_id = $1',
    'delete from coupon_uses where coupon_id = $1 or order_id = $2',
    'select coupon_count_use($1, $2, $1, true)',
  ])
    await expect(
      shop.sql('orders', attempt, attempt.includes('$2') ? [coupon.id, orderId] : [coupon.id]),
      attempt,
    ).rejects.toMatchObject({ code: '42501' });
});

test('A61: after 20 wrong codes of a day a customer may not try on, whoever asks at once; the right code is refused too', async () => {
  const coupon = await makeCoupon();
  const buyer = await shop.shopper(shop.around.addVariant(5));
  const from = (ip: string) => shop.as(ordersContract, buyer.actor, { ip });
  const guesses = await Promise.allSettled(
    Array.from({ length: 100 }, (_, at) => from(`198.51.100.${at}`).putCartCoupon({ code: `GUESS-${at}` })),
  );
  const codes = guesses.map((guess) => (guess.status === 'rejected' ? (guess.reason as { code: string }).code : 'in'));
  expect(codes.filter((code) => code === 'orders.coupon-refused')).toHaveLength(20);
  expect(codes.filter((code) => code === 'rate-limited')).toHaveLength(80);
  const limited = await put(buyer, coupon.code).catch((error: unknown) => error);
  expect(limited).toMatchObject({ code: 'rate-limited', status: 429 });
  if (!rateLimited.is(limited)) throw limited;
  const { retryAfterSeconds } = limited.data;
  expect(retryAfterSeconds).toBeGreaterThan(0);
  expect(retryAfterSeconds).toBeLessThanOrEqual(86_400);
  await shop.sql('orders', "update coupon_misses set day = day - 1 where source like 'customer:%'");
  expect(await put(buyer, coupon.code)).toMatchObject({ discountRial: 500_000 });
});

test('A61: after 60 wrong codes of a day a network may not try on, with ever new guests; another network may', async () => {
  const variantId = shop.around.addVariant(5);
  const { code } = await makeCoupon();
  const guess = async (ip: string, typed: string) => {
    const { cartToken } = await shop.client({ kind: 'guest' }).addCartItem({ variantId, quantity: 1 });
    const guest = shop.as(ordersContract, { kind: 'guest', cartToken: cartToken ?? '' }, { ip });
    return guest.putCartCoupon({ code: typed }).then(
      () => 'in',
      (error: unknown) => (error as { code: string }).code,
    );
  };
  const answers = await Promise.all(Array.from({ length: 70 }, (_, at) => guess('203.0.113.7', `GUESS-${at}`)));
  expect(answers.filter((answer) => answer === 'orders.coupon-refused')).toHaveLength(60);
  expect(await guess('203.0.113.7', code)).toBe('rate-limited');
  // Whoever has IPv6 has more addresses than the day has guesses.
  const wide = await Promise.all(Array.from({ length: 70 }, (_, at) => guess(`2001:db8:1:2::${at}`, `GUESS-${at}`)));
  expect(wide.filter((answer) => answer === 'orders.coupon-refused')).toHaveLength(60);
  expect(await guess('203.0.113.8', code)).toBe('in');
});

test('A61: right codes count as no guess, however often they are put in', async () => {
  const { code } = await makeCoupon();
  const buyer = await shop.shopper(shop.around.addVariant(5));
  for (let round = 0; round < 25; round += 1) await put(buyer, code);
  const counts = await shop.sql('orders', 'select count from coupon_misses where source = $1', [
    `customer:${buyer.userId}`,
  ]);
  expect(counts).toEqual([{ count: 0 }]);
});

test('A61: unknown, ended, not begun, switched off, used up, for another and for first orders only are one and the same answer', async () => {
  const past = new Date(Date.now() - 3_600_000).toISOString();
  const usedUp = await makeCoupon({ usesMax: 1 });
  await (await buyerWith(usedUp.code)).checkout();
  const buyer = await shop.shopper(shop.around.addVariant(5));
  await buyer.checkout();
  await again(buyer);
  const unusable = await Promise.all([
    makeCoupon({ startsAt: '2026-01-01T00:00:00.000Z', endsAt: past }),
    makeCoupon({ startsAt: new Date(Date.now() + 3_600_000).toISOString() }),
    makeCoupon({ isActive: false }),
    makeCoupon({ customerIds: [newId()] }),
    makeCoupon({ isFirstOrderOnly: true }),
  ]);
  const answers = new Set<string>();
  for (const code of ['NO-SUCH-CODE', '؟', usedUp.code, ...unusable.map((coupon) => coupon.code)]) {
    const { toBody } = await put(buyer, code).then(
      () => ({ toBody: () => ({ code: 'in' }) }),
      (error: { toBody(): unknown }) => ({ toBody: () => error.toBody() }),
    );
    answers.add(JSON.stringify(toBody()));
  }
  expect([...answers]).toEqual([
    JSON.stringify({
      type: '/problems/orders.coupon-refused',
      title: 'This code cannot be used',
      status: 422,
      code: 'orders.coupon-refused',
    }),
  ]);
});

test('A57: what the shopper saw with a coupon is what is charged, and another total is a 409 with the new one', async () => {
  const coupon = await makeCoupon();
  const buyer = await buyerWith(coupon.code);
  const client = (key: string) => shop.client(buyer.actor, key);
  for (const expectedTotalRial of [5_000_000, 4_499_999, 0])
    await expect(client(newId()).checkout({ psp: 'zarinpal', expectedTotalRial })).rejects.toMatchObject({
      code: 'orders.quote_expired',
      data: { totalRial: 4_500_000 },
    });
  expect(await usesOf(coupon.id)).toBe(0);
  expect(await client(newId()).checkout({ psp: 'zarinpal', expectedTotalRial: 4_500_000 })).toMatchObject({
    totalRial: 4_500_000,
  });
});

test('A67: an order that a coupon pays whole asks payments nothing, is paid and delivered at once, once, with its history', async () => {
  const coupon = await makeCoupon({ percentBasisPoints: 10_000, usesMax: 1 });
  const variantId = shop.around.addVariant(3);
  const buyer = await buyerWith(coupon.code, variantId);
  expect(await cartOf(buyer)).toMatchObject({ totalRial: 0 });
  for (const call of ['createIntent', 'startAttempt', 'closeIntent']) shop.around.faults.set(call, 'refuses');
  const key = newId();
  const placed = await shop.client(buyer.actor, key).checkout({ psp: 'zarinpal', useWallet: true });
  expect(placed).toMatchObject({ status: 'paid', totalRial: 0, payment: null });
  expect(await shop.client(buyer.actor, key).checkout({ psp: 'zarinpal', useWallet: true })).toEqual(placed);
  shop.around.faults.clear();
  const { orderId } = placed;
  expect(await sees(buyer, orderId)).toMatchObject({
    status: 'fulfilled',
    discountRial: 5_000_000,
    totalRial: 0,
    lines: [{ status: 'delivered' }],
  });
  expect(shop.around.intents.has(orderId)).toBe(false);
  const { items } = await shop.client(buyer.actor).getOrderHistory({ orderId });
  expect(items.map((move) => move.to)).toEqual(['placing', 'pending_payment', 'paid', 'fulfilling', 'fulfilled']);
  const events = await shop.sql(
    'orders',
    "select type, data->>'totalRial' as total from outbox where data->>'orderId' = $1 and data ? 'totalRial' order by id",
    [orderId],
  );
  expect(events).toEqual(['order.placed', 'order.paid', 'order.fulfilled'].map((type) => ({ type, total: '0' })));
  await expect(cancel(buyer, orderId)).rejects.toMatchObject({ code: 'orders.not-cancellable' });
});

test('A67: a free order whose keys could not be bound at once is delivered by the sweep; one whose stock is gone is taken back', async () => {
  const coupon = await makeCoupon({ amountRial: 5_000_000 });
  const buyer = await buyerWith(coupon.code);
  shop.around.faults.set('fulfillOrder', 'refuses');
  const { orderId } = await buyer.checkout();
  shop.around.faults.clear();
  expect(await sees(buyer, orderId)).toMatchObject({ status: 'paid' });
  await shop.sql('orders', 'update orders set due_at = now() where id = $1', [orderId]);
  await shop.host.sweep('orders', 'move-due-orders');
  expect(await sees(buyer, orderId)).toMatchObject({ status: 'fulfilled' });

  const empty = shop.around.addVariant(1);
  const late = await buyerWith(coupon.code, empty);
  shop.around.stock.set(empty, 0);
  await expect(late.checkout()).rejects.toMatchObject({ code: 'orders.out_of_stock' });
  expect(await usesOf(coupon.id)).toBe(1);
});

test('A67 CP2: a free order that its request and the sweep finish at the same moment is paid and delivered once', async () => {
  const coupon = await makeCoupon({ percentBasisPoints: 10_000 });
  const buyer = await buyerWith(coupon.code);
  shop.around.beforeReserve = async () => {
    shop.around.beforeReserve = undefined;
    await shop.sql('orders', 'update orders set due_at = now() where customer_id = $1', [buyer.userId]);
    await shop.host.sweep('orders', 'move-due-orders');
  };
  const { orderId, status } = await buyer.checkout();
  expect(status).toBe('paid');
  expect(await sees(buyer, orderId)).toMatchObject({ status: 'fulfilled' });
  for (const type of ['order.placed', 'order.paid', 'order.fulfilled'])
    expect(
      await shop.sql('orders', "select 1 from outbox where type = $1 and data->>'orderId' = $2", [type, orderId]),
    ).toHaveLength(1);
  expect(await usesOf(coupon.id)).toBe(1);
});

test('CK-4: staff make a coupon of one kind with whole amounts above 0, a sane code and an end after its start', async () => {
  const bad: [string, Rules][] = [
    ['percentBasisPoints', { percentBasisPoints: null }],
    ['percentBasisPoints', { amountRial: 1000, percentBasisPoints: 1000 }],
    ['percentBasisPoints', { percentBasisPoints: 10_001 }],
    ['percentBasisPoints', { percentBasisPoints: 12.5 }],
    ['percentBasisPoints', { percentBasisPoints: -1000 }],
    ['amountRial', { amountRial: -1 }],
    ['amountRial', { amountRial: 0 }],
    ['amountRial', { amountRial: 0.5 }],
    ['discountMaxRial', { amountRial: 1000, discountMaxRial: 500 }],
    ['discountMaxRial', { discountMaxRial: 1.5 }],
    ['usesMax', { usesMax: 0 }],
    ['code', { code: 'دو' }],
    ['code', { code: '<script>' }],
    ['endsAt', { endsAt: '2026-01-01T00:00:00.000Z', startsAt: '2026-01-01T00:00:00.000Z' }],
  ];
  for (const [field, rules] of bad) {
    const error: unknown = await makeCoupon(rules).catch((problem: unknown) => problem);
    expect(error, JSON.stringify(rules)).toMatchObject({ code: 'invalid-input' });
    if (!invalidInput.is(error)) throw error;
    const { errors } = error.data;
    expect(new Set(errors.map((fault) => fault.field))).toEqual(new Set([field]));
  }
  const { code } = await makeCoupon();
  await expect(makeCoupon({ code: code.toLowerCase() })).rejects.toMatchObject({ code: 'orders.coupon-code-taken' });
  for (const actor of [userActor(), userActor(newId(), ['support']), { kind: 'guest' as const }])
    await expect(shop.client(actor).createCoupon({ code: 'MINE', amountRial: 1000 })).rejects.toMatchObject({
      code: expect.stringMatching(/^(forbidden|unauthenticated)$/) as string,
    });
});

test('CK-4: staff change switch, end and limits, never below what is used; what it takes off is fixed', async () => {
  const coupon = await makeCoupon({ usesMax: 5, customerUsesMax: 2 });
  const buyer = await buyerWith(coupon.code);
  for (let count = 0; count < 2; count += 1) {
    await buyer.checkout();
    await again(buyer, count === 0 ? coupon.code : undefined);
  }
  const update = (changes: object) => shop.client(admin).updateCoupon({ couponId: coupon.id, ...changes });
  for (const changes of [{ usesMax: 1 }, { customerUsesMax: 1 }])
    await expect(update(changes)).rejects.toMatchObject({ code: 'orders.coupon-limit-used', data: { usedCount: 2 } });
  await expect(update({ percentBasisPoints: 9000 })).rejects.toMatchObject({ code: 'invalid-input' });
  expect(await update({})).toMatchObject({ usesMax: 5, usedCount: 2 });
  expect(await update({ usesMax: 2, customerUsesMax: null })).toMatchObject({ usesMax: 2, customerUsesMax: null });
  await expect(put(buyer, coupon.code)).rejects.toMatchObject(refused);
  await expect(shop.client(admin).updateCoupon({ couponId: newId(), isActive: false })).rejects.toMatchObject({
    code: 'orders.coupon-not-found',
  });
  const first = await shop.client(admin).listCoupons({ limit: 1 });
  expect(first.items).toMatchObject([{ id: coupon.id, usedCount: 2 }]);
  const second = await shop.client(admin).listCoupons({ limit: 1, cursor: first.nextCursor ?? '' });
  expect(second.items[0]?.id).not.toBe(coupon.id);
});

test('I12: 20 orders with two codes each, in both orders and cancelled meanwhile, neither block each other nor miscount', async () => {
  const [one, two] = await Promise.all([
    makeCoupon({ isStackable: true, usesMax: 15 }),
    makeCoupon({ isStackable: true, usesMax: 15 }),
  ]);
  const variantId = shop.around.addVariant(100);
  const buyers = await Promise.all(
    Array.from({ length: 20 }, async (_, at) => {
      const buyer = await buyerWith(at % 2 === 0 ? one.code : two.code, variantId);
      await put(buyer, at % 2 === 0 ? two.code : one.code);
      return buyer;
    }),
  );
  const answers = await Promise.allSettled(
    buyers.map(async (buyer, at) => {
      const { orderId } = await buyer.checkout();
      if (at % 3 === 0) await cancel(buyer, orderId);
    }),
  );
  const refusals = answers.filter((answer) => answer.status === 'rejected');
  for (const answer of refusals) expect(answer.reason).toMatchObject({ code: 'orders.coupon-not-usable' });
  expect(await usesOf(one.id)).toBe(await usesOf(two.id));
});
