import { newId } from '@kelid/service/ids';
import { rateLimited } from '@kelid/contracts/common';
import { OrderStatus, unpaidWait } from '@kelid/contracts/orders';
import { userActor, waitFor } from '@kelid/testing/start-service';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOrders, type TestOrders } from './test-orders.ts';

let shop: TestOrders;
beforeAll(async () => {
  shop = await startOrders();
});
afterAll(async () => {
  expect(await shop.brokenInvariants()).toEqual([]);
  await shop.close();
});

const admin = () => shop.client(userActor(newId(), ['admin']));
const statusOf = async (orderId: string) =>
  (await shop.sql('orders', 'select status from orders where id = $1', [orderId]))[0]?.['status'];

test('OR-1: an order keeps the name, price and picture of its moment, whatever the catalogue says later', async () => {
  const variantId = shop.around.addVariant(5);
  const buyer = await shop.shopper(variantId, 2);
  const { orderId, totalRial, payment } = await buyer.checkout();
  expect(totalRial).toBe(10_000_000);
  expect(payment?.redirectUrl).toMatch(/^https:\/\/bank\.example\//);
  expect(shop.around.intents.get(orderId)).toEqual({ amountRial: 10_000_000, status: 'open' });
  shop.around.variants.set(variantId, { priceRial: 1, title: 'چیز دیگر', isSold: false });
  const order = await shop.client(buyer.actor).getOrder({ orderId });
  expect(order).toMatchObject({ status: 'pending_payment', totalRial: 10_000_000 });
  expect(order.lines).toMatchObject([
    {
      title: 'گیفت کارت استیم',
      unitPriceRial: 5_000_000,
      quantity: 2,
      image: '/api/v1/media/steam',
      status: 'pending',
    },
  ]);
  expect((await shop.client(buyer.actor).getCart({})).items).toEqual([]);
});

test('A42: an order posted with its own status, total, price or owner is a 422, and nothing is ordered', async () => {
  const buyer = await shop.shopper(shop.around.addVariant(5));
  const fields = [
    'status',
    'total',
    'totalRial',
    'price',
    'userId',
    'customerId',
    'discount',
    'discountRial',
    'paidAt',
    'constructor',
    'orderId',
  ];
  const bodies = [
    ...fields.map((field) => ({ [field]: 1 })),
    JSON.parse('{"__proto__":{"totalRial":1},"role":"admin"}') as object,
  ];
  for (const extra of bodies) {
    await expect(shop.client(buyer.actor, newId()).checkout({ psp: 'zarinpal', ...extra })).rejects.toMatchObject({
      status: 422,
    });
  }
  await expect(
    shop.client(buyer.actor, newId()).checkout({ psp: 'zarinpal', contact: { phone: '1', cardId: newId() } as object }),
  ).rejects.toMatchObject({ status: 422 });
  expect(await shop.sql('orders', 'select 1 from orders where customer_id = $1', [buyer.userId])).toEqual([]);
});

test('SMS go to Iranian mobile numbers only: any spelling of one is taken and kept in one way, all else is a 422 that names the field', async () => {
  const buyer = await shop.shopper(shop.around.addVariant(5));
  const order = (phone: string) => shop.client(buyer.actor, newId()).checkout({ psp: 'zarinpal', contact: { phone } });
  const strange = ['+14155550123', '110', 'https://evil.example/', '02188776655', '+98912', '0912 000 00012', 'me'];
  for (const phone of strange) {
    const refusal: unknown = await order(phone).catch((error: unknown) => error);
    expect(refusal, phone).toMatchObject({
      status: 422,
      code: 'invalid-input',
      data: { errors: [{ field: 'contact.phone' }] },
    });
  }
  const { orderId } = await order('۰۹۱۲ ۰۰۰ ۰۰۰۱');
  expect(await shop.client(buyer.actor).getOrder({ orderId })).toMatchObject({ contact: { phone: '+989120000001' } });
});

test('A55: a cart that is changed in another tab after the redirect does not change the order', async () => {
  const variantId = shop.around.addVariant(9);
  const buyer = await shop.shopper(variantId);
  const { orderId } = await buyer.checkout();
  await shop.client(buyer.actor).addCartItem({ variantId, quantity: 5 });
  expect(await shop.client(buyer.actor).getOrder({ orderId })).toMatchObject({
    totalRial: 5_000_000,
    lines: [{ quantity: 1 }],
  });
  // The full cart is another order.
  const second = await buyer.checkout();
  expect(second.orderId).not.toBe(orderId);
  expect(second.totalRial).toBe(25_000_000);
});

test('A56: a total beyond what whole Rial can say places no order and holds no stock', async () => {
  const variantId = shop.around.addVariant(50, 2 ** 52);
  const userId = newId();
  const client = shop.client(userActor(userId), newId());
  await client.addCartItem({ variantId, quantity: 20 }).catch(() => undefined);
  await expect(client.checkout({ psp: 'zarinpal' })).rejects.toThrow();
  expect(shop.around.heldCount(variantId)).toBe(0);
  expect(await shop.sql('orders', 'select 1 from orders where customer_id = $1', [userId])).toEqual([]);
});

test('A57: a promise older than 15 minutes, or another total than the shopper saw, is a 409 with the new total; then it is bought at that', async () => {
  const variantId = shop.around.addVariant(5);
  const buyer = await shop.shopper(variantId);
  const variant = shop.around.variants.get(variantId);
  if (variant) variant.priceRial = 7_000_000;
  await shop.sql('orders', "update carts set quote_expires_at = now() - interval '1 second' where customer_id = $1", [
    buyer.userId,
  ]);
  await expect(buyer.checkout()).rejects.toMatchObject({
    status: 409,
    code: 'orders.quote_expired',
    data: { totalRial: 7_000_000 },
  });
  for (const expectedTotalRial of [1, 5_000_000]) {
    const edited = shop.client(buyer.actor, newId()).checkout({ psp: 'zarinpal', expectedTotalRial });
    await expect(edited).rejects.toMatchObject({ code: 'orders.quote_expired', data: { totalRial: 7_000_000 } });
  }
  expect(shop.around.heldCount(variantId)).toBe(0);
  expect(
    (await shop.client(buyer.actor, newId()).checkout({ psp: 'zarinpal', expectedTotalRial: 7_000_000 })).totalRial,
  ).toBe(7_000_000);
});

test('A58 I3: 100 shoppers check out the last unit at once: one order, 99 times sold out, nothing left held', async () => {
  const variantId = shop.around.addVariant(1);
  const buyers = [];
  for (let buyer = 0; buyer < 100; buyer += 1) buyers.push(await shop.shopper(variantId));
  const answers = await Promise.allSettled(buyers.map((buyer) => buyer.checkout()));
  expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(1);
  const refusals = answers.flatMap((answer) =>
    answer.status === 'rejected' ? [answer.reason as { code: string; status: number; data: unknown }] : [],
  );
  for (const refusal of refusals)
    expect(refusal).toMatchObject({ code: 'orders.out_of_stock', status: 409, data: { variantIds: [variantId] } });
  expect(shop.around.heldCount(variantId)).toBe(1);
  const ids = buyers.map((buyer) => buyer.userId);
  expect(
    await shop.sql(
      'orders',
      'select status, count(*)::int from orders where customer_id = any($1) group by 1 order by 1',
      [ids],
    ),
  ).toEqual([
    { status: 'cancelled', count: 99 },
    { status: 'pending_payment', count: 1 },
  ]);
  const cancelled = await shop.sql(
    'orders',
    "select id from orders where customer_id = any($1) and status = 'cancelled'",
    [ids],
  );
  expect(cancelled.filter((order) => shop.around.intents.get(String(order['id']))?.status === 'open')).toEqual([]);
});

test('A59: one Idempotency-Key 20 times at once is one order; with another body it is a 422; another customer may use the same one', async () => {
  const variantId = shop.around.addVariant(50);
  const buyer = await shop.shopper(variantId);
  const key = newId();
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => buyer.checkout(key)));
  const orderIds = new Set(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.orderId] : [])));
  expect(orderIds.size).toBe(1);
  for (const answer of answers)
    if (answer.status === 'rejected')
      expect(answer.reason).toMatchObject({ code: 'idempotency-key-running', status: 409 });
  const again = await buyer.checkout(key);
  expect(orderIds.has(again.orderId)).toBe(true);
  expect(shop.around.heldCount(variantId)).toBe(1);
  await expect(
    shop.client(buyer.actor, key).checkout({ psp: 'zarinpal', contact: { email: 'a@example.com' } }),
  ).rejects.toMatchObject({ code: 'idempotency-key-reused', status: 422 });
  const other = await shop.shopper(variantId);
  expect(orderIds.has((await other.checkout(key)).orderId)).toBe(false);
  await expect(shop.client(buyer.actor).checkout({ psp: 'zarinpal' })).rejects.toMatchObject({
    code: 'idempotency-key-missing',
    status: 400,
  });
});

test('A59: one cart checked out at once in 10 tabs, each with its own key, becomes one order, and every tab that is answered is sent to it', async () => {
  const variantId = shop.around.addVariant(50);
  const buyer = await shop.shopper(variantId);
  const answers = await Promise.allSettled(Array.from({ length: 10 }, () => buyer.checkout()));
  expect(new Set(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.orderId] : []))).size).toBe(
    1,
  );
  for (const answer of answers)
    if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'orders.cart-empty', status: 409 });
  expect(await shop.sql('orders', 'select status from orders where customer_id = $1', [buyer.userId])).toEqual([
    { status: 'pending_payment' },
  ]);
  // Cart and order are locked in one order everywhere; otherwise the tabs wait for each other until PostgreSQL ends one.
  expect(await shop.sql('orders', 'select deadlocks from pg_stat_database where datname = current_database()')).toEqual(
    [{ deadlocks: 0 }],
  );
  expect(shop.around.heldCount(variantId)).toBe(1);
});

test('CP2 A59: a cart whose checkout died with its process is ordered at once under a new key: it is that order, and the old key answers it too', async () => {
  const variantId = shop.around.addVariant(5);
  const buyer = await shop.shopper(variantId);
  const [oldKey, newKey] = [newId(), newId()];
  const orderId = await shop.leavePlacing(buyer, oldKey);
  const placed = await buyer.checkout(newKey);
  expect(placed).toMatchObject({ orderId, status: 'pending_payment', totalRial: 5_000_000 });
  for (const key of [oldKey, newKey]) expect(await buyer.checkout(key)).toEqual(placed);
  expect(shop.around.heldCount(variantId)).toBe(1);
  expect((await shop.client(buyer.actor).getCart({})).items).toEqual([]);
});

test('CP2: the key of a checkout that died with its process goes on with it; while its lease runs it is said to be running', async () => {
  const buyer = await shop.shopper(shop.around.addVariant(5));
  const key = newId();
  const orderId = await shop.leavePlacing(buyer, key, 60);
  await expect(buyer.checkout(key)).rejects.toMatchObject({ code: 'idempotency-key-running', status: 409 });
  await shop.sql('orders', 'update orders set due_at = now() where id = $1', [orderId]);
  expect(await buyer.checkout(key)).toMatchObject({ orderId, status: 'pending_payment' });
});

test('CP2: a cart that was changed after its checkout died is a new order, and what the dead one held is let go', async () => {
  const variantId = shop.around.addVariant(5);
  const buyer = await shop.shopper(variantId);
  const orderId = await shop.leavePlacing(buyer, newId(), 60);
  await shop.client(buyer.actor).addCartItem({ variantId, quantity: 1 });
  await expect(buyer.checkout()).rejects.toMatchObject({ code: 'orders.cart-empty', status: 409 });
  await shop.sql('orders', 'update orders set due_at = now() where id = $1', [orderId]);
  const placed = await buyer.checkout();
  expect(placed).toMatchObject({ totalRial: 10_000_000 });
  expect(await statusOf(orderId)).toBe('cancelled');
  expect(shop.around.heldCount(variantId)).toBe(2);
});

test('CP2: what a dead process left is gone on with by the sweep within seconds, and what a living one works on is left to it', async () => {
  const left = await shop.shopper(shop.around.addVariant(5));
  const orderId = await shop.leavePlacing(left);
  const variantId = shop.around.addVariant(5);
  const slow = await shop.shopper(variantId);
  let runnerCount = 0;
  shop.around.beforeReserve = async () => {
    shop.around.beforeReserve = undefined;
    runnerCount += 1;
    // Longer than its first lease: only a renewal can have moved it on.
    await waitFor('the renewal', async () => {
      const renewed = "select 1 from orders where customer_id = $1 and due_at > placed_at + interval '5.5 seconds'";
      return (await shop.sql('orders', renewed, [slow.userId])).length === 1;
    });
    shop.around.beforeReserve = () => Promise.resolve(void (runnerCount += 1));
    await shop.host.sweep('orders', 'move-due-orders');
    shop.around.beforeReserve = undefined;
  };
  await slow.checkout();
  // The sweep went on with the one that was left, and with no other.
  expect(runnerCount).toBe(2);
  expect(await statusOf(orderId)).toBe('pending_payment');
  const [lease] = await shop.sql(
    'orders',
    "select bool_and(due_at < placed_at + interval '6 seconds') as short from orders where status = 'placing'",
  );
  expect(lease?.['short'] ?? true).toBe(true);
});

test('an order above what its customer may buy in a day is refused by name, holds nothing, and the cart stays', async () => {
  const variantId = shop.around.addVariant(5, 6_000_000);
  const buyer = await shop.shopper(variantId, 2);
  shop.around.dayMaxRial = 10_000_000;
  await expect(buyer.checkout()).rejects.toMatchObject({
    code: 'orders.limit_reached',
    data: { limitRial: 10_000_000 },
  });
  shop.around.dayMaxRial = 10_000_000_000;
  expect(shop.around.heldCount(variantId)).toBe(0);
  expect((await shop.client(buyer.actor).getCart({})).items).toMatchObject([{ quantity: 2 }]);
  await buyer.checkout();
});

const minutesLater = (userId: string, minutes = 2) =>
  shop.sql('orders', 'update orders set placed_at = placed_at - make_interval(mins => $2) where customer_id = $1', [
    userId,
    minutes,
  ]);

test('A66: one customer holds at most three unpaid orders, placed one by one or at once', async () => {
  const variantId = shop.around.addVariant(50);
  const buyer = await shop.shopper(variantId);
  for (let order = 0; order < 3; order += 1) {
    await buyer.checkout();
    await shop.client(buyer.actor).addCartItem({ variantId, quantity: 1 });
  }
  await expect(buyer.checkout()).rejects.toMatchObject({ status: 429, code: 'orders.too-many-pending' });
  expect(shop.around.heldCount(variantId)).toBe(3);

  const tabs = await shop.shopper(variantId);
  await Promise.allSettled(
    Array.from({ length: 10 }, async () => {
      await shop.client(tabs.actor).addCartItem({ variantId, quantity: 1 });
      await tabs.checkout();
    }),
  );
  const [open] = await shop.sql('orders', 'select count(*)::int from orders where customer_id = $1', [tabs.userId]);
  expect(open?.['count']).toBeLessThanOrEqual(3);
});

test('A66: a checkout waits for the one that is being written down beside it, and counts it', async () => {
  const variantId = shop.around.addVariant(50);
  const buyer = await shop.shopper(variantId);
  for (let order = 0; order < 2; order += 1) {
    await buyer.checkout();
    await shop.client(buyer.actor).addCartItem({ variantId, quantity: 1 });
  }
  const other = new pg.Client({ connectionString: shop.databaseUrls['orders']?.ownerUrl ?? '' });
  await other.connect();
  await other.query('begin');
  await other.query('select 1 from carts where customer_id = $1 for no key update', [buyer.userId]);
  await other.query(
    `with third as (insert into orders (id, order_number, customer_id, cart_id, cart_order_count, status, discount_rial, vat_rial, total_rial, psp, contact, first_attempt_id, idempotency_key, hold_expires_at, due_at)
       select uuidv7(), 'KLD-THIRD', customer_id, cart_id, 1000, 'placing', 0, 0, 5000000, 'zarinpal', '{}', uuidv7(), 'third', now() + interval '20 minutes', now() from orders where customer_id = $1 limit 1 returning id)
     insert into order_lines (id, order_id, position, variant_id, product_slug, title, variant_title, region, platform, quantity, unit_price_rial)
       select uuidv7(), third.id, 0, $2, '', '{}', '{}', '', '', 1, 5000000 from third`,
    [buyer.userId, variantId],
  );
  const fourth = buyer.checkout().catch((error: unknown) => error);
  await waitFor('the checkout at the lock, or past it', async () => {
    const waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    const past = 'select 1 from orders where customer_id = $1 offset 2';
    return (
      (await shop.sql('orders', waiting)).length > 0 || (await shop.sql('orders', past, [buyer.userId])).length > 0
    );
  });
  await other.query('commit');
  await other.end();
  expect(await fourth).toMatchObject({ status: 429, code: 'orders.too-many-pending' });
});

test('A66: the seventh checkout of one minute is a 429 with the time to wait, also of six that were taken back; another customer is free', async () => {
  const variantId = shop.around.addVariant(50);
  const buyer = await shop.shopper(variantId);
  shop.around.faults.set('startAttempt', 'refuses');
  for (let order = 0; order < 6; order += 1)
    await expect(buyer.checkout()).rejects.toMatchObject({ code: 'orders.checkout-failed' });
  shop.around.faults.clear();
  const seventh: unknown = await buyer.checkout().catch((error: unknown) => error);
  expect(seventh).toMatchObject({ status: 429, code: 'rate-limited' });
  if (!rateLimited.is(seventh)) throw seventh;
  const { retryAfterSeconds } = seventh.data;
  expect(retryAfterSeconds).toBeGreaterThan(0);
  expect(retryAfterSeconds).toBeLessThanOrEqual(60);
  await (await shop.shopper(variantId)).checkout();
  await minutesLater(buyer.userId);
  await buyer.checkout();
});

test('A66: an account holds at most 20 unpaid units of one variant, over all its orders; of another it may hold as many', async () => {
  const [variantId, other] = [shop.around.addVariant(100), shop.around.addVariant(100)] as [string, string];
  const buyer = await shop.shopper(variantId, 15);
  const { orderId } = await buyer.checkout();
  const [item] = (await shop.client(buyer.actor).addCartItem({ variantId, quantity: 6 })).items;
  await expect(buyer.checkout()).rejects.toMatchObject({ status: 429, code: 'orders.too-many-pending' });
  expect(shop.around.heldCount(variantId)).toBe(15);
  await shop.client(buyer.actor).updateCartItem({ itemId: item?.id ?? '', quantity: 5 });
  await shop.client(buyer.actor).addCartItem({ variantId: other, quantity: 20 });
  await buyer.checkout();
  expect(shop.around.heldCount(variantId)).toBe(20);
  await shop.client(buyer.actor).cancelOrder({ orderId });
  await shop.client(buyer.actor).addCartItem({ variantId, quantity: 15 });
  await buyer.checkout();
});

test('A66: whoever lets holds run out again and again waits longer each time; whoever pays does not', async () => {
  const variantId = shop.around.addVariant(100);
  const buyer = await shop.shopper(variantId);
  const letGo = async () => {
    await shop.client(buyer.actor).addCartItem({ variantId, quantity: 1 });
    const { orderId } = await buyer.checkout();
    await shop.client(buyer.actor).cancelOrder({ orderId });
    await minutesLater(buyer.userId);
    return orderId;
  };
  const past = (seconds: number) =>
    shop.ownerSql(
      'orders',
      'update order_history set at = at - make_interval(secs => $2) where order_id in (select id from orders where customer_id = $1)',
      [buyer.userId, seconds],
    );
  await letGo();
  await letGo();
  await letGo();
  for (const waitSeconds of [60, 120, 240, 480]) {
    await shop.client(buyer.actor).addCartItem({ variantId, quantity: 1 });
    const refusal: unknown = await buyer.checkout().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ status: 429, code: 'orders.unpaid-wait' });
    if (!unpaidWait.is(refusal)) throw refusal;
    const { retryAfterSeconds } = refusal.data;
    expect(retryAfterSeconds).toBeGreaterThan(waitSeconds / 2);
    expect(retryAfterSeconds).toBeLessThanOrEqual(waitSeconds);
    await past(waitSeconds);
    await shop.sql('orders', 'delete from cart_items where cart_id in (select id from carts where customer_id = $1)', [
      buyer.userId,
    ]);
    await letGo();
  }
  // Paid orders of the day make up for unpaid ones: here as if five had been paid.
  await shop.ownerSql(
    'orders',
    'update orders set paid_at = now() where id in (select id from orders where customer_id = $1 limit 5)',
    [buyer.userId],
  );
  await letGo();
  // What a failed step took back was no hold of theirs.
  const unlucky = await shop.shopper(variantId);
  shop.around.faults.set('startAttempt', 'refuses');
  for (let order = 0; order < 4; order += 1)
    await expect(unlucky.checkout()).rejects.toMatchObject({ code: 'orders.checkout-failed' });
  shop.around.faults.clear();
  await unlucky.checkout();
});

const steps = ['reserveStock', 'createIntent', 'startAttempt'] as const;
for (const step of steps) {
  for (const fault of ['refuses', 'loses'] as const) {
    test(`OR-4: when ${step} ${fault === 'refuses' ? 'fails' : 'loses its answer'}, no key stays held, no payment open, and the same key orders again`, async () => {
      const variantId = shop.around.addVariant(1);
      const buyer = await shop.shopper(variantId);
      const key = newId();
      shop.around.faults.set(step, fault);
      await expect(buyer.checkout(key)).rejects.toMatchObject({ status: 503, code: 'orders.checkout-failed' });
      shop.around.faults.clear();
      const [order] = await shop.sql('orders', 'select id, status from orders where customer_id = $1', [buyer.userId]);
      expect(order?.['status']).toBe('cancelled');
      expect(shop.around.heldCount(variantId)).toBe(0);
      expect(shop.around.intents.get(String(order?.['id']))?.status).not.toBe('open');
      expect((await buyer.checkout(key)).status).toBe('pending_payment');
      expect(shop.around.heldCount(variantId)).toBe(1);
    });
  }
}

test.each(['releaseStock', 'closeIntent'])(
  'OR-4: when %s fails too, the sweep gives back what a dead order holds once its peers answer',
  async (peer) => {
    const variantId = shop.around.addVariant(1);
    const buyer = await shop.shopper(variantId);
    for (const name of ['startAttempt', peer]) shop.around.faults.set(name, 'refuses');
    await expect(buyer.checkout()).rejects.toMatchObject({ status: 503 });
    const [order] = await shop.sql(
      'orders',
      'update orders set due_at = now() where customer_id = $1 and due_at is not null returning id, status',
      [buyer.userId],
    );
    expect(order?.['status']).toBe('cancelled');
    expect(shop.around.heldCount(variantId)).toBe(peer === 'releaseStock' ? 1 : 0);
    expect(shop.around.intents.get(String(order?.['id']))?.status).toBe('open');
    shop.around.faults.clear();
    await shop.host.sweep('orders', 'move-due-orders');
    expect(shop.around.heldCount(variantId)).toBe(0);
    expect(shop.around.intents.get(String(order?.['id']))?.status).toBe('cancelled');
    expect(await shop.sql('orders', 'select due_at from orders where customer_id = $1', [buyer.userId])).toEqual([
      { due_at: null },
    ]);
  },
);

test('OR-2 CK-1: an order that nobody pays expires and gives its stock back, once', async () => {
  const variantId = shop.around.addVariant(1);
  const buyer = await shop.shopper(variantId);
  const { orderId } = await buyer.checkout();
  // The lease of a sweep that died is over, the hold is not.
  await shop.sql('orders', 'update orders set due_at = now() where id = $1', [orderId]);
  await shop.host.sweep('orders', 'move-due-orders');
  expect(await statusOf(orderId)).toBe('pending_payment');
  expect(shop.around.heldCount(variantId)).toBe(1);
  await shop.sql(
    'orders',
    "update orders set hold_expires_at = now() - interval '1 second', due_at = now() where id = $1",
    [orderId],
  );
  await Promise.all([1, 2, 3].map(() => shop.host.sweep('orders', 'move-due-orders')));
  expect(await statusOf(orderId)).toBe('expired');
  expect(shop.around.stock.get(variantId)).toBe(1);
  expect(
    await shop.sql('orders', "select 1 from outbox where type = 'order.expired' and data->>'orderId' = $1", [orderId]),
  ).toHaveLength(1);
  await expect(shop.client(buyer.actor, newId()).payOrder({ orderId, psp: 'zarinpal' })).rejects.toMatchObject({
    code: 'orders.not-payable',
  });
});

test('OR-2: a customer lists, opens, follows, pays again and cancels an own order; cancelling twice is the same answer', async () => {
  const variantId = shop.around.addVariant(3);
  const buyer = await shop.shopper(variantId);
  const { orderId, orderNumber } = await buyer.checkout();
  const client = shop.client(buyer.actor, newId());
  expect((await client.listOrders({})).items).toMatchObject([
    { id: orderId, orderNumber, status: 'pending_payment', lines: [{ quantity: 1 }] },
  ]);
  const [one, two] = [
    await client.payOrder({ orderId, psp: 'zarinpal' }),
    await client.payOrder({ orderId, psp: 'zarinpal' }),
  ];
  expect(two).toEqual(one);
  await admin().updateOrderTracking({ orderId, note: 'در حال بررسی' });
  expect(await client.getOrder({ orderId })).toMatchObject({ note: 'در حال بررسی' });
  const cancelled = await Promise.all([1, 2, 3].map(() => client.cancelOrder({ orderId })));
  for (const answer of cancelled) expect(answer.status).toBe('cancelled');
  expect(shop.around.stock.get(variantId)).toBe(3);
  expect(
    await shop.sql('orders', "select 1 from outbox where type = 'order.cancelled' and data->>'orderId' = $1", [
      orderId,
    ]),
  ).toHaveLength(1);
  const { items } = await client.getOrderHistory({ orderId });
  expect(items.map((move) => [move.from, move.to])).toEqual([
    [null, 'placing'],
    ['placing', 'pending_payment'],
    ['pending_payment', 'cancelled'],
  ]);
});

test('OR-2: pages of orders follow each other without a gap, and a made-up cursor is a 422', async () => {
  const variantId = shop.around.addVariant(9);
  const buyer = await shop.shopper(variantId);
  const placed: string[] = [];
  for (let order = 0; order < 3; order += 1) {
    placed.push((await buyer.checkout()).orderId);
    await shop.client(buyer.actor).addCartItem({ variantId, quantity: 1 });
  }
  const client = shop.client(buyer.actor);
  const first = await client.listOrders({ limit: 2 });
  const second = await client.listOrders({ limit: 2, cursor: first.nextCursor ?? '' });
  expect([...first.items, ...second.items].map((order) => order.id)).toEqual(placed.toReversed());
  expect(second.nextCursor).toBeNull();
  await expect(client.listOrders({ cursor: "' or 1=1 --" })).rejects.toMatchObject({ status: 422 });
});

test("A32 A33: another's order is the same answer as a missing one; blank, null, array and foreign ids are 422 or 404, never a row", async () => {
  const buyer = await shop.shopper(shop.around.addVariant(3));
  const { orderId } = await buyer.checkout();
  const stranger = shop.client(userActor(), newId());
  const [line] = (await shop.client(buyer.actor).getOrder({ orderId })).lines;
  const problemOf = (call: Promise<unknown>) =>
    call.then(
      () => 'a row',
      (error: { toBody(): unknown }) => error.toBody(),
    );
  for (const id of [orderId, line?.id ?? '', line?.variantId ?? '']) {
    const missing = newId();
    expect(await problemOf(stranger.getOrder({ orderId: id }))).toEqual(
      await problemOf(stranger.getOrder({ orderId: missing })),
    );
    expect(await problemOf(stranger.getOrderHistory({ orderId: id }))).toEqual(
      await problemOf(stranger.getOrderHistory({ orderId: missing })),
    );
    expect(await problemOf(stranger.cancelOrder({ orderId: id }))).toEqual(
      await problemOf(stranger.cancelOrder({ orderId: missing })),
    );
    expect(await problemOf(stranger.payOrder({ orderId: id, psp: 'zarinpal' }))).toEqual(
      await problemOf(stranger.payOrder({ orderId: missing, psp: 'zarinpal' })),
    );
  }
  for (const wrong of ['', ' ', 'null', '0', '%00', '\u0000', [], [orderId], null, {}] as string[]) {
    await expect(shop.client(buyer.actor).getOrder({ orderId: wrong })).rejects.toMatchObject({ status: 422 });
    await expect(shop.client(buyer.actor).cancelOrder({ orderId: wrong })).rejects.toMatchObject({ status: 422 });
  }
  expect((await stranger.listOrders({})).items).toEqual([]);
  expect(await statusOf(orderId)).toBe('pending_payment');
});

test('A36 A64: a customer moves no order by staff routes, not their own as an admin either, and support changes no status', async () => {
  const buyer = await shop.shopper(shop.around.addVariant(3));
  const { orderId } = await buyer.checkout();
  const move = { orderId, status: 'cancelled' as const, reason: 'I want to' };
  await expect(shop.client(buyer.actor).updateOrderStatus(move)).rejects.toMatchObject({ status: 403 });
  await expect(shop.client(userActor(newId(), ['support'])).updateOrderStatus(move)).rejects.toMatchObject({
    status: 403,
  });
  const owner = buyer.actor.kind === 'user' ? userActor(buyer.actor.userId, ['customer', 'admin']) : buyer.actor;
  await expect(shop.client(owner).updateOrderStatus(move)).rejects.toMatchObject({ code: 'own-affair' });
  expect(await statusOf(orderId)).toBe('pending_payment');
  await expect(shop.client(buyer.actor).listAllOrders({})).rejects.toMatchObject({ status: 403 });
  await expect(shop.client(buyer.actor).reviveOrder({ orderId })).rejects.toMatchObject({ status: 403 });
  await expect(shop.client({ kind: 'guest' }, newId()).checkout({ psp: 'zarinpal' })).rejects.toMatchObject({
    status: 401,
  });
});

test('OR-3: every move that the table does not allow is refused by the database, from each status to each', async () => {
  const buyer = await shop.shopper(shop.around.addVariant(3));
  const { orderId } = await buyer.checkout();
  const allowed = new Set(
    (await shop.sql('orders', 'select from_status, to_status from order_moves')).map(
      (row) => `${String(row['from_status'])} ${String(row['to_status'])}`,
    ),
  );
  let refusedCount = 0;
  for (const from of OrderStatus.options) {
    for (const to of OrderStatus.options) {
      if (from === to || allowed.has(`${from} ${to}`)) continue;
      // The owner role sets the scene without the trigger, in one transaction that is always rolled back.
      const scene = `do $$ begin
        alter table orders disable trigger orders_check_move;
        update orders set status = '${from}' where id = '${orderId}';
        alter table orders enable trigger orders_check_move;
        update orders set status = '${to}' where id = '${orderId}';
        raise exception 'the move was allowed';
      end $$`;
      await expect(shop.ownerSql('orders', scene)).rejects.toThrow(`an order cannot go from ${from} to ${to}`);
      refusedCount += 1;
    }
  }
  expect(refusedCount).toBe(12 * 11 - allowed.size);
  expect(await statusOf(orderId)).toBe('pending_payment');
});

test('OR-3: an illegal move by staff is a 409, changes nothing, and is logged with who tried it', async () => {
  const buyer = await shop.shopper(shop.around.addVariant(3));
  const { orderId } = await buyer.checkout();
  for (const status of ['review', 'fulfilling'] as const) {
    await expect(admin().updateOrderStatus({ orderId, status, reason: 'wrong button' })).rejects.toMatchObject({
      status: 409,
      code: 'orders.move-refused',
    });
  }
  expect(await statusOf(orderId)).toBe('pending_payment');
  expect(shop.logLines.filter((line) => line.includes('illegal move') && line.includes(orderId))).toHaveLength(2);
  expect(await admin().updateOrderStatus({ orderId, status: 'cancelled', reason: 'the customer called' })).toEqual({
    orderId,
    status: 'cancelled',
  });
});
