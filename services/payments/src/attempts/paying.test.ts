import { setTimeout as sleep } from 'node:timers/promises';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { intentClosed, intentMismatch, intentNotFound, pspUnavailable } from '@kelid/contracts/payments';
import { newId } from '@kelid/service/ids';
import { waitFor } from '@kelid/testing/start-service';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createZarinpal } from '../providers/zarinpal.ts';
import { asked, controlOf, startPayments, type TestPayments, zarinpalOf } from '../test-payments.ts';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`);
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

const shopUrl = 'http://localhost:3000';
const comeBack = (params: Record<string, string>) => shop.browser.handlePspCallback({ psp: 'zarinpal', params });
const trialBalance = async () => (await shop.orders.getTrialBalance({})).accounts;

test('PA-2 PA-12: an order is owed, paid at the bank and captured, and its customer sees each state without a reload', async () => {
  const order = await shop.owe();
  const mine = () => shop.customer(order.customerId).getOrderPayments({ orderId: order.orderId });
  expect(await mine()).toMatchObject({ status: 'open', amountRial: 2_500_000, attempts: [] });
  const attempt = await shop.start(order);
  expect(attempt.redirectUrl).toBe(`${simulators.url}/zarinpal/pg/StartPay/${attempt.authority}`);
  expect((await mine()).attempts).toMatchObject([{ id: attempt.attemptId, psp: 'zarinpal', status: 'redirected' }]);

  expect(await comeBack(await bank.decide(attempt.authority, 'pay'))).toEqual({
    location: `${shopUrl}/payment/result?order=${order.orderId}&attempt=${attempt.attemptId}`,
  });
  expect(await mine()).toMatchObject({
    status: 'captured',
    attempts: [
      {
        status: 'captured',
        amountRial: 2_500_000,
        isSurplus: false,
        pspReference: expect.stringMatching(/^\d+$/),
        cardMasked: '603799******0006',
      },
    ],
  });
  expect(await bank.statusOf(attempt.authority)).toBe('VERIFIED');
  expect(await shop.published('payment.captured', order.orderId)).toEqual([
    {
      intentId: (await mine()).intentId,
      attemptId: attempt.attemptId,
      orderId: order.orderId,
      customerId: order.customerId,
      amountRial: 2_500_000,
      capturedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    },
  ]);
});

test('nobody sees what another customer owes, and no browser starts or closes a payment by itself', async () => {
  const order = await shop.owe();
  await expect(shop.customer(newId()).getOrderPayments({ orderId: order.orderId })).rejects.toSatisfy(
    intentNotFound.is,
  );
  for (const who of [shop.browser, shop.customer(order.customerId)]) {
    await expect(who.startAttempt({ attemptId: newId(), orderId: order.orderId, psp: 'zarinpal' })).rejects.toThrow();
    await expect(who.closeIntent({ orderId: order.orderId, status: 'cancelled' })).rejects.toThrow();
    await expect(who.getTrialBalance({})).rejects.toThrow();
  }
  expect(await shop.intentStatus(order)).toBe('open');
});

test('the card hash that the bank gives is not kept as it came, for a card number could be guessed from it', async () => {
  const attempt = await shop.start(await shop.owe());
  await comeBack(await bank.decide(attempt.authority, 'pay'));
  const { createHash } = await import('node:crypto');
  const bankHash = createHash('sha256').update('6037990000000006').digest('hex').toUpperCase();
  const kept = String((await shop.attempt(attempt.attemptId))['card_hash']);
  expect(kept).toMatch(/^[0-9a-f]{64}$/);
  expect(kept.toUpperCase()).not.toBe(bankHash);
});

test('PA-10: the same order asked twenty times at once owes one amount; another amount is refused', async () => {
  const order = { orderId: newId(), orderNumber: 'KL-1', customerId: newId(), amountRial: 1_000_000 };
  const intents = await Promise.all(Array.from({ length: 20 }, () => shop.orders.createIntent(order)));
  expect(new Set(intents.map((intent) => intent.intentId)).size).toBe(1);
  await expect(shop.orders.createIntent({ ...order, amountRial: 1_000_010 })).rejects.toSatisfy(intentMismatch.is);
  await expect(shop.orders.createIntent({ ...order, customerId: newId() })).rejects.toSatisfy(intentMismatch.is);
});

test('PA-10 A59: one attempt asked for ten times at once is one payment at the bank, and later answers the same redirect', async () => {
  const { orderId } = await shop.owe();
  const attemptId = newId();
  const ask = () => shop.orders.startAttempt({ attemptId, orderId, psp: 'zarinpal' });
  const started = (await Promise.allSettled(Array.from({ length: 10 }, ask))).flatMap((settled) => {
    if (settled.status === 'fulfilled') return [settled.value.redirectUrl];
    expect(pspUnavailable.is(settled.reason)).toBe(true); // It came while the first was still asking the bank.
    return [];
  });
  expect(new Set(started).size).toBe(1);
  expect((await ask()).redirectUrl).toBe(started[0]);
  const { items } = (await (await fetch(`${simulators.url}/banks/attempts`)).json()) as {
    items: { orderId: string }[];
  };
  expect(items.filter((item) => item.orderId === attemptId).length).toBe(1);
  const other = await shop.owe();
  await expect(shop.orders.startAttempt({ attemptId, orderId: other.orderId, psp: 'zarinpal' })).rejects.toThrow();
});

test('an order that nobody owes, is paid or is dead starts no payment', async () => {
  await expect(shop.start({ orderId: newId(), customerId: newId(), amountRial: 1 })).rejects.toSatisfy(
    intentNotFound.is,
  );
  const paid = await shop.owe();
  await comeBack(await bank.decide((await shop.start(paid)).authority, 'pay'));
  await expect(shop.start(paid)).rejects.toSatisfy(intentClosed.is);
  await shop.orders.closeIntent({ orderId: paid.orderId, status: 'cancelled' });
  expect(await shop.intentStatus(paid)).toBe('captured');
  for (const status of ['expired', 'cancelled'] as const) {
    const dead = await shop.owe();
    await shop.orders.closeIntent({ orderId: dead.orderId, status });
    await shop.orders.closeIntent({ orderId: dead.orderId, status });
    expect(await shop.intentStatus(dead)).toBe(status);
    await expect(shop.start(dead)).rejects.toSatisfy(intentClosed.is);
  }
});

test('PA-4 I6 A52 F14: fifty callbacks at the same moment, and ten sweeps among them, are one capture and one page', async () => {
  const order = await shop.owe();
  const attempt = await shop.start(order);
  const params = await bank.decide(attempt.authority, 'pay');
  await shop.comeDue(attempt.attemptId, 1);
  const before = await trialBalance();
  const [pages] = await Promise.all([
    Promise.all(Array.from({ length: 50 }, () => comeBack(params))),
    Promise.all(Array.from({ length: 10 }, () => shop.host.sweep('payments', 'settle-due-attempts'))),
    Promise.all(Array.from({ length: 10 }, () => shop.host.sweep('payments', 'settle-unverified'))),
  ]);
  expect(new Set(pages.map((page) => page.location)).size).toBe(1);
  await waitFor('the capture', async () => (await shop.attempt(attempt.attemptId)).status === 'captured');
  expect(await shop.attempt(attempt.attemptId)).toMatchObject({ verifyCount: 1, isSurplus: false });
  expect((await shop.published('payment.captured', order.orderId)).length).toBe(1);
  const amountOf = (accounts: typeof before, name: string) =>
    accounts.find((account) => account.account === name)?.balanceRial ?? 0;
  const after = await trialBalance();
  expect(amountOf(after, 'clearing:zarinpal') - amountOf(before, 'clearing:zarinpal')).toBe(order.amountRial);

  // The customer refreshes the page, and the sweeps go round again.
  await comeBack(params);
  await shop.host.sweep('payments', 'settle-due-attempts');
  expect(await trialBalance()).toEqual(after);
});

test('PA-3 A47: a success with an authority that nobody knows answers the neutral page, changes nothing and is counted', async () => {
  const history = () => shop.sql('payments', 'select count(*) from attempt_history');
  const before = await history();
  expect(await comeBack({ Authority: `A${'1'.repeat(35)}`, Status: 'OK' })).toEqual({
    location: `${shopUrl}/payment/result`,
  });
  expect(await history()).toEqual(before);
  expect(shop.hasAlarm('callback-unknown')).toBe(true);
});

test('A47: a hundred callbacks that nobody knows are a few lines in the log, and a true one from the same address is settled', async () => {
  const lines = () => shop.logLines.filter((line) => line.includes('callback-unknown')).length;
  const before = lines();
  const attempt = await shop.start(await shop.owe());
  const comeFromThere = (params: Record<string, string>) =>
    shop.host.call(
      'payments',
      'handlePspCallback',
      { psp: 'zarinpal', params },
      { ...shop.host.contextOf('gateway'), origin: { ip: '198.51.100.9', userAgent: '' } },
    );
  await Promise.all(
    Array.from({ length: 100 }, (_, at) =>
      comeFromThere({ Authority: `A${String(at).padStart(35, '7')}`, Status: 'OK' }),
    ),
  );
  expect(lines() - before).toBeLessThanOrEqual(3);
  await comeFromThere(await bank.decide(attempt.authority, 'pay'));
  expect(await shop.attempt(attempt.attemptId)).toMatchObject({ status: 'captured' });
});

test('PA-3 A47: a made-up success of an unpaid attempt pays nothing, and does not stand in the way of the real one', async () => {
  const order = await shop.owe();
  const attempt = await shop.start(order);
  await comeBack({ Authority: attempt.authority, Status: 'OK' });
  expect(await shop.attempt(attempt.attemptId)).toMatchObject({ status: 'failed', failureReason: 'declined -51' });
  expect(await shop.intentStatus(order)).toBe('open');
  expect(await shop.published('payment.captured', order.orderId)).toEqual([]);
  expect(await shop.published('payment.failed', order.orderId)).toHaveLength(1);

  await comeBack(await bank.decide(attempt.authority, 'pay'));
  expect(await shop.attempt(attempt.attemptId)).toMatchObject({ status: 'captured', failureReason: null });
});

test('PA-3 F15: a made-up failure does not lose a payment that the bank says is there', async () => {
  const attempt = await shop.start(await shop.owe());
  await bank.decide(attempt.authority, 'pay');
  await comeBack({ Authority: attempt.authority, Status: 'NOK' });
  expect((await shop.attempt(attempt.attemptId)).status).toBe('captured');
});

test("A48 A49: the callback of a cheap paid order, replayed with the expensive order's ids, pays nothing more", async () => {
  const cheap = await shop.owe(100_000);
  const expensive = await shop.owe(10_000_000);
  const paid = await shop.start(cheap);
  const unpaid = await shop.start(expensive);
  const params = await bank.decide(paid.authority, 'pay');
  await comeBack(params);
  const before = await trialBalance();
  const location = `${shopUrl}/payment/result?order=${cheap.orderId}&attempt=${paid.attemptId}`;
  for (const forged of [
    { ...params, order: expensive.orderId, attempt: unpaid.attemptId },
    { ...params, order_id: unpaid.attemptId, Amount: '10000000', ref_id: '1' },
  ])
    expect(await comeBack(forged)).toEqual({ location });
  expect(await shop.intentStatus(expensive)).toBe('open');
  expect((await shop.attempt(unpaid.attemptId)).status).toBe('redirected');
  expect(await trialBalance()).toEqual(before);
});

test('A50: what was paid to another merchant of the bank is not ours', async () => {
  const baseUrl = `${simulators.url}/zarinpal`;
  const stranger = createZarinpal({ baseUrl, merchantId: '99999999-2222-4333-8444-555555555555' });
  const foreign = await stranger.request({
    attemptNo: 1,
    attemptId: newId(),
    orderNumber: 'X',
    amountRial: 2_500_000,
    phone: null,
    callbackUrl: 'http://localhost/elsewhere',
  });
  if (foreign.kind !== 'accepted') throw new Error(foreign.kind);
  await bank.decide(foreign.pspToken, 'pay');
  expect(await comeBack({ Authority: foreign.pspToken, Status: 'OK' })).toEqual({
    location: `${shopUrl}/payment/result`,
  });
  expect((await zarinpalOf(shop.ctx()).verify(asked(foreign.pspToken, 2_500_000))).kind).toBe('declined');
});

test.each([
  ['HTML', { Authority: '<script>alert(1)</script>', Status: 'OK' }],
  ['SQL', { Authority: "' or 1=1; drop table payment_attempts; --", Status: 'OK' }],
  ['nothing', {}],
  ['a list written as a text', { 'Authority[]': `A${'1'.repeat(35)}`, Status: 'OK' }],
  ['the longest texts that come in', { Authority: 'A'.repeat(512), Status: 'O'.repeat(512) }],
])('A53: a callback with %s answers the neutral page', async (_name, params) => {
  expect(await comeBack(params as Record<string, string>)).toEqual({ location: `${shopUrl}/payment/result` });
});

test('A53: a callback of a bank that we do not have answers the neutral page', async () => {
  const params = { Authority: `A${'1'.repeat(35)}`, Status: 'OK' };
  expect(await shop.browser.handlePspCallback({ psp: '__proto__', params })).toEqual({
    location: `${shopUrl}/payment/result`,
  });
});

test('a customer who cancels at the bank may pay again at once, with a payment of its own at the bank', async () => {
  const order = await shop.owe();
  const first = await shop.start(order);
  await comeBack(await bank.decide(first.authority, 'cancel'));
  expect(await shop.attempt(first.attemptId)).toMatchObject({
    status: 'failed',
    failureReason: 'cancelled-at-the-bank',
  });
  const second = await shop.start(order);
  expect(second.authority).not.toBe(first.authority);
  await comeBack(await bank.decide(second.authority, 'pay'));
  expect((await shop.attempt(second.attemptId)).status).toBe('captured');
});

test('F18 I6: a customer who pays in two tabs has one paid order, and the second payment in the wallet', async () => {
  const order = await shop.owe();
  const tabs = [await shop.start(order), await shop.start(order)];
  const paid = await Promise.all(tabs.map((tab) => bank.decide(tab.authority, 'pay')));
  await Promise.all(paid.map(comeBack));
  const rows = await Promise.all(tabs.map((tab) => shop.attempt(tab.attemptId)));
  expect(rows.map((row) => row.status)).toEqual(['captured', 'captured']);
  const surplus = rows.filter((row) => row.isSurplus);
  expect(surplus).toHaveLength(1);
  expect((await shop.published('payment.captured', order.orderId)).length).toBe(1);
  expect(await shop.published('payment.surplus', order.orderId)).toEqual([
    {
      attemptId: surplus[0]?.['id'],
      orderId: order.orderId,
      customerId: order.customerId,
      amountRial: order.amountRial,
    },
  ]);
  const customer = shop.customer(order.customerId);
  expect(await customer.getWallet({})).toEqual({ balanceRial: order.amountRial, heldRial: 0 });
  expect((await customer.listWalletEntries({})).items).toMatchObject([
    { amountRial: order.amountRial, kind: 'surplus', orderId: order.orderId },
  ]);
});

test('PA-6: while the bank is slow the browser does not wait for its answer, and the payment is captured behind it', async () => {
  const attempt = await shop.start(await shop.owe());
  const params = await bank.decide(attempt.authority, 'pay');
  await bank.fault('zarinpal.verify', { mode: 'slow', delayMs: 6_000 });
  expect((await comeBack(params)).location).toContain(attempt.attemptId);
  expect((await shop.attempt(attempt.attemptId)).status).toBe('verifying');
  await waitFor('the capture', async () => (await shop.attempt(attempt.attemptId)).status === 'captured');
});

test('F17: a browser that is back before the authority is stored finds its payment all the same', async () => {
  const order = await shop.owe();
  const attemptId = newId();
  await shop.sql(
    'payments',
    `insert into payment_attempts (id, intent_id, order_id, customer_id, psp, status, amount_rial, moved_by, move_cause)
     select $1, id, order_id, customer_id, 'zarinpal', 'requesting', amount_rial, 'test', 'checkout' from payment_intents where order_id = $2`,
    [attemptId, order.orderId],
  );
  const { config, psps } = shop.ctx();
  const requested = await zarinpalOf({ psps }).request({
    attemptNo: 1,
    attemptId,
    orderNumber: 'KL-1',
    amountRial: order.amountRial,
    phone: null,
    callbackUrl: config.PAYMENTS_CALLBACK_URL,
  });
  if (requested.kind !== 'accepted') throw new Error(requested.kind);
  const page = comeBack(await bank.decide(requested.pspToken, 'pay'));
  await sleep(300);
  await shop.sql(
    'payments',
    `update payment_attempts set psp_token = $2, status = 'redirected', redirected_at = now() where id = $1`,
    [attemptId, requested.pspToken],
  );
  expect((await page).location).toContain(attemptId);
  expect((await shop.attempt(attemptId)).status).toBe('captured');
});

test.each(['error', 'garbage', 'down'])(
  'F12: a bank whose first answer is "%s" starts no payment; the customer may try again',
  async (mode) => {
    const order = await shop.owe();
    await bank.fault('zarinpal.request', { mode, count: 1 });
    await expect(shop.start(order)).rejects.toSatisfy(pspUnavailable.is);
    const [row] = await shop.sql('payments', 'select status, due_at from payment_attempts where order_id = $1', [
      order.orderId,
    ]);
    expect(row).toEqual({ status: 'failed', due_at: null });
    const again = await shop.start(order);
    await comeBack(await bank.decide(again.authority, 'pay'));
    expect((await shop.attempt(again.attemptId)).status).toBe('captured');
  },
);

test('no bank is called while a transaction is open', async () => {
  const ctx = shop.ctx();
  const calls: (() => Promise<unknown>)[] = [
    () => zarinpalOf(ctx).verify(asked('A', 1)),
    () => zarinpalOf(ctx).inquire(asked('A', 1)),
    () => zarinpalOf(ctx).listUnverified(),
  ];
  for (const call of calls) await expect(ctx.transaction(call)).rejects.toThrow('inside a database transaction');
});

test('F12: a bank that does not answer at all is not offered any more', async () => {
  const lonely = await startPayments(`${simulators.url}/zarinpal`);
  try {
    const title = { fa: 'زرین‌پال', en: 'ZarinPal' };
    expect((await lonely.browser.listPaymentMethods({})).items).toEqual([{ psp: 'zarinpal', title }]);
    await bank.fault('zarinpal.request', { mode: 'down' });
    const order = await lonely.owe();
    for (let call = 0; call < 10; call += 1) await lonely.start(order).catch(() => undefined);
    expect((await lonely.browser.listPaymentMethods({})).items).toEqual([]);
  } finally {
    await lonely.close();
  }
});
