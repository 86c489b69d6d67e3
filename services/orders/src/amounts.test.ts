import { keyRefundDue, keysAllocated, paymentCaptured, supplyFailed } from '@kelid/contracts/events';
import { newId } from '@kelid/service/ids';
import { serviceActor, userActor, waitFor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOrders, type TestOrders } from './test-orders.ts';

// Jobs run here: events arrive through outbox, relay, queue and inbox. VAT is 9 %, and below a million Toman there is a fee.
let shop: TestOrders;
beforeAll(async () => {
  shop = await startOrders('all', {
    ORDERS_VAT_BASIS_POINTS: '900',
    ORDERS_FEE_RIAL: '50000',
    ORDERS_FEE_FREE_FROM_RIAL: '10000000',
  });
});
afterAll(async () => {
  expect(await shop.brokenInvariants()).toEqual([]);
  await shop.close();
});

const admin = userActor(newId(), ['admin']);
let codeCount = 0;
function makeCoupon(rules: object = {}) {
  codeCount += 1;
  return shop.client(admin).createCoupon({ code: `MEHREGAN-${codeCount}`, percentBasisPoints: 1000, ...rules });
}
async function usesOf(couponId: string): Promise<number> {
  const [row] = await shop.sql('orders', 'select used_count from coupons where id = $1', [couponId]);
  return Number(row?.['used_count']);
}

/** An unpaid order, of a new customer unless one is given, with a code where one is given. */
async function placeOrder(items: [variantId: string, quantity: number][], code?: string, userId = newId()) {
  const orders = shop.client(userActor(userId));
  for (const [variantId, quantity] of items) await orders.addCartItem({ variantId, quantity });
  if (code !== undefined) await orders.putCartCoupon({ code });
  const { orderId, totalRial, payment } = await shop
    .client(userActor(userId), newId())
    .checkout({ psp: 'zarinpal', useWallet: false });
  const lines = await shop.sql('orders', 'select id from order_lines where order_id = $1 order by position', [orderId]);
  const attemptId = payment?.attemptId ?? newId();
  return { userId, orders, orderId, totalRial, attemptId, lineIds: lines.map((line) => String(line['id'])) };
}
type Placed = Awaited<ReturnType<typeof placeOrder>>;

async function tell({ type, data }: { type: string; data: unknown }): Promise<void> {
  await shop.sql('orders', 'insert into outbox (id, type, data) values ($1, $2, $3)', [newId(), type, data]);
}
const capture = ({ orderId, userId, attemptId, totalRial }: Placed) =>
  tell(
    paymentCaptured({
      intentId: newId(),
      attemptId,
      orderId,
      customerId: userId,
      amountRial: totalRial,
      capturedAt: new Date().toISOString(),
    }),
  );
const reaches = ({ orders, orderId }: Placed, status: string) =>
  waitFor(`the order to be ${status}`, async () => (await orders.getOrder({ orderId })).status === status);
async function refundsOf({ orderId }: Placed): Promise<number[]> {
  const due = "select (data->>'refundRial')::bigint as rial from outbox where type = $1 and data->>'orderId' = $2";
  const rows = await shop.sql('orders', due, ['order.refund-due', orderId]);
  return rows.map((row) => Number(row['rial']));
}
const quiet = () =>
  waitFor('every event', async () => {
    const unsent = await shop.sql('orders', 'select 1 from outbox where sent_at is null');
    return unsent.length === 0;
  });
async function expire(placed: Placed): Promise<void> {
  const over = "update orders set hold_expires_at = now() - interval '1 second', due_at = now() where id = $1";
  await shop.sql('orders', over, [placed.orderId]);
  await reaches(placed, 'expired');
}

test('CK-6: cart, bank and order show the same VAT and fee, and from the threshold on there is no fee', async () => {
  const variantId = shop.around.addVariant(20, 3_000_001);
  const { code } = await makeCoupon();
  const placed = await placeOrder([[variantId, 1]], code);
  // 10 % off are 300,000.1, so 300,000 Rial; 9 % of the 2,700,001 left are 243,000.09.
  const amounts = { discountRial: 300_000, vatRial: 243_000, feeRial: 50_000, totalRial: 2_993_001 };
  expect(await placed.orders.getOrder({ orderId: placed.orderId })).toMatchObject(amounts);
  expect(shop.around.intents.get(placed.orderId)).toMatchObject({ amountRial: 2_993_001 });
  const buyer = await shop.shopper(variantId, 4);
  expect(await shop.client(buyer.actor).getCart({})).toMatchObject({
    discountRial: 0,
    vatRial: 1_080_000,
    feeRial: 0,
    totalRial: 13_080_004,
  });
});

test('CK-6: the database takes no order that does not add up, and none whose lines say something else', async () => {
  const placed = await placeOrder([[shop.around.addVariant(5, 3_000_000), 2]]);
  for (const change of [
    'update orders set vat_rial = vat_rial + 1 where id = $1',
    'update orders set discount_rial = 1 where id = $1',
    'update orders set fee_rial = 0 where id = $1',
    'update orders set fee_rial = fee_rial - 1, vat_rial = vat_rial + 1 where id = $1',
    'update order_lines set discount_rial = 1, vat_rial = vat_rial + 1 where order_id = $1',
    'update order_lines set quantity = 1 where order_id = $1',
    'delete from order_lines where order_id = $1',
    'insert into order_lines select uuidv7(), order_id, 1, variant_id, product_slug, title, variant_title, region, platform, image, 1, 1 from order_lines where order_id = $1',
  ])
    await expect(shop.sql('orders', change, [placed.orderId]), change).rejects.toMatchObject({ code: 'KE005' });
  for (const change of [
    'update orders set fee_rial = -1 where id = $1',
    'update order_lines set discount_rial = -1 where order_id = $1',
    'update order_lines set discount_rial = unit_price_rial * quantity + 1 where order_id = $1',
    'update order_lines set refunded_count = 3 where order_id = $1',
  ])
    await expect(shop.sql('orders', change, [placed.orderId]), change).rejects.toMatchObject({ code: '23514' });
});

test('I12 F16: late money of an expired order takes its use again, once, however often it is told', async () => {
  const coupon = await makeCoupon({ usesMax: 1 });
  const placed = await placeOrder([[shop.around.addVariant(5), 1]], coupon.code);
  await expire(placed);
  expect(await usesOf(coupon.id)).toBe(0);
  // An end that came meanwhile does not break what the order was promised.
  await shop.client(admin).updateCoupon({ couponId: coupon.id, isActive: false });
  await Promise.all(Array.from({ length: 5 }, () => capture(placed)));
  await reaches(placed, 'fulfilled');
  await quiet();
  expect(await usesOf(coupon.id)).toBe(1);
  expect((await shop.client(admin).listCouponUses({ couponId: coupon.id })).items).toMatchObject([
    { orderId: placed.orderId, releasedAt: null },
  ]);
});

test('I12 F16: late money of an expired order whose last use another order has is refused and stays the customer’s', async () => {
  const coupon = await makeCoupon({ usesMax: 1 });
  const variantId = shop.around.addVariant(5);
  const placed = await placeOrder([[variantId, 1]], coupon.code);
  await expire(placed);
  const internal = shop.client(serviceActor);
  // A look before the money is verified takes nothing.
  expect(await internal.reviveOrder({ orderId: placed.orderId })).toMatchObject({ isPayable: true });
  expect(await usesOf(coupon.id)).toBe(0);
  await placeOrder([[variantId, 1]], coupon.code);
  expect(await internal.reviveOrder({ orderId: placed.orderId })).toMatchObject({ isPayable: false });
  await capture(placed);
  await waitFor('the refusal', async () => {
    const told = "select 1 from outbox where type = 'order.payment-refused' and data->>'orderId' = $1";
    return (await shop.sql('orders', told, [placed.orderId])).length === 1;
  });
  await reaches(placed, 'expired');
  expect(await usesOf(coupon.id)).toBe(1);
});

test.each(['for one use by each customer', 'for first orders'])(
  'I12 F16: late money of an order with a code %s, after another order of that customer, is refused and stays the customer’s',
  async (kind) => {
    const isFirstOrderOnly = kind === 'for first orders';
    const coupon = await makeCoupon(isFirstOrderOnly ? { isFirstOrderOnly } : { customerUsesMax: 1 });
    const variantId = shop.around.addVariant(5);
    const late = await placeOrder([[variantId, 1]], coupon.code);
    await expire(late);
    const next = await placeOrder([[variantId, 1]], isFirstOrderOnly ? undefined : coupon.code, late.userId);
    await capture(late);
    await waitFor('the refusal', async () => {
      const told = "select 1 from outbox where type = 'order.payment-refused' and data->>'orderId' = $1";
      return (await shop.sql('orders', told, [late.orderId])).length === 1;
    });
    await reaches(late, 'expired');
    expect(await usesOf(coupon.id)).toBe(isFirstOrderOnly ? 0 : 1);
    expect(await next.orders.getOrder({ orderId: next.orderId })).toMatchObject({ status: 'pending_payment' });
  },
);

test('KY-6 CK-6: units that nobody can deliver give back what was paid for them, the fee only with the whole order', async () => {
  const coupon = await makeCoupon({ usesMax: 5 });
  for (const delivered of [1, 0]) {
    const variantId = shop.around.addVariant(0, 1_000_001);
    shop.around.supply.set(variantId, 'open');
    const placed = await placeOrder([[variantId, 3]], coupon.code);
    await capture(placed);
    await reaches(placed, 'fulfilling');
    const [orderLineId] = placed.lineIds;
    if (orderLineId === undefined) throw new Error('The order has no line');
    if (delivered === 1) shop.around.keys.set(orderLineId, [newId()]);
    shop.around.supply.set(variantId, 'failed');
    const { orderId } = placed;
    await Promise.all([1, 2].map(() => tell(supplyFailed({ orderId, orderLineId, missingCount: 3 - delivered }))));
    await reaches(placed, 'refunding');
    await quiet();
    // 3,000,003 less 300,000 plus 9 % are 2,943,003 for three units of 981,001.
    expect(await refundsOf(placed)).toEqual([delivered === 1 ? 1_962_002 : placed.totalRial]);
    expect(placed.totalRial).toBe(2_943_003 + 50_000);
  }
});

test('KY-6 A67: a line that a coupon paid for whole has nothing to give back: the order ends without payments being asked', async () => {
  const [gift, game] = [shop.around.addVariant(0, 2_000_000), shop.around.addVariant(5, 3_000_000)] as [string, string];
  shop.around.supply.set(gift, 'open');
  const coupon = await makeCoupon({ percentBasisPoints: 10_000, productIds: [gift] });
  const placed = await placeOrder(
    [
      [gift, 1],
      [game, 1],
    ],
    coupon.code,
  );
  await capture(placed);
  await reaches(placed, 'part_fulfilled');
  shop.around.supply.set(gift, 'failed');
  await tell(supplyFailed({ orderId: placed.orderId, orderLineId: placed.lineIds[0] ?? '', missingCount: 1 }));
  await reaches(placed, 'part_refunded');
  expect(await refundsOf(placed)).toEqual([]);
  // Its game was delivered with the coupon's help, so the use stays used.
  expect(await usesOf(coupon.id)).toBe(1);
});

test('A67 I12: a free order that nobody can deliver ends as refunded, asks no payments, and its use works again', async () => {
  const variantId = shop.around.addVariant(0, 2_000_000);
  shop.around.supply.set(variantId, 'failed');
  const coupon = await makeCoupon({ percentBasisPoints: 10_000, usesMax: 1 });
  const placed = await placeOrder([[variantId, 1]], coupon.code);
  await reaches(placed, 'refunded');
  expect(await refundsOf(placed)).toEqual([]);
  expect(await usesOf(coupon.id)).toBe(0);
  expect(shop.around.intents.has(placed.orderId)).toBe(false);
});

test('I11 CK-6: bad units give back what was paid for each, the last of an order its fee too, and never more than was paid', async () => {
  const { code } = await makeCoupon();
  const [one, two] = [shop.around.addVariant(5, 1_000_001), shop.around.addVariant(5, 700_000)] as [string, string];
  const placed = await placeOrder(
    [
      [one, 2],
      [two, 1],
    ],
    code,
  );
  await capture(placed);
  await reaches(placed, 'fulfilled');
  const [first, second] = placed.lineIds;
  // What a refund by staff is judged by: each unit's price as it was paid, together all but the fee.
  const { lines } = await shop.client(serviceActor).getPaidUnits({ orderId: placed.orderId });
  expect(lines.map((line) => [line.orderLineId, line.unitsRial.length])).toEqual([
    [first, 2],
    [second, 1],
  ]);
  const [fees] = await shop.sql('orders', 'select fee_rial from orders where id = $1', [placed.orderId]);
  const unitsRial = lines.flatMap((line) => line.unitsRial).reduce((sum, rial) => sum + rial, 0);
  expect(unitsRial + Number(fees?.['fee_rial'])).toBe(placed.totalRial);
  const bad = [first, first, second].map((orderLineId) =>
    keyRefundDue({ complaintId: newId(), orderId: placed.orderId, orderLineId: orderLineId ?? '', keyId: newId() }),
  );
  await Promise.all(bad.map(tell));
  await waitFor('three refunds', async () => (await refundsOf(placed)).length === 3);
  const refunds = await refundsOf(placed);
  expect(refunds.reduce((sum, rial) => sum + rial, 0)).toBe(placed.totalRial);
  expect(Math.min(...refunds)).toBeGreaterThanOrEqual(686_700);
});

const isBad = ({ orderId }: Placed, orderLineId: string | undefined) =>
  keyRefundDue({ complaintId: newId(), orderId, orderLineId: orderLineId ?? '', keyId: newId() });
const refundedCount = async (orderLineId: string | undefined) =>
  (await shop.sql('orders', 'select refunded_count from order_lines where id = $1', [orderLineId]))[0]?.[
    'refunded_count'
  ];

test('I11 I14: a bad unit that is told twice by one event gives its money back once', async () => {
  const placed = await placeOrder([[shop.around.addVariant(5, 1_000_000), 2]]);
  await capture(placed);
  await reaches(placed, 'fulfilled');
  const [line] = placed.lineIds;
  await tell(isBad(placed, line));
  await waitFor('the refund', async () => (await refundsOf(placed)).length === 1);
  await quiet();
  await shop.sql('orders', "update outbox set sent_at = null, claimed_until = null where type = 'key.refund-due'");
  await quiet();
  expect(await refundsOf(placed)).toEqual([1_090_000]);
  expect(await refundedCount(line)).toBe(1);
});

test('I11 CK-6: the fee goes back once, where a bad unit is refunded before the rest of its order is given up', async () => {
  const [gift, game] = [shop.around.addVariant(0, 2_000_000), shop.around.addVariant(5, 3_000_000)] as [string, string];
  shop.around.supply.set(gift, 'open');
  const placed = await placeOrder([
    [gift, 2],
    [game, 1],
  ]);
  await capture(placed);
  await reaches(placed, 'part_fulfilled');
  const [giftLine, gameLine] = placed.lineIds;
  await tell(isBad(placed, gameLine));
  await waitFor('the refund', async () => (await refundsOf(placed)).length === 1);
  expect(await refundsOf(placed)).toEqual([3_270_000]);
  shop.around.supply.set(gift, 'failed');
  await tell(supplyFailed({ orderId: placed.orderId, orderLineId: giftLine ?? '', missingCount: 2 }));
  await waitFor('the rest', async () => (await refundsOf(placed)).length === 2);
  await quiet();
  const refunds = await refundsOf(placed);
  expect(refunds.reduce((sum, rial) => sum + rial, 0)).toBe(placed.totalRial);
});

test('I11: of two units of which one was delivered, one is refunded for being bad and no second', async () => {
  const variantId = shop.around.addVariant(0, 2_000_000);
  shop.around.supply.set(variantId, 'open');
  const placed = await placeOrder([[variantId, 2]]);
  await capture(placed);
  await reaches(placed, 'fulfilling');
  const [line] = placed.lineIds;
  shop.around.keys.set(line ?? '', [newId()]);
  await tell(keysAllocated({ orderId: placed.orderId, orderLineId: line ?? '', count: 1 }));
  await reaches(placed, 'part_fulfilled');
  await tell(isBad(placed, line));
  await waitFor('the refund', async () => (await refundsOf(placed)).length === 1);
  await tell(isBad(placed, line));
  await quiet();
  expect(await refundsOf(placed)).toHaveLength(1);
  expect(await refundedCount(line)).toBe(1);
});

test('A67: a bad unit that a coupon paid for whole gives nothing back', async () => {
  const variantId = shop.around.addVariant(5);
  const coupon = await makeCoupon({ percentBasisPoints: 10_000 });
  const placed = await placeOrder([[variantId, 1]], coupon.code);
  await reaches(placed, 'fulfilled');
  const [orderLineId] = placed.lineIds;
  await tell(
    keyRefundDue({
      complaintId: newId(),
      orderId: placed.orderId,
      orderLineId: orderLineId ?? '',
      keyId: newId(),
    }),
  );
  await waitFor('the count', async () => {
    const [line] = await shop.sql('orders', 'select refunded_count from order_lines where id = $1', [orderLineId]);
    return line?.['refunded_count'] === 1;
  });
  await quiet();
  expect(await refundsOf(placed)).toEqual([]);
});

test('KY-6: keys that come for an order with a coupon deliver it whole, and nothing goes back', async () => {
  const variantId = shop.around.addVariant(0);
  shop.around.supply.set(variantId, 'open');
  const { code } = await makeCoupon();
  const placed = await placeOrder([[variantId, 1]], code);
  await capture(placed);
  await reaches(placed, 'fulfilling');
  const [orderLineId] = placed.lineIds;
  shop.around.keys.set(orderLineId ?? '', [newId()]);
  await tell(keysAllocated({ orderId: placed.orderId, orderLineId: orderLineId ?? '', count: 1 }));
  await reaches(placed, 'fulfilled');
  expect(await refundsOf(placed)).toEqual([]);
});
