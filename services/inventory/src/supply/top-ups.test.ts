import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { orderOf, startInventory, type TestInventory } from '../test-inventory.ts';

let simulators: Simulators;
let shop: TestInventory;
let seller: ReturnType<TestInventory['inventory']>;

beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startInventory({
    INVENTORY_MOOGOLD_URL: `${simulators.url}/moogold/wp-json/v1/api`,
    INVENTORY_MOOGOLD_PARTNER_ID: 'partner',
    INVENTORY_MOOGOLD_SECRET_KEY: 'a secret of the test',
    INVENTORY_KINGUIN_URL: `${simulators.url}/kinguin/esa/api`,
    INVENTORY_KINGUIN_API_KEY: 'a key of the test',
  });
  seller = shop.inventory();
});
afterAll(async () => {
  await shop.close();
  await simulators.close();
});
afterEach(async () => {
  await control('DELETE', '/faults');
  await shop.sql('inventory', 'update supplier_states set cooldown_until = null');
});

async function control(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${simulators.url}${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? undefined : response.json();
}

/** A variant that only this supplier delivers, with its price asked for. */
async function offer(supplier: string, productRef: string, more: object = {}): Promise<string> {
  const variantId = newId();
  await seller.setSupplierOffer({ supplier, sku: variantId, productRef, unitMaxCents: 5_000, ...more });
  await shop.host.sweep('inventory', 'refresh-quotes');
  return variantId;
}

const player = { playerId: '5123456789', zone: null, nickname: 'Arash_1' };
const uc60 = '6963/696301';

async function pay(variantId: string, quantity: number, gameAccount?: typeof player) {
  const { orderId, round, lines } = orderOf(variantId, quantity);
  const [line] = lines;
  const order = {
    orderId,
    round,
    customerId: newId(),
    lines: lines.map((one) => ({ ...one, ...(gameAccount ? { gameAccount } : {}) })),
  };
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  await seller.reserveStock({ orderId, round, lines: order.lines, expiresAt });
  const look = async () => (await seller.fulfillOrder(order)).lines[0];
  await look();
  return { ...order, lineId: line?.orderLineId ?? '', look };
}

async function work(seconds = 40): Promise<void> {
  const until = performance.now() + seconds * 1000;
  while (performance.now() < until) {
    await shop.sql('inventory', "update procurements set due_at = now() where due_at > now() and status <> 'received'");
    await shop.host.sweep('inventory', 'supply-needs');
    await shop.host.sweep('inventory', 'follow-procurements');
    const [open] = await shop.sql(
      'inventory',
      "select count(*)::int as count from procurements where status in ('ordering', 'unknown', 'placed') and not allows_pre_order",
    );
    if (open?.['count'] === 0) return;
    await new Promise((done) => setTimeout(done, 50));
  }
}

const soldBy = async (supplier: string, productRef: string) =>
  (
    (await control('GET', `/suppliers/${supplier}/orders`)) as { items: { productRef: string; reference: string }[] }
  ).items.filter((order) => order.productRef === productRef);

test('KY-6 A64: a top-up is bought for its player, unit by unit, and each unit ends with a receipt, whatever stock has', async () => {
  const variantId = await offer('moogold', uc60);
  const before = (await soldBy('moogold', uc60)).length;
  const order = await pay(variantId, 3, player);
  await work();
  expect(await order.look()).toMatchObject({ missingCount: 0, keyIds: { length: 3 } });
  expect((await soldBy('moogold', uc60)).length - before).toBe(3);
  // The player has it, whoever looked at the receipt: a refund of it is never one person's word (A64).
  expect(await shop.inventory().withdrawKeys({ orderId: order.orderId, revealedMax: -1 })).toMatchObject({
    units: [{ state: 'seen' }, { state: 'seen' }, { state: 'seen' }],
  });
  const owner = shop.owner(order.customerId);
  const { items } = await owner.listOrderKeys({ orderId: order.orderId });
  expect(items.map(({ kind }) => kind)).toEqual(['receipt', 'receipt', 'receipt']);
  const receipts = await Promise.all(
    items.map(async ({ id }) => (await owner.revealKey({ orderId: order.orderId, keyId: id })).code),
  );
  expect(new Set(receipts).size).toBe(3);
  for (const receipt of receipts) expect(receipt).toMatch(/^moogold-\d+$/);
  expect(await shop.brokenInvariants()).toEqual([]);
});

test('KY-6 I26: a top-up whose order lost its answer is found by our reference and not bought again', async () => {
  const variantId = await offer('moogold', uc60);
  await control('PUT', '/faults/moogold.order', { mode: 'lose-answer', count: 1 });
  const before = (await soldBy('moogold', uc60)).length;
  const order = await pay(variantId, 1, player);
  await work();
  expect(await order.look()).toMatchObject({ missingCount: 0 });
  expect((await soldBy('moogold', uc60)).length - before).toBe(1);
});

test('I26: a top-up whose supplier tells its price only when it is read again, ten times our maximum, is counted as what it took and is with a person', async () => {
  const variantId = await offer('moogold', uc60, { unitMaxCents: 90 });
  await control('PUT', '/faults/moogold.order', { mode: 'price-jump', count: 1 });
  await control('PUT', '/faults/moogold.find', { mode: 'error', count: 1 });
  const order = await pay(variantId, 1, player);
  await work();
  expect(await order.look()).toMatchObject({ missingCount: 1, supply: 'open' });
  const bought = await shop.sql(
    'inventory',
    'select status, reason, unit_price_cents, at_risk_cents::int from procurements where need_line_id = $1',
    [order.lineId],
  );
  const told = { status: 'review', reason: 'price above the maximum', unit_price_cents: 860, at_risk_cents: 860 };
  expect(bought).toEqual([told]);
});

test('KY-6: a receipt that came too late for its line is nothing to sell', async () => {
  const variantId = await offer('moogold', uc60);
  await control('PUT', '/faults/moogold.order', { mode: 'late', delayMs: 300, count: 1 });
  const order = await pay(variantId, 1, player);
  await shop.host.sweep('inventory', 'supply-needs');
  await shop.sql('inventory', "update supply_needs set status = 'failed', due_at = null where order_line_id = $1", [
    order.lineId,
  ]);
  await work();
  const keys = await shop.sql('inventory', 'select status, kind from product_keys where variant_id = $1', [variantId]);
  expect(keys).toEqual([{ status: 'quarantined', kind: 'receipt' }]);
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 0 });
});

test('KY-6: an account that the game refuses at the last moment is paid back by the supplier, and the line stays open', async () => {
  const variantId = await offer('moogold', uc60);
  const order = await pay(variantId, 1, { ...player, playerId: '5123450000' });
  await work(1);
  await work(1);
  expect(await order.look()).toMatchObject({ missingCount: 1, supply: 'open' });
  const ended = await shop.sql('inventory', 'select distinct status from procurements where order_line_id = $1', [
    order.lineId,
  ]);
  expect(ended).toEqual([{ status: 'cancelled' }]);
});

test('KY-6: the nickname is told before paying; a number that is nobody is refused by its field; a silent supplier holds nobody up', async () => {
  const variantId = await offer('moogold', uc60);
  const check = (playerId: string) => shop.guest().checkGameAccount({ variantId, gameAccount: { playerId } });
  expect((await check('5123456789')).nickname).toMatch(/^[A-Z][a-z]+_\d+$/);
  await expect(check('5123450000')).rejects.toMatchObject({ status: 422, data: { field: 'gameAccount.playerId' } });
  for (const mode of ['down', 'garbage', 'empty', 'html-503']) {
    await control('PUT', '/faults/moogold.validate', { mode, count: 1 });
    expect(await check('5123456789')).toEqual({ nickname: null });
  }
});

test('KY-6: without a supplier that can deliver, a top-up cannot be reserved, though stock has product keys of that variant', async () => {
  const variantId = newId();
  await shop.stockUp(5, { variantId });
  await expect(pay(variantId, 1, player)).rejects.toMatchObject({ code: 'inventory.stock-short' });
  const bought = await pay(variantId, 1);
  expect(await bought.look()).toMatchObject({ missingCount: 0 });
});

test('KY-6: a pre-order is bought at once, stays with its line, and is delivered on the day of release', async () => {
  const productRef = newId().replaceAll('-', '').slice(0, 24);
  const product = {
    name: 'Lost Key',
    platform: 'Steam',
    region: 'WORLDWIDE',
    price: '28.50',
    stock: 100,
    isPreOrder: true,
  };
  await control('PUT', `/suppliers/kinguin/products/${productRef}`, product);
  const notForLater = await offer('kinguin', productRef);
  await expect(pay(notForLater, 1)).rejects.toMatchObject({ code: 'inventory.stock-short' });
  const variantId = await offer('kinguin', productRef, { allowsPreOrder: true });
  const order = await pay(variantId, 2);
  await work(1);
  const placed = async () =>
    shop.sql('inventory', 'select status, quantity, settled_count from procurements where order_line_id = $1', [
      order.lineId,
    ]);
  expect(await placed()).toEqual([{ status: 'placed', quantity: 2, settled_count: 0 }]);
  // Half an hour later nobody gives up on it, and nobody buys it again.
  await shop.sql(
    'inventory',
    "update supply_needs set created_at = now() - interval '2 days', due_at = now() where order_line_id = $1",
    [order.lineId],
  );
  await shop.host.sweep('inventory', 'supply-needs');
  expect(await order.look()).toMatchObject({ missingCount: 2, supply: 'open' });
  expect(await soldBy('kinguin', productRef)).toHaveLength(1);

  await control('PUT', `/suppliers/kinguin/products/${productRef}`, { ...product, isPreOrder: false });
  await shop.sql('inventory', 'update procurements set due_at = now() where order_line_id = $1', [order.lineId]);
  await shop.host.sweep('inventory', 'follow-procurements');
  expect(await order.look()).toMatchObject({ missingCount: 0 });
  expect(await placed()).toEqual([{ status: 'received', quantity: 2, settled_count: 2 }]);
  expect(await shop.brokenInvariants()).toEqual([]);
});
