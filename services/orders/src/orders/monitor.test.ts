import { paymentCaptured } from '@kelid/contracts/events';
import { newId } from '@kelid/service/ids';
import { userActor, waitFor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOrders, type TestOrders } from '../test-orders.ts';

// What is broken here on purpose stays broken, so the invariants are not looked at after it.
let shop: TestOrders;
beforeAll(async () => {
  shop = await startOrders('all');
});
afterAll(() => shop.close());

const admin = () => shop.client(userActor(newId(), ['admin']));
async function look(): Promise<void> {
  await shop.sql('orders', 'update monitor_marks set due_at = now()');
  await shop.host.sweep('orders', 'watch-invariants');
}
const found = async (subject: string) =>
  (await admin().listOrderBreaches({ limit: 100 })).items.filter((breach) => breach.subject === subject);

/** A paid order whose key is not in stock, paid two hours ago. */
async function waiting(releasesOn?: string) {
  const variantId = shop.around.addVariant(0);
  shop.around.supply.set(variantId, 'open');
  if (releasesOn !== undefined) shop.around.releases.set(variantId, releasesOn);
  const buyer = await shop.shopper(variantId);
  const { orderId, totalRial, payment } = await buyer.checkout();
  const { type, data } = paymentCaptured({
    intentId: newId(),
    attemptId: payment?.attemptId ?? newId(),
    orderId,
    customerId: buyer.userId,
    amountRial: totalRial,
    capturedAt: new Date().toISOString(),
  });
  await shop.sql('orders', 'insert into outbox (id, type, data) values ($1, $2, $3)', [newId(), type, data]);
  await waitFor('the payment', async () => {
    const [order] = await shop.sql('orders', 'select status from orders where id = $1', [orderId]);
    return order?.['status'] === 'fulfilling';
  });
  await shop.sql(
    'orders',
    "update orders set paid_at = now() - interval '2 hours', due_at = now() + interval '1 hour' where id = $1",
    [orderId],
  );
  const [line] = await shop.sql('orders', 'select id from order_lines where order_id = $1', [orderId]);
  return { variantId, lineId: String(line?.['id']) };
}

test('I5: a paid order that nobody delivered for an hour is an alarm, and its product alone is not sold until staff settle it', async () => {
  const late = await waiting();
  const preOrder = await waiting(new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10));
  await look();
  expect(await found(preOrder.lineId)).toEqual([]);
  const [breach] = await found(late.lineId);
  expect(breach).toMatchObject({ invariant: 'I5', variantId: late.variantId, settledAt: null });
  const alarms = () => shop.logLines.filter((line) => line.includes('invariant-broken') && line.includes(late.lineId));
  expect(alarms()).toHaveLength(1);

  const buyer = await shop.shopper(late.variantId);
  await expect(buyer.checkout()).rejects.toMatchObject({
    code: 'orders.out_of_stock',
    data: { variantIds: [late.variantId] },
  });
  await (await shop.shopper(preOrder.variantId)).checkout();

  const settle = { breachId: breach?.id ?? '', reason: 'the supplier was called' };
  for (const role of ['customer', 'support', 'seller', 'developer'] as const)
    await expect(shop.client(userActor(newId(), [role])).settleOrderBreach(settle)).rejects.toMatchObject({
      status: 403,
    });
  await expect(admin().settleOrderBreach({ ...settle, breachId: newId() })).rejects.toMatchObject({
    code: 'breach-not-found',
  });
  expect(await admin().settleOrderBreach(settle)).toMatchObject({ settleReason: settle.reason });
  // Looked at by staff, it stops nothing again.
  await look();
  expect(await found(late.lineId)).toHaveLength(1);
  expect(alarms()).toHaveLength(1);
  await buyer.checkout();
  await expect(shop.sql('orders', 'delete from invariant_breaches')).rejects.toMatchObject({ code: '42501' });
});

test('OR-3: every invariant is watched, what moved since the last look and ten minutes more; what moved before is not looked at again', async () => {
  const orderOf = async (minutesAgo: number) => {
    const { orderId } = await (await shop.shopper(shop.around.addVariant(5))).checkout();
    await shop.ownerSql('orders', 'update order_history set at = at - make_interval(mins => $2) where order_id = $1', [
      orderId,
      minutesAgo,
    ]);
    await shop.ownerSql('orders', 'update orders set version = version + 7 where id = $1', [orderId]);
    return orderId;
  };
  await look();
  const [recent, old] = [await orderOf(9), await orderOf(11)];
  await look();
  expect(await found(recent)).toMatchObject([{ invariant: 'OR-3', variantId: null }]);
  expect(await found(old)).toEqual([]);
  const marks = await shop.sql(
    'orders',
    "select name from monitor_marks where looked_until > now() - interval '1 minute'",
  );
  expect(marks.length).toBeGreaterThan(12);
});
