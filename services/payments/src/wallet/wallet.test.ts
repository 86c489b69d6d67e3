import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { controlOf, startPayments, type TestPayments } from '../test-payments.ts';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`);
  bank = controlOf(simulators.url);
});
afterEach(async () => expect(await shop.brokenInvariants()).toEqual([]));
afterAll(async () => {
  await shop.close();
  await simulators.close();
});

/** A customer with this much in the wallet. */
async function rich(balanceRial: number): Promise<string> {
  const customerId = newId();
  await shop.sql(
    'payments',
    "select ledger_post('gift', $1, null, array['revenue:gifts', 'wallet:' || $2], array[$3::bigint, -$3::bigint])",
    [newId(), customerId, balanceRial],
  );
  return customerId;
}

async function owe(customerId: string, amountRial: number, walletMaxRial = amountRial) {
  const order = { orderId: newId(), customerId, amountRial };
  const intent = await shop.orders.createIntent({ ...order, orderNumber: 'KL-1', walletMaxRial });
  return { ...order, ...intent };
}
const walletOf = (customerId: string) => shop.customer(customerId).getWallet({});
const statusOf = (orderId: string) => shop.intentStatus({ orderId, customerId: '', amountRial: 0 });
async function payAtBank(authority: string): Promise<void> {
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params: await bank.decide(authority, 'pay') });
}

test('I10 CK-6: an order that the wallet can pay is paid by it, once, however often it is asked, and no bank is asked', async () => {
  const customerId = await rich(3_000_000);
  const order = await owe(customerId, 2_500_000);
  expect(order.walletRial).toBe(2_500_000);
  expect(await walletOf(customerId)).toEqual({ balanceRial: 3_000_000, heldRial: 2_500_000 });
  const attemptId = newId();
  const start = () => shop.orders.startAttempt({ attemptId, orderId: order.orderId, psp: 'zarinpal' });
  const answers = await Promise.all(Array.from({ length: 8 }, start));
  expect(new Set(answers.map((answer) => answer.redirectUrl))).toEqual(new Set([null]));
  expect(await statusOf(order.orderId)).toBe('captured');
  expect(await walletOf(customerId)).toEqual({ balanceRial: 500_000, heldRial: 0 });
  expect(await shop.published('payment.captured', order.orderId)).toMatchObject([{ amountRial: 2_500_000, attemptId }]);
  expect(await shop.customer(customerId).getOrderPayments({ orderId: order.orderId })).toMatchObject({
    walletRial: 2_500_000,
    attempts: [{ psp: 'wallet', status: 'captured', amountRial: 2_500_000 }],
  });
});

test('I10 I7: wallet and bank together pay an order: the bank is asked for the rest, and the held part is taken with its capture', async () => {
  const customerId = await rich(1_000_000);
  const order = await owe(customerId, 2_500_000);
  const { authority, attemptId } = await shop.start(order);
  expect(await shop.attempt(attemptId)).toMatchObject({ amount_rial: 1_500_000 });
  expect(await walletOf(customerId)).toEqual({ balanceRial: 1_000_000, heldRial: 1_000_000 });
  await payAtBank(authority);
  expect(await walletOf(customerId)).toEqual({ balanceRial: 0, heldRial: 0 });
  expect(await shop.published('payment.captured', order.orderId)).toMatchObject([{ amountRial: 2_500_000 }]);
  await shop.deliver('order.fulfilled', {
    orderId: order.orderId,
    customerId,
    orderNumber: 'KL-1',
    version: 4,
    totalRial: 2_500_000,
    contact: {},
    lines: [],
    fulfilledAt: new Date().toISOString(),
  });
  const [deposit] = await shop.sql(
    'payments',
    "select coalesce(sum(e.amount_rial), 0)::int as rial from ledger_entries e join ledger_transactions t on t.id = e.transaction_id where t.order_id = $1 and e.account = 'deposits:orders'",
    [order.orderId],
  );
  expect(deposit).toEqual({ rial: 0 });
});

test.each([
  [2_500_000, 2_495_000, 2_490_000],
  [15_000, 8_000, 5_000],
  [10_000, 9_999, 0],
  [10_000, 10_000, 10_000],
])(
  'I7: of %i Rial a wallet of %i pays %i, since no bank takes less than 10,000',
  async (amountRial, balanceRial, walletRial) => {
    const customerId = await rich(balanceRial);
    expect(await owe(customerId, amountRial)).toMatchObject({ walletRial });
  },
);

test('I10 A62: 50 orders at once, each of 60 % of the wallet: one holds it, the others ask a bank for all, and it never goes below zero', async () => {
  const customerId = await rich(1_000_000);
  const orders = await Promise.all(Array.from({ length: 50 }, () => owe(customerId, 600_000)));
  expect(orders.filter((order) => order.walletRial === 600_000)).toHaveLength(1);
  expect(orders.reduce((sum, order) => sum + order.walletRial, 0)).toBe(1_000_000);
  expect(await walletOf(customerId)).toEqual({ balanceRial: 1_000_000, heldRial: 1_000_000 });
  await Promise.all(orders.map((order) => shop.orders.closeIntent({ orderId: order.orderId, status: 'cancelled' })));
  expect(await walletOf(customerId)).toEqual({ balanceRial: 1_000_000, heldRial: 0 });
});

test('I10 F16: an order that dies gives its held part back once, also while it is paid: paid by both or by neither, 30 rounds', async () => {
  for (let round = 0; round < 30; round += 1) {
    const customerId = await rich(400_000);
    const order = await owe(customerId, 1_000_000);
    const { authority } = await shop.start(order);
    const params = await bank.decide(authority, 'pay');
    await Promise.all([
      shop.browser.handlePspCallback({ psp: 'zarinpal', params }),
      shop.orders.closeIntent({ orderId: order.orderId, status: 'cancelled' }),
      shop.deliver('order.cancelled', {
        orderId: order.orderId,
        customerId,
        orderNumber: 'KL-1',
        version: 3,
        reason: 'customer',
      }),
    ]);
    const wallet = await walletOf(customerId);
    expect(wallet.heldRial).toBe(0);
    // Paid: all of it is gone. Cancelled: the wallet has its own part, and the bank's when it was taken.
    const status = await statusOf(order.orderId);
    expect(status === 'captured' ? [0] : [400_000, 1_000_000]).toContain(wallet.balanceRial);
  }
});

test('I10: a wallet-paid order and its cancellation at the same moment are one of the two, 30 rounds', async () => {
  for (let round = 0; round < 30; round += 1) {
    const customerId = await rich(500_000);
    const order = await owe(customerId, 500_000);
    await Promise.allSettled([
      shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp: 'zarinpal' }),
      shop.orders.closeIntent({ orderId: order.orderId, status: 'expired' }),
    ]);
    const isPaid = (await statusOf(order.orderId)) === 'captured';
    expect(await walletOf(customerId)).toEqual({ balanceRial: isPaid ? 0 : 500_000, heldRial: 0 });
  }
});

test('A62: the wallet of another customer is never held, and holds are made by nothing but the statements that check them', async () => {
  const owner = await rich(1_000_000);
  expect(await owe(newId(), 500_000)).toMatchObject({ walletRial: 0 });
  expect(await walletOf(owner)).toEqual({ balanceRial: 1_000_000, heldRial: 0 });
  for (const text of [
    'update wallets set held_rial = 0',
    'insert into wallet_holds (intent_id, order_id, customer_id, amount_rial) values (uuidv7(), uuidv7(), uuidv7(), 1)',
    "update wallet_holds set status = 'voided'",
  ])
    await expect(shop.sql('payments', text)).rejects.toMatchObject({ code: '42501' });
});
