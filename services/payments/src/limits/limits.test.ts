import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { controlOf, startPayments, type TestPayments } from '../test-payments.ts';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`, {
    PAYMENTS_ZIBAL_URL: `${simulators.url}/zibal`,
    PAYMENTS_ZIBAL_MERCHANT: 'zibal',
    PAYMENTS_DAY_MAX_RIAL: '100000000,300000000,900000000',
    PAYMENTS_MATCHED_CARD_FROM_RIAL: '90000000',
  });
  bank = controlOf(simulators.url);
});
afterEach(async () => {
  await bank.calm();
  expect(await shop.brokenInvariants()).toEqual([]);
});
afterAll(async () => {
  await shop.close();
  await simulators.close();
});

test('the ladder: orders of a day stay within the level, two at once count each other, and staff raise it', async () => {
  const customerId = newId();
  const owe = (amountRial: number) =>
    shop.orders.createIntent({ orderId: newId(), orderNumber: 'KL-1', customerId, amountRial, phone: '+989121112233' });
  const first = await Promise.allSettled([owe(60_000_000), owe(60_000_000)]);
  expect(first.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  await expect(owe(60_000_000)).rejects.toMatchObject({
    code: 'payments.limit-reached',
    data: { limitRial: 100_000_000, period: 'day' },
  });
  expect(await shop.customer(customerId).getPaymentLimits({})).toMatchObject({
    level: 0,
    dayMaxRial: 100_000_000,
    spentTodayRial: 60_000_000,
    steps: [{ dayMaxRial: 100_000_000 }, { dayMaxRial: 300_000_000 }, { dayMaxRial: 900_000_000 }],
  });
  // One that is still being written is waited for and counted.
  const someone = newId();
  const writing = await shop.begin('payments');
  await writing.sql(
    "select * from payments_open_intent(uuidv7(), uuidv7(), 'KL-1', $1, 60000000, null, 0, array[100000000, 300000000, 900000000]::bigint[])",
    [someone],
  );
  const order = { orderNumber: 'KL-1', customerId: someone, amountRial: 60_000_000, phone: '+989121112233' };
  const second = shop.orders.createIntent({ ...order, orderId: newId() }).then(
    () => 'taken',
    (error: { code: string }) => error.code,
  );
  await shop.untilWaiting('payments', second);
  await writing.commit();
  expect(await second).toBe('payments.limit-reached');
  await shop.staff('mina').setCustomerLevel({ customerId, level: 2, reason: 'مدارک دیده شد' });
  await owe(600_000_000);
  await expect(
    shop.customer(customerId).setCustomerLevel({ customerId, level: 2, reason: 'خودم' }),
  ).rejects.toMatchObject({
    status: 403,
  });
});

test('the ladder: a day is one of Tehran: what was bought a second before its midnight is not of today, a second after it is', async () => {
  const order = await shop.owe(60_000_000);
  const spent = async (at: string) => {
    await shop.sql(
      'payments',
      `update payment_intents set created_at = (now() at time zone 'Asia/Tehran')::date::timestamp at time zone 'Asia/Tehran' + $2::interval where order_id = $1`,
      [order.orderId, at],
    );
    return (await shop.customer(order.customerId).getPaymentLimits({})).spentTodayRial;
  };
  expect(await spent('-1 second')).toBe(0);
  expect(await spent('1 second')).toBe(60_000_000);
});

test('a large order of somebody unknown is paid only where card and phone are matched, which makes the card known and raises the level', async () => {
  const order = await shop.owe(95_000_000);
  const { attemptId, redirectUrl } = await shop.orders.startAttempt({
    attemptId: newId(),
    orderId: order.orderId,
    psp: 'zarinpal',
  });
  expect(redirectUrl).toContain('/zibal/start/');
  // The card must be of the account's own phone, not of one that anybody may type for messages.
  const { items } = (await (await fetch(`${simulators.url}/banks/attempts`)).json()) as {
    items: { authority: string; mobile?: string }[];
  };
  expect(items.find(({ authority }) => redirectUrl?.endsWith(authority))?.mobile).toBe('09350000001');
  const params = await bank.decide(redirectUrl?.split('/').at(-1) ?? '', 'pay');
  await shop.browser.handlePspCallback({ psp: 'zibal', params });
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured' });
  expect(await shop.customer(order.customerId).getPaymentLimits({})).toMatchObject({ level: 1 });

  // ZarinPal tells a hash of the card, which is hashed again; its number is nowhere.
  const again = { orderId: newId(), customerId: order.customerId, amountRial: 2_500_000 };
  await shop.orders.createIntent({ ...again, orderNumber: 'KL-2', phone: '+989121112233' });
  const second = await shop.start(again);
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params: await bank.decide(second.authority, 'pay') });
  const { cards } = await shop.customer(order.customerId).getPaymentLimits({});
  expect(cards).toMatchObject([{ isMatched: false }]);
  const [card] = await shop.sql('payments', 'select * from customer_cards where customer_id = $1', [order.customerId]);
  expect(card?.['card_hash']).toMatch(/^[0-9a-f]{64}$/);
  expect(JSON.stringify(card)).not.toMatch(/\d{16}/);
});
