import { inventoryContract } from '@kelid/contracts/inventory';
import { ordersContract } from '@kelid/contracts/orders';
import { paymentsContract } from '@kelid/contracts/payments';
import { inventoryService } from '@kelid/inventory/service';
import { ordersService } from '@kelid/orders/service';
import { paymentsService } from '@kelid/payments/service';
import type { Actor } from '@kelid/service/context';
import type { AnyService } from '@kelid/service/define-service';
import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { serviceActor, startServices, type TestServices, userActor, waitFor } from '@kelid/testing/start-service';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

// The real orders, inventory and payments in one process, and the simulated bank: what each promises alone, with nothing in between made up.
const names = ['orders', 'inventory', 'payments'] as const;
const priceRial = 5_000_000;
type Step = 'reserveStock' | 'releaseStock' | 'createIntent' | 'startAttempt' | 'closeIntent';

/** What befalls calls between the services: before they do their work, or after it. */
const faults = new Map<Step, 'refuses' | 'loses'>();
/** Calls of these operations wait here until as many have come as are expected, and then go on at one moment. */
const barriers = new Map<string, { wait(): Promise<void> }>();

function withFaults(service: AnyService): AnyService {
  const operations = Object.fromEntries(
    Object.entries(service.operations).map(([name, operation]) => [
      name,
      async (...args: Parameters<typeof operation>) => {
        await barriers.get(name)?.wait();
        const fault = faults.get(name as Step);
        if (fault === 'refuses') throw new Error(`${name} is away`);
        const answer: unknown = await operation(...args);
        if (fault === 'loses') throw new Error(`the answer of ${name} was lost`);
        return answer as never;
      },
    ]),
  );
  return { ...service, operations };
}

/** Lets nobody through before so many have come. */
function meet(count: number, ...operations: string[]): void {
  let open: () => void = () => {};
  const isOpen = new Promise<void>((resolve) => (open = resolve));
  let come = 0;
  const wait = () => {
    come += 1;
    if (come === count) open();
    return isOpen;
  };
  for (const operation of operations) barriers.set(operation, { wait });
}

let simulators: Simulators;
let shop: TestServices;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startServices({
    services: [withFaults(ordersService), withFaults(inventoryService), withFaults(paymentsService)],
    env: {
      INVENTORY_KEK: Buffer.alloc(32, 1).toString('base64'),
      INVENTORY_KEK_ID: 'kek-202611',
      INVENTORY_BLIND_INDEX_KEY: Buffer.alloc(32, 2).toString('base64'),
      PAYMENTS_ZARINPAL_URL: `${simulators.url}/zarinpal`,
      PAYMENTS_CARD_HASH_SECRET: 'a secret of the test, long enough for it',
    },
    peerAnswers: {
      catalog: {
        findVariantBySku: ({ sku }: { sku: string }) => ({
          variant: { variantId: sku, brand: 'Steam', platform: 'pc', accountRule: null },
        }),
        getVariants: ({ variantIds }: { variantIds: string[] }) => ({ items: variantIds.map(variantOf) }),
      },
    },
  });
}, 60_000);
afterEach(async () => {
  faults.clear();
  barriers.clear();
  for (const name of names) await expect.poll(() => shop.brokenInvariants(name), { timeout: 15_000 }).toEqual([]);
});
afterAll(async () => {
  await shop?.close();
  await simulators?.close();
});

function variantOf(variantId: string) {
  return {
    variantId,
    productId: variantId,
    categoryIds: [],
    productSlug: 'steam-gift-card',
    sku: variantId,
    title: { fa: 'گیفت کارت استیم', en: 'Steam gift card' },
    variantTitle: { fa: '۱۰ دلاری', en: '10 USD' },
    type: 'gift_card',
    brand: 'Steam',
    platform: 'Steam',
    region: 'US',
    faceValue: 10,
    faceCurrency: 'USD',
    image: '/api/v1/media/steam',
    priceRial,
    availability: 'in_stock',
    accountRule: null,
    releasesOn: null,
  };
}

async function stockUp(count: number): Promise<string> {
  const sku = newId();
  const codes = Array.from({ length: count }, (_, index) => `${sku.slice(-12).toUpperCase()}-${1000 + index}`);
  await shop.as(inventoryContract, serviceActor).importKeys({ sku, label: 'stock of a test', codes });
  return sku;
}

/** A customer with one unit in the cart. */
async function shopper(variantId: string) {
  const userId = newId();
  const actor: Actor = userActor(userId);
  const client = shop.as(ordersContract, actor);
  await client.addCartItem({ variantId, quantity: 1 });
  return {
    userId,
    client,
    checkout: (key = newId()) => shop.as(ordersContract, actor, { idempotencyKey: key }).checkout({ psp: 'zarinpal' }),
    walletRial: async () => (await shop.as(paymentsContract, actor).getWallet({})).balanceRial,
    keys: async (orderId: string) => (await shop.as(inventoryContract, actor).listOrderKeys({ orderId })).items,
  };
}
type Shopper = Awaited<ReturnType<typeof shopper>>;

async function counts(variantId: string) {
  const { items } = await shop.as(inventoryContract, serviceActor).getStock({ variantIds: [variantId] });
  const { availableCount, reservedCount, soldCount } = items[0] ?? {};
  return { availableCount, reservedCount, soldCount };
}
const statusOf = async (orderId: string) =>
  (await shop.sql('orders', 'select status from orders where id = $1', [orderId]))[0]?.['status'];
const intentOf = async (orderId: unknown) =>
  (await shop.sql('payments', 'select status from payment_intents where order_id = $1', [orderId]))[0]?.['status'];

/** Pays on the bank's page; answers what the browser brings back. */
async function payAtBank(redirectUrl: string): Promise<Record<string, string>> {
  const response = await fetch(`${simulators.url}/banks/attempts/${redirectUrl.slice(-36)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ outcome: 'pay' }),
  });
  const { url } = (await response.json()) as { url: string };
  return Object.fromEntries(new URL(url).searchParams);
}
const comeBack = (params: Record<string, string>) =>
  shop.as(paymentsContract, { kind: 'guest' }).handlePspCallback({ psp: 'zarinpal', params });

test('A58 I3: shoppers who come for the last unit at one moment: one has the order and its product key, the others hear that it is sold out, nothing stays held, 4 rounds', async () => {
  for (let round = 0; round < 4; round += 1) {
    const variantId = await stockUp(1);
    const buyers: Shopper[] = [];
    for (let buyer = 0; buyer < 12; buyer += 1) buyers.push(await shopper(variantId));
    meet(buyers.length, 'reserveStock');
    const answers = await Promise.allSettled(buyers.map((buyer) => buyer.checkout()));
    barriers.clear();
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
    expect(refused).toHaveLength(buyers.length - 1);
    for (const reason of refused) expect(reason).toMatchObject({ status: 409, code: 'orders.out_of_stock' });
    expect(await counts(variantId)).toEqual({ availableCount: 0, reservedCount: 1, soldCount: 0 });
    const winner = answers.findIndex((answer) => answer.status === 'fulfilled');
    const placed = answers[winner];
    if (placed?.status !== 'fulfilled') throw new Error('Nobody got it');
    const { orderId, payment } = placed.value;
    await comeBack(await payAtBank(payment?.redirectUrl ?? ''));
    await waitFor('the delivery', async () => (await statusOf(orderId)) === 'fulfilled');
    expect(await buyers[winner]?.keys(orderId)).toHaveLength(1);
    // Inventory was told what the unit is worth: a complaint of it is judged by that.
    const worth =
      'select v.unit_rial from line_values v join key_allocations using (order_line_id) where order_id = $1';
    expect(await shop.sql('inventory', worth, [orderId])).toEqual([{ unit_rial: priceRial }]);
    const open = await shop.sql(
      'payments',
      "select 1 from payment_intents where status = 'open' and customer_id = any($1::uuid[])",
      [buyers.map((buyer) => buyer.userId)],
    );
    expect(open).toEqual([]);
  }
}, 60_000);

test('A65: a cancel that meets the bank’s answer: paid and delivered; or cancelled, and the money in the wallet or never taken from the bank; never both or neither, 12 rounds', async () => {
  const outcomes = new Set<unknown>();
  for (let round = 0; round < 12; round += 1) {
    const variantId = await stockUp(1);
    const buyer = await shopper(variantId);
    const { orderId, totalRial, payment } = await buyer.checkout();
    const params = await payAtBank(payment?.redirectUrl ?? '');
    const capture = () => comeBack(params);
    const cancel = () => buyer.client.cancelOrder({ orderId }).catch(() => 'too late');
    // At one moment; and, since the same one may happen to win each time, one after the other.
    if (round % 4 === 0) {
      meet(2, 'cancelOrder', 'handlePspCallback');
      await Promise.all([cancel(), capture()]);
      barriers.clear();
    } else if (round % 4 === 1) {
      await cancel();
      await capture();
    } else {
      await capture();
      if (round % 4 === 3) await waitFor('the delivery', async () => (await statusOf(orderId)) === 'fulfilled');
      await cancel();
    }
    const status = await waitFor('an end', async () => {
      const now = await statusOf(orderId);
      return (now === 'fulfilled' || now === 'cancelled') && now;
    });
    outcomes.add(status);
    const [attempt] = await shop.sql('payments', 'select status, failure_reason from payment_attempts where id = $1', [
      payment?.attemptId,
    ]);
    // Money for a dead order that was not verified yet goes back from the bank by itself.
    const isTaken = attempt?.['status'] === 'captured';
    if (!isTaken) expect(attempt).toEqual({ status: 'failed', failure_reason: 'order-dead' });
    expect(isTaken || status === 'cancelled').toBe(true);
    const dueRial = status === 'cancelled' && isTaken ? totalRial : 0;
    await waitFor('the money', async () => (await buyer.walletRial()) === dueRial);
    expect(await buyer.keys(orderId)).toHaveLength(status === 'fulfilled' ? 1 : 0);
    await waitFor('the stock', async () => {
      const { availableCount, reservedCount, soldCount } = await counts(variantId);
      return reservedCount === 0 && (status === 'fulfilled' ? soldCount === 1 : availableCount === 1);
    });
  }
  expect([...outcomes].toSorted()).toEqual(['cancelled', 'fulfilled']);
}, 90_000);

for (const step of ['reserveStock', 'createIntent', 'startAttempt'] as const) {
  for (const fault of ['refuses', 'loses'] as const) {
    test(`OR-4: when ${step} ${fault === 'refuses' ? 'fails' : 'loses its answer'}, no product key stays held, no payment open, and the same key orders again`, async () => {
      const variantId = await stockUp(1);
      const buyer = await shopper(variantId);
      const key = newId();
      faults.set(step, fault);
      await expect(buyer.checkout(key)).rejects.toMatchObject({ status: 503, code: 'orders.checkout-failed' });
      faults.clear();
      const [order] = await shop.sql('orders', 'select id, status from orders where customer_id = $1', [buyer.userId]);
      expect(order?.['status']).toBe('cancelled');
      expect(await counts(variantId)).toEqual({ availableCount: 1, reservedCount: 0, soldCount: 0 });
      expect(await intentOf(order?.['id'])).not.toBe('open');
      expect((await buyer.checkout(key)).status).toBe('pending_payment');
      expect(await counts(variantId)).toMatchObject({ reservedCount: 1 });
    });
  }
}

test('OR-4: when giving back fails too, the sweep gives back what a dead order holds, and closes its payment, once both answer', async () => {
  const variantId = await stockUp(1);
  const buyer = await shopper(variantId);
  for (const [step, fault] of [
    ['startAttempt', 'loses'],
    ['releaseStock', 'refuses'],
    ['closeIntent', 'refuses'],
  ] as const)
    faults.set(step, fault);
  await expect(buyer.checkout()).rejects.toMatchObject({ status: 503 });
  expect(await counts(variantId)).toMatchObject({ reservedCount: 1 });
  faults.clear();
  const [order] = await shop.sql('orders', 'update orders set due_at = now() where customer_id = $1 returning id', [
    buyer.userId,
  ]);
  await waitFor('the stock', async () => (await counts(variantId)).availableCount === 1);
  await waitFor('the payment', async () => (await intentOf(order?.['id'])) === 'cancelled');
});
