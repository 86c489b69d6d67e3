import {
  keysAllocated,
  paymentCaptured,
  paymentFailed,
  paymentRefunded,
  paymentReviewBegun,
  paymentSurplus,
  supplyFailed,
} from '@kelid/contracts/events';
import { newId } from '@kelid/service/ids';
import { userActor, waitFor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Shopper, startOrders, type TestOrders } from '../test-orders.ts';

// Jobs run here: captures arrive through outbox, relay, queue and inbox, as from payments.
let shop: TestOrders;
beforeAll(async () => {
  shop = await startOrders('all');
});
afterAll(async () => {
  expect(await shop.brokenInvariants()).toEqual([]);
  await shop.close();
});

async function placeOrder(stockCount = 5, quantity = 1) {
  const variantId = shop.around.addVariant(stockCount);
  const buyer = await shop.shopper(variantId, quantity);
  const { orderId, totalRial, payment } = await buyer.checkout();
  return { variantId, buyer, orderId, totalRial, attemptId: payment?.attemptId ?? newId() };
}
type Placed = Awaited<ReturnType<typeof placeOrder>>;

async function tellCapture({
  orderId,
  buyer,
  attemptId,
  totalRial,
}: Pick<Placed, 'orderId' | 'buyer' | 'attemptId' | 'totalRial'>): Promise<void> {
  const { type, data } = paymentCaptured({
    intentId: newId(),
    attemptId,
    orderId,
    customerId: buyer.userId,
    amountRial: totalRial,
    capturedAt: new Date().toISOString(),
  });
  await tell({ type, data });
}

/** An event of another service, as its relay would bring it. */
async function tell({ type, data }: { type: string; data: unknown }): Promise<void> {
  await shop.sql('orders', 'insert into outbox (id, type, data) values ($1, $2, $3)', [newId(), type, data]);
}

function waitForStatus(orderId: string, ...statuses: string[]): Promise<string> {
  return waitFor(`order to be ${statuses.join(' or ')}`, async () => {
    const [row] = await shop.sql('orders', 'select status from orders where id = $1', [orderId]);
    return statuses.find((status) => status === row?.['status']);
  });
}

async function eventsOf(orderId: string, type: string): Promise<number> {
  return (await shop.sql('orders', "select 1 from outbox where type = $1 and data->>'orderId' = $2", [type, orderId]))
    .length;
}
const quiet = () =>
  waitFor('every event to be taken', async () => {
    const unsent = await shop.sql('orders', 'select 1 from outbox where sent_at is null');
    return unsent.length === 0;
  });
const sees = (buyer: Shopper, orderId: string) => shop.client(buyer.actor).getOrder({ orderId });

test('A52 I14: a capture that is told ten times pays and delivers the order once', async () => {
  const placed = await placeOrder(5, 2);
  await Promise.all(Array.from({ length: 10 }, () => tellCapture(placed)));
  await waitForStatus(placed.orderId, 'fulfilled');
  expect(await sees(placed.buyer, placed.orderId)).toMatchObject({
    lines: [{ status: 'delivered', deliveredCount: 2 }],
  });
  await waitFor('all captures taken', async () => {
    const [row] = await shop.sql(
      'orders',
      "select count(*)::int as count from outbox where type = 'payment.captured' and sent_at is null",
    );
    return row?.['count'] === 0;
  });
  for (const type of ['order.paid', 'order.fulfilled']) expect(await eventsOf(placed.orderId, type)).toBe(1);
  expect(await eventsOf(placed.orderId, 'order.payment-refused')).toBe(0);
});

test('I6: a second paid attempt of one order is refused as surplus, and the order keeps its first', async () => {
  const placed = await placeOrder();
  await tellCapture(placed);
  await waitForStatus(placed.orderId, 'fulfilled');
  await tellCapture({ ...placed, attemptId: newId() });
  await waitFor('the surplus', async () => (await eventsOf(placed.orderId, 'order.payment-refused')) === 1);
  expect(await shop.sql('orders', 'select paid_attempt_id from orders where id = $1', [placed.orderId])).toEqual([
    { paid_attempt_id: placed.attemptId },
  ]);
});

test('I6: money that is captured while its checkout is still being written down pays that order', async () => {
  const variantId = shop.around.addVariant(1);
  const buyer = await shop.shopper(variantId);
  shop.around.afterAttempt = async ({ orderId, attemptId }) => {
    shop.around.afterAttempt = undefined;
    await tellCapture({ orderId, buyer, attemptId, totalRial: 5_000_000 });
    await waitForStatus(orderId, 'fulfilled', 'pending_payment', 'cancelled');
  };
  const key = newId();
  const placed = await buyer.checkout(key);
  expect(await waitForStatus(placed.orderId, 'fulfilled')).toBe('fulfilled');
  expect(await eventsOf(placed.orderId, 'order.payment-refused')).toBe(0);
  for (const type of ['order.placed', 'order.paid', 'order.fulfilled'])
    expect(await eventsOf(placed.orderId, type)).toBe(1);
  expect(await buyer.checkout(key)).toEqual(placed);
});

test('PA-8: what staff give back of a delivered order closes it as refunded, once, whole or in part', async () => {
  for (const isWhole of [true, false]) {
    const placed = await placeOrder();
    await tellCapture(placed);
    await waitForStatus(placed.orderId, 'fulfilled');
    const { type, data } = paymentRefunded({
      orderId: placed.orderId,
      orderNumber: 'KLD-REFUND',
      customerId: placed.buyer.userId,
      refundRial: isWhole ? placed.totalRial : 1000,
      refundId: newId(),
      method: 'psp',
      isWhole,
    });
    await Promise.all([tell({ type, data }), tell({ type, data })]);
    const status = isWhole ? 'refunded' : 'part_refunded';
    await waitForStatus(placed.orderId, status);
    await quiet();
    const moves = await shop.sql(
      'orders',
      "select to_status from order_history where order_id = $1 and to_status in ('refunding', 'refunded', 'part_refunded') order by at",
      [placed.orderId],
    );
    expect(moves.map((move) => move['to_status'])).toEqual(['refunding', status]);
    if (isWhole) continue;
    // The rest of it, later.
    await tell({ type, data: { ...data, refundId: newId(), isWhole: true } });
    await waitForStatus(placed.orderId, 'refunded');
  }
});

test('I7: a capture of another amount delivers nothing, is refused and alarms', async () => {
  for (const other of [-1, 1, 'a tenth', 'ten times'] as const) {
    const placed = await placeOrder();
    const { totalRial } = placed;
    const captured =
      typeof other === 'number' ? totalRial + other : other === 'a tenth' ? totalRial / 10 : totalRial * 10;
    await tellCapture({ ...placed, totalRial: captured });
    await waitFor('the refusal', async () => (await eventsOf(placed.orderId, 'order.payment-refused')) === 1);
    expect(await sees(placed.buyer, placed.orderId)).toMatchObject({ status: 'pending_payment', paidAt: null });
    expect(shop.logLines.some((line) => line.includes('capture-mismatch') && line.includes(placed.orderId))).toBe(true);
  }
});

test('A65: a cancel racing its capture: paid and delivered, or cancelled and the money refused, never both or neither, 50 rounds', async () => {
  for (let round = 0; round < 50; round += 1) {
    const placed = await placeOrder();
    const [cancelled] = await Promise.allSettled([
      shop.client(placed.buyer.actor).cancelOrder({ orderId: placed.orderId }),
      tellCapture(placed),
    ]);
    const status = await waitForStatus(
      placed.orderId,
      ...(cancelled.status === 'fulfilled' ? ['cancelled'] : ['fulfilled']),
    );
    if (status === 'cancelled') {
      await waitFor('the refusal', async () => (await eventsOf(placed.orderId, 'order.payment-refused')) === 1);
      expect(shop.around.heldCount(placed.variantId)).toBe(0);
    }
    expect(await eventsOf(placed.orderId, 'order.paid')).toBe(status === 'cancelled' ? 0 : 1);
  }
}, 60_000);

for (const stockCount of [1, 0]) {
  test(`F16: late money of an expired order ${stockCount === 1 ? 'revives it while its item is there' : 'is refused when its item has been sold'}`, async () => {
    const placed = await placeOrder(1);
    await shop.sql(
      'orders',
      "update orders set hold_expires_at = now() - interval '1 second', due_at = now() where id = $1",
      [placed.orderId],
    );
    await waitForStatus(placed.orderId, 'expired');
    await waitFor('the stock given back', async () => shop.around.stock.get(placed.variantId) === 1);
    shop.around.stock.set(placed.variantId, stockCount);
    await tellCapture(placed);
    if (stockCount === 1) {
      await waitForStatus(placed.orderId, 'fulfilled');
    } else {
      await waitFor('the refusal', async () => (await eventsOf(placed.orderId, 'order.payment-refused')) === 1);
      expect(await waitForStatus(placed.orderId, 'expired')).toBe('expired');
    }
  });
}

test('CP11: a paid order that could not be delivered at once is delivered by the sweep when inventory is back', async () => {
  const placed = await placeOrder();
  shop.around.faults.set('fulfillOrder', 'refuses');
  await tellCapture(placed);
  await waitForStatus(placed.orderId, 'paid');
  shop.around.faults.clear();
  await shop.sql('orders', 'update orders set due_at = now() where id = $1', [placed.orderId]);
  await waitForStatus(placed.orderId, 'fulfilled');
  expect(await eventsOf(placed.orderId, 'order.fulfilled')).toBe(1);
});

test('OR-3: a paid order that its stock did not answer within two minutes goes to a person, and out again once it is there', async () => {
  const placed = await placeOrder();
  shop.around.holds.clear();
  await tellCapture(placed);
  await waitForStatus(placed.orderId, 'fulfilling');
  await shop.sql('orders', "update orders set paid_at = now() - interval '3 minutes', due_at = now() where id = $1", [
    placed.orderId,
  ]);
  await waitForStatus(placed.orderId, 'review');
  expect(shop.logLines.some((line) => line.includes('paid-not-delivered') && line.includes(placed.orderId))).toBe(true);
  shop.around.holds.set(`${placed.orderId} 1`, { status: 'held', lines: [] });
  const admin = shop.client(userActor(newId(), ['admin']));
  await admin.updateOrderStatus({ orderId: placed.orderId, status: 'fulfilling', reason: 'the supplier sent it' });
  await waitForStatus(placed.orderId, 'fulfilled');
});

/** A paid order whose two units are not in stock. */
async function placeSupplied(quantity = 2) {
  const variantId = shop.around.addVariant(0);
  shop.around.supply.set(variantId, 'open');
  const buyer = await shop.shopper(variantId, quantity);
  const { orderId, totalRial, payment } = await buyer.checkout();
  const placed = { variantId, buyer, orderId, totalRial, attemptId: payment?.attemptId ?? newId() };
  await tellCapture(placed);
  await waitForStatus(orderId, 'fulfilling');
  const [line] = await shop.sql('orders', 'select id from order_lines where order_id = $1', [orderId]);
  return { ...placed, orderLineId: String(line?.['id']) };
}

test('KY-6: an order whose keys are being bought waits for them, goes to no person in two minutes, and is delivered when they come', async () => {
  const { orderId, orderLineId, buyer } = await placeSupplied();
  await shop.sql('orders', "update orders set paid_at = now() - interval '20 minutes', due_at = now() where id = $1", [
    orderId,
  ]);
  await waitFor('the sweep', async () => {
    const [row] = await shop.sql('orders', 'select due_at > now() as later from orders where id = $1', [orderId]);
    return row?.['later'] === true;
  });
  expect(await sees(buyer, orderId)).toMatchObject({ status: 'fulfilling', lines: [{ status: 'securing' }] });
  shop.around.keys.set(orderLineId, [newId()]);
  await tell(keysAllocated({ orderId, orderLineId, count: 1 }));
  await waitForStatus(orderId, 'part_fulfilled');
  shop.around.keys.set(orderLineId, [newId(), newId()]);
  await Promise.all([1, 2, 3].map(() => tell(keysAllocated({ orderId, orderLineId, count: 1 }))));
  await waitForStatus(orderId, 'fulfilled');
  expect(await eventsOf(orderId, 'order.fulfilled')).toBe(1);
});

test.each([0, 1])(
  'KY-6: when no supplier delivers, the money of what is missing goes back, once; %i of two units were delivered',
  async (deliveredCount) => {
    const { orderId, orderLineId, variantId, buyer, totalRial } = await placeSupplied();
    if (deliveredCount > 0) shop.around.keys.set(orderLineId, [newId()]);
    shop.around.supply.set(variantId, 'failed');
    const missingCount = 2 - deliveredCount;
    await Promise.all([1, 2, 3].map(() => tell(supplyFailed({ orderId, orderLineId, missingCount }))));
    await waitForStatus(orderId, 'refunding');
    const due = await shop.sql(
      'orders',
      "select (data->>'refundRial')::bigint as rial from outbox where type = 'order.refund-due' and data->>'orderId' = $1",
      [orderId],
    );
    expect(due).toEqual([{ rial: (totalRial / 2) * missingCount }]);
    const refunded = paymentRefunded({
      orderId,
      orderNumber: 'KL-1',
      customerId: buyer.userId,
      refundRial: Number(due[0]?.['rial']),
    });
    await Promise.all([1, 2, 3].map(() => tell(refunded)));
    await waitForStatus(orderId, deliveredCount === 0 ? 'refunded' : 'part_refunded');
    expect(await sees(buyer, orderId)).toMatchObject({ lines: [{ deliveredCount }] });
  },
);

/** News of an attempt's money, as payments tells it. */
async function tellReview({ orderId, buyer, attemptId, totalRial }: Placed): Promise<void> {
  await tell(paymentReviewBegun({ attemptId, orderId, customerId: buyer.userId, amountRial: totalRial }));
}
async function tellFailed({ orderId, buyer, attemptId, totalRial }: Placed): Promise<void> {
  const reason = 'not in the bank';
  await tell(paymentFailed({ attemptId, orderId, customerId: buyer.userId, reason, reviewedRial: totalRial }));
}

/** An order whose payment only a person can explain. */
async function placeInReview(stockCount = 1): Promise<Placed> {
  const placed = await placeOrder(stockCount);
  shop.around.money.set(placed.orderId, 'review');
  await Promise.all([tellReview(placed), tellReview(placed)]);
  await waitForStatus(placed.orderId, 'review');
  return placed;
}

/** Its hold is over, and its stock was given to whoever comes next. */
async function endHold({ orderId, variantId }: Placed, stockCount: number): Promise<void> {
  await shop.sql(
    'orders',
    "update orders set hold_expires_at = now() - interval '1 second', due_at = now() where id = $1",
    [orderId],
  );
  shop.around.holds.set(`${orderId} 1`, { status: 'released', lines: [] });
  shop.around.stock.set(variantId, stockCount);
}

async function sweptOnce(orderId: string): Promise<void> {
  await waitFor('the sweep', async () => {
    const [row] = await shop.sql(
      'orders',
      "select due_at > now() + interval '2 minutes' as later from orders where id = $1",
      [orderId],
    );
    return row?.['later'] === true;
  });
}

test('I5 A51: an order whose payment a person must look for says so: no deadline, no second payment, no cancelling, no delivery', async () => {
  const placed = await placeInReview();
  const { orderId, buyer } = placed;
  expect(await sees(buyer, orderId)).toMatchObject({
    status: 'review',
    holdExpiresAt: null,
    paidAt: null,
    lines: [{ status: 'pending' }],
  });
  const client = shop.client(buyer.actor, newId());
  await expect(client.payOrder({ orderId, psp: 'zarinpal' })).rejects.toMatchObject({
    code: 'payments.payment_in_review',
    status: 409,
  });
  await expect(client.cancelOrder({ orderId })).rejects.toMatchObject({ code: 'orders.not-cancellable' });
  const admin = shop.client(userActor(newId(), ['admin']));
  for (const status of ['fulfilling', 'cancelled'] as const)
    await expect(admin.updateOrderStatus({ orderId, status, reason: 'I want it' })).rejects.toMatchObject({
      code: 'orders.move-refused',
    });
  await expect(
    shop.sql('orders', "select order_move($1, array['review'], 'fulfilling', 'by hand', 'nobody')", [orderId]),
  ).rejects.toMatchObject({ code: 'KE006' });
  const { items } = await client.getOrderHistory({ orderId });
  expect(items.at(-1)).toMatchObject({ from: 'pending_payment', to: 'review' });
  expect(await eventsOf(orderId, 'order.status-changed')).toBe(1);

  // Its hold runs out, and it is not closed while the bank keeps the money.
  await endHold(placed, 0);
  await sweptOnce(orderId);
  expect(await waitForStatus(orderId, 'review', 'expired')).toBe('review');
});

test.each([1, 0])(
  'F16 I5: money of a review that is found after the hold: %i in stock, the order is delivered, or its money is the customer’s and it ends',
  async (stockCount) => {
    const placed = await placeInReview();
    await endHold(placed, stockCount);
    // Captured is not the end of it: while the order has not taken the money or refused it, it is not closed.
    shop.around.money.set(placed.orderId, 'captured');
    await sweptOnce(placed.orderId);
    expect(await waitForStatus(placed.orderId, 'review', 'expired')).toBe('review');
    await tellCapture(placed);
    if (stockCount === 0) {
      await waitFor('the refusal', async () => (await eventsOf(placed.orderId, 'order.payment-refused')) === 1);
      shop.around.money.delete(placed.orderId);
      const { orderId, attemptId, buyer, totalRial: amountRial } = placed;
      await tell(paymentSurplus({ orderId, attemptId, customerId: buyer.userId, amountRial }));
    }
    await waitForStatus(placed.orderId, stockCount === 1 ? 'fulfilled' : 'expired');
    expect(await eventsOf(placed.orderId, 'order.payment-refused')).toBe(1 - stockCount);
    expect(await eventsOf(placed.orderId, 'order.paid')).toBe(stockCount);
    if (stockCount === 0) expect(shop.around.intents.get(placed.orderId)?.status).toBe('expired');
  },
);

test('I5: money of a review that is found while the stock is held delivers what was held, once', async () => {
  const placed = await placeInReview();
  shop.around.money.set(placed.orderId, 'captured');
  await Promise.all([tellCapture(placed), tellCapture(placed)]);
  await waitForStatus(placed.orderId, 'fulfilled');
  expect(await shop.sql('orders', 'select reservation_round from orders where id = $1', [placed.orderId])).toEqual([
    { reservation_round: 1 },
  ]);
});

test.each([true, false])(
  'I5: a review that found nothing: the order may be paid again while its stock is held (%s), else it is over',
  async (isHeld) => {
    const placed = await placeInReview();
    if (!isHeld) await endHold(placed, 1);
    shop.around.money.delete(placed.orderId);
    // The news come twice, and the older one last.
    await tellFailed(placed);
    await waitForStatus(placed.orderId, isHeld ? 'pending_payment' : 'expired');
    await Promise.all([tellReview(placed), tellFailed(placed)]);
    await waitFor('all news taken', async () => {
      const [row] = await shop.sql('orders', 'select count(*)::int as count from outbox where sent_at is null');
      return row?.['count'] === 0;
    });
    expect(await waitForStatus(placed.orderId, 'pending_payment', 'expired')).toBe(
      isHeld ? 'pending_payment' : 'expired',
    );
    if (!isHeld) return;
    await shop.client(placed.buyer.actor, newId()).payOrder({ orderId: placed.orderId, psp: 'zarinpal' });
    await tellCapture(placed);
    await waitForStatus(placed.orderId, 'fulfilled');
  },
);

test('I15: a review that a person ended while the order was on its way into it leaves nothing waiting', async () => {
  const placed = await placeOrder();
  shop.around.money.set(placed.orderId, ['review', 'settled']);
  await tellReview(placed);
  await waitFor('both moves', async () => (await eventsOf(placed.orderId, 'order.status-changed')) === 2);
  expect(await waitForStatus(placed.orderId, 'pending_payment', 'review')).toBe('pending_payment');
});

test('I14: news of a review that were lost: the order finds out by itself, both ways', async () => {
  const placed = await placeInReview();
  shop.around.money.delete(placed.orderId);
  await shop.sql('orders', 'update orders set due_at = now() where id = $1', [placed.orderId]);
  await waitForStatus(placed.orderId, 'pending_payment');
});

test('F13: a hold that ends while the bank is still being asked closes nothing; what the bank says then decides', async () => {
  for (const isPaid of [true, false]) {
    const placed = await placeOrder(1);
    shop.around.money.set(placed.orderId, 'checking');
    await endHold(placed, 1);
    await waitForStatus(placed.orderId, 'review');
    expect(await eventsOf(placed.orderId, 'order.expired')).toBe(0);
    if (isPaid) shop.around.money.set(placed.orderId, 'captured');
    else shop.around.money.delete(placed.orderId);
    await (isPaid ? tellCapture(placed) : tellFailed(placed));
    await waitForStatus(placed.orderId, isPaid ? 'fulfilled' : 'expired');
  }
});

test('F16: an order that was closed before its payment came into review says that it is looked for, and lives again when it is found', async () => {
  const placed = await placeOrder(1);
  await endHold(placed, 1);
  await waitForStatus(placed.orderId, 'expired');
  shop.around.money.set(placed.orderId, 'review');
  await tellReview(placed);
  await waitForStatus(placed.orderId, 'review');
  shop.around.money.set(placed.orderId, 'captured');
  await tellCapture(placed);
  await waitForStatus(placed.orderId, 'fulfilled');
});
