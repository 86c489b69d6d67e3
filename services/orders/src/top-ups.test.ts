import { keyRefundDue, paymentCaptured, paymentRefunded } from '@kelid/contracts/events';
import { newId } from '@kelid/service/ids';
import { userActor, waitFor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOrders, type TestOrders } from './test-orders.ts';

let shop: TestOrders;
beforeAll(async () => {
  shop = await startOrders('all');
});
afterAll(async () => {
  expect(await shop.brokenInvariants()).toEqual([]);
  await shop.close();
});

/** A top-up that is bought from a supplier when it is paid. */
function addTopUp(rule: 'pubg-mobile' | 'mobile-legends' = 'pubg-mobile'): string {
  const variantId = shop.around.addVariant(100);
  shop.around.topUps.set(variantId, rule);
  return variantId;
}

function customer() {
  const userId = newId();
  const actor = userActor(userId);
  return { userId, orders: shop.client(actor), withKey: () => shop.client(actor, newId()) };
}

/** An event of another service, as its relay would bring it. */
async function tell({ type, data }: { type: string; data: unknown }): Promise<void> {
  await shop.sql('orders', 'insert into outbox (id, type, data) values ($1, $2, $3)', [newId(), type, data]);
}

async function paidOrder(variantId: string, gameAccount?: { playerId: string }) {
  const { userId, orders, withKey } = customer();
  await orders.addCartItem({ variantId, quantity: 1, ...(gameAccount ? { gameAccount } : {}) });
  const { orderId, totalRial } = await withKey().checkout({ psp: 'zarinpal' });
  const capture = { intentId: orderId, attemptId: newId(), orderId, customerId: userId, amountRial: totalRial };
  await tell(paymentCaptured({ ...capture, capturedAt: new Date().toISOString() }));
  await waitFor('the order to be paid', async () => (await orders.getOrder({ orderId })).status !== 'pending_payment');
  return { orderId, orders, totalRial, userId };
}

test('CK-3: a top-up without its account, and an account for what needs none, is refused by its field, and the cart stays empty', async () => {
  const { orders } = customer();
  const topUp = addTopUp();
  const card = shop.around.addVariant(3);
  const account = { playerId: '5123456781' };
  for (const item of [
    { variantId: topUp, quantity: 1 },
    { variantId: card, quantity: 1, gameAccount: account },
  ])
    await expect(orders.addCartItem(item)).rejects.toMatchObject({
      status: 422,
      data: { errors: [{ field: 'gameAccount' }] },
    });
  expect((await orders.getCart({})).items).toEqual([]);
});

test.each([
  ['pubg-mobile', { playerId: '4123456781' }, ['gameAccount.playerId']],
  ['pubg-mobile', { playerId: '51234 5678' }, ['gameAccount.playerId']],
  ['mobile-legends', { playerId: '12345678' }, ['gameAccount.zone']],
  ['mobile-legends', { playerId: 'abc', zone: '1' }, ['gameAccount.playerId', 'gameAccount.zone']],
] as const)(
  'CK-3: an account that does not look like one of %s is refused by its fields: %j',
  async (rule, gameAccount, fields) => {
    const { orders } = customer();
    const refused = orders.addCartItem({ variantId: addTopUp(rule), quantity: 1, gameAccount });
    await expect(refused).rejects.toMatchObject({ status: 422, data: { errors: fields.map((field) => ({ field })) } });
  },
);

test('CK-3: the nickname is asked for by the shop itself and kept with the order; nobody can bring one', async () => {
  const variantId = addTopUp();
  const { orders, withKey } = customer();
  await expect(
    orders.addCartItem({ variantId, quantity: 1, gameAccount: { playerId: '5123450000' } }),
  ).rejects.toMatchObject({
    code: 'inventory.game-account-unknown',
  });
  const forged = { playerId: '5123456781', nickname: 'somebody else' } as { playerId: string };
  await expect(orders.addCartItem({ variantId, quantity: 1, gameAccount: forged })).rejects.toMatchObject({
    status: 422,
  });
  await orders.addCartItem({ variantId, quantity: 2, gameAccount: { playerId: '5123456781' } });
  await orders.addCartItem({ variantId, quantity: 1, gameAccount: { playerId: '5123456789' } });
  await orders.addCartItem({ variantId, quantity: 1, gameAccount: { playerId: '5123456781' } });
  const shown = [
    { quantity: 3, gameAccount: { playerId: '5123456781', zone: null, nickname: 'player 5123456781' } },
    // Nobody could be asked about this one; its form is right, so it may be bought.
    { quantity: 1, gameAccount: { playerId: '5123456789', zone: null, nickname: null } },
  ];
  expect((await orders.getCart({})).items).toMatchObject(shown);
  const { orderId } = await withKey().checkout({ psp: 'zarinpal' });
  const order = await orders.getOrder({ orderId });
  expect(order.lines).toMatchObject(shown);
  expect((await orders.getCart({})).items).toEqual([]);
});

test('CK-2: the top-ups of a guest for two players are two items of the cart after login too', async () => {
  const variantId = addTopUp();
  const first = await shop
    .client({ kind: 'guest' })
    .addCartItem({ variantId, quantity: 1, gameAccount: { playerId: '5111111111' } });
  const cartToken = first.cartToken ?? '';
  await shop
    .client({ kind: 'guest', cartToken })
    .addCartItem({ variantId, quantity: 1, gameAccount: { playerId: '5222222222' } });
  const actor = userActor();
  if (actor.kind !== 'user') throw new Error('not a user');
  const { items } = await shop.client({ ...actor, cartToken }).getCart({});
  expect(items.map((item) => item.gameAccount?.playerId).toSorted()).toEqual(['5111111111', '5222222222']);
});

test('CK-3: a top-up for another player that comes into the cart while the first is ordered stays there', async () => {
  const variantId = addTopUp();
  const { orders, withKey } = customer();
  await orders.addCartItem({ variantId, quantity: 1, gameAccount: { playerId: '5111111111' } });
  shop.around.beforeReserve = () =>
    orders.addCartItem({ variantId, quantity: 1, gameAccount: { playerId: '5222222222' } }).then(() => undefined);
  await withKey().checkout({ psp: 'zarinpal' });
  shop.around.beforeReserve = undefined;
  expect((await orders.getCart({})).items).toMatchObject([{ gameAccount: { playerId: '5222222222' } }]);
});

test('KY-6: where a paid top-up goes is told to who delivers it', async () => {
  const variantId = addTopUp();
  shop.around.supply.set(variantId, 'open');
  const { orderId, orders } = await paidOrder(variantId, { playerId: '5123456781' });
  const [line] = (await orders.getOrder({ orderId })).lines;
  await waitFor('the delivery to be asked for', async () => shop.around.fulfilled.has(line?.id ?? ''));
  expect(shop.around.fulfilled.get(line?.id ?? '')).toMatchObject({
    gameAccount: { playerId: '5123456781', nickname: 'player 5123456781' },
  });
});

test('OR-3: a pre-order waits for its day of release and goes to no person, until two days after it', async () => {
  const variantId = shop.around.addVariant(1);
  shop.around.releases.set(variantId, new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10));
  shop.around.supply.set(variantId, 'open');
  const { orderId, orders } = await paidOrder(variantId);
  await waitFor(
    'the delivery to be asked for',
    async () => (await orders.getOrder({ orderId })).status === 'fulfilling',
  );
  const later = async (days: number) => {
    await shop.sql('orders', `update order_lines set releases_on = releases_on - ${days} where order_id = $1`, [
      orderId,
    ]);
    const older = "update orders set paid_at = paid_at - interval '20 days', due_at = now() where id = $1";
    await shop.sql('orders', older, [orderId]);
  };
  const looked = "select 1 from orders where id = $1 and due_at > now() + interval '50 minutes'";
  for (const days of [0, 41]) {
    await later(days);
    await waitFor(
      'a look that leaves it for an hour',
      async () => (await shop.sql('orders', looked, [orderId])).length > 0,
    );
    expect((await orders.getOrder({ orderId })).status).toBe('fulfilling');
  }
  await later(2);
  await waitFor('a person', async () => (await orders.getOrder({ orderId })).status === 'review');
});

test('KY-8: delivered is written once, with its time, however often the delivery is repeated', async () => {
  const { orderId, orders, totalRial, userId } = await paidOrder(shop.around.addVariant(1));
  await waitFor('the delivery', async () => (await orders.getOrder({ orderId })).status === 'fulfilled');
  const { fulfilledAt } = await orders.getOrder({ orderId });
  expect(fulfilledAt).toMatch(/Z$/);
  const again = { intentId: orderId, attemptId: newId(), orderId, customerId: userId, amountRial: totalRial };
  await tell(paymentCaptured({ ...again, capturedAt: new Date().toISOString() }));
  await shop.sql('orders', 'update orders set due_at = now() where id = $1', [orderId]);
  const refused = "select 1 from outbox where type = 'order.payment-refused' and data->>'orderId' = $1";
  await waitFor('the second capture', async () => (await shop.sql('orders', refused, [orderId])).length > 0);
  expect((await orders.getOrder({ orderId })).fulfilledAt).toBe(fulfilledAt);
  const told = await shop.sql(
    'orders',
    "select 1 from outbox where type = 'order.fulfilled' and data->>'orderId' = $1",
    [orderId],
  );
  expect(told).toHaveLength(1);
});

test('a bad product key that is refunded asks for the price of its unit, and its order stays delivered', async () => {
  const { orderId, orders, userId } = await paidOrder(shop.around.addVariant(1, 7_500_000));
  await waitFor('the delivery', async () => (await orders.getOrder({ orderId })).status === 'fulfilled');
  const [line] = (await orders.getOrder({ orderId })).lines;
  const complaintId = newId();
  const event = keyRefundDue({ complaintId, orderId, orderLineId: line?.id ?? '', keyId: newId() });
  await tell(event);
  const asked = "select data from outbox where type = 'order.refund-due' and data->>'orderId' = $1";
  await waitFor('the refund', async () => (await shop.sql('orders', asked, [orderId])).length > 0);
  expect(await shop.sql('orders', asked, [orderId])).toMatchObject([
    { data: { complaintId, refundRial: 7_500_000, customerId: userId } },
  ]);
  const { orderNumber } = await orders.getOrder({ orderId });
  await tell(paymentRefunded({ orderId, orderNumber, customerId: userId, refundRial: 7_500_000, complaintId }));
  const unsent = 'select 1 from outbox where sent_at is null';
  await waitFor('every event', async () => (await shop.sql('orders', unsent)).length === 0);
  expect((await orders.getOrder({ orderId })).status).toBe('fulfilled');
});

test('I9: lines know their seller and how they are delivered, and a delivered order tells what each seller but the shop is owed', async () => {
  const sellerId = newId();
  const topUp = addTopUp();
  const [card, own] = [shop.around.addVariant(9, 300_000), shop.around.addVariant(9, 700_000)];
  for (const variantId of [topUp, card]) shop.around.sellers.set(variantId, sellerId);
  const { userId, orders, withKey } = customer();
  await orders.addCartItem({ variantId: topUp, quantity: 1, gameAccount: { playerId: '5123456781' } });
  await orders.addCartItem({ variantId: card, quantity: 2 });
  await orders.addCartItem({ variantId: own, quantity: 1 });
  const { orderId, totalRial } = await withKey().checkout({ psp: 'zarinpal' });
  const capture = { intentId: orderId, attemptId: newId(), orderId, customerId: userId, amountRial: totalRial };
  await tell(paymentCaptured({ ...capture, capturedAt: new Date().toISOString() }));
  await waitFor('the order to be delivered', async () => (await orders.getOrder({ orderId })).status === 'fulfilled');
  const lines = await shop.sql(
    'orders',
    'select variant_id, seller_id, fulfilment_kind from order_lines where order_id = $1 order by position',
    [orderId],
  );
  expect(lines).toEqual([
    { variant_id: topUp, seller_id: sellerId, fulfilment_kind: 'top_up' },
    { variant_id: card, seller_id: sellerId, fulfilment_kind: 'key' },
    { variant_id: own, seller_id: null, fulfilment_kind: 'key' },
  ]);
  const [told] = await shop.sql(
    'orders',
    "select data->'sellers' as sellers from outbox where type = 'order.fulfilled' and data->>'orderId' = $1",
    [orderId],
  );
  expect(told?.['sellers']).toEqual([{ sellerId, amountRial: 5_600_000 }]);
});
