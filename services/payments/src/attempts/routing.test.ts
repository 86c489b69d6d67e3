import { setTimeout as sleep } from 'node:timers/promises';
import { paymentsContract, type Psp } from '@kelid/contracts/payments';
import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { userActor } from '@kelid/testing/start-service';
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

const tokenOf = (redirectUrl: string | null) => redirectUrl?.split('/').at(-1) ?? '';
const start = (orderId: string, psp: Psp, attemptId = newId()) => shop.orders.startAttempt({ attemptId, orderId, psp });
const offered = async () => {
  await sleep(2_100); // As long as a process keeps what it knows of the banks.
  return (await shop.browser.listPaymentMethods({})).items.map((method) => method.psp);
};

test.each(['zarinpal', 'zibal'] as const)(
  'PA-1 PA-4 A52: an order is paid at %s once, however many callbacks come and whoever sweeps',
  async (psp) => {
    const order = await shop.owe();
    const { attemptId, redirectUrl } = await start(order.orderId, psp);
    expect(redirectUrl).toContain(psp);
    const params = await bank.decide(tokenOf(redirectUrl), 'pay');
    await Promise.all(Array.from({ length: 20 }, () => shop.browser.handlePspCallback({ psp, params })));
    expect(await shop.intentStatus(order)).toBe('captured');
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', isSurplus: false, verifyCount: 1 });
    expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
  },
);

test('PA-4: a shopper who goes away while the bank hangs leaves a failed attempt; no other bank is asked, and none is blamed', async () => {
  const order = await shop.owe();
  const attemptId = newId();
  await bank.fault('zarinpal.request', { mode: 'slow', delayMs: 12_000, count: 1 });
  const aborter = new AbortController();
  const started = shop.orders.startAttempt(
    { attemptId, orderId: order.orderId, psp: 'zarinpal' },
    { signal: aborter.signal },
  );
  const isAsked = async () =>
    (await shop.sql('payments', 'select 1 from payment_attempts where id = $1', [attemptId])).length;
  await expect.poll(isAsked).toBe(1);
  aborter.abort();
  await expect(started).rejects.toMatchObject({ status: 503 });
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed', failureReason: 'given up by the caller' });
  const tries = await shop.sql('payments', 'select psp from payment_attempts where order_id = $1', [order.orderId]);
  expect(tries).toEqual([{ psp: 'zarinpal' }]);
});

test.each(['zarinpal', 'zibal'] as const)(
  'F13: %s verified and its answer was lost: asked again, captured once',
  async (psp) => {
    const order = await shop.owe();
    const { attemptId, redirectUrl } = await start(order.orderId, psp);
    const params = await bank.decide(tokenOf(redirectUrl), 'pay');
    await bank.fault(`${psp}.verify`, { mode: 'lose-answer', count: 1 });
    await shop.browser.handlePspCallback({ psp, params });
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'unknown' });
    await shop.comeDue(attemptId);
    await shop.host.sweep('payments', 'settle-due-attempts');
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', verifyCount: 2 });
  },
);

test.each(['zarinpal', 'zibal'] as const)(
  'A50: %s says "verified before" though we never asked: a person looks, nothing is sold',
  async (psp) => {
    const order = await shop.owe();
    const { attemptId, redirectUrl } = await start(order.orderId, psp);
    const params = await bank.decide(tokenOf(redirectUrl), 'pay');
    await bank.fault(`${psp}.verify`, { mode: 'verified-before', count: 1 });
    await shop.browser.handlePspCallback({ psp, params });
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'review' });
    expect(await shop.intentStatus(order)).toBe('open');
  },
);

test('F12: a bank that does not begin a payment is replaced by the other one, and the same attempt asked again answers that one', async () => {
  const order = await shop.owe();
  await bank.fault('zarinpal.request', { mode: 'down', count: 1 });
  const attemptId = newId();
  const begun = await start(order.orderId, 'zarinpal', attemptId);
  expect(begun.redirectUrl).toContain('/zibal/start/');
  expect(begun.attemptId).not.toBe(attemptId);
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed' });
  const again = await Promise.all([1, 2, 3].map(() => start(order.orderId, 'zarinpal', attemptId)));
  for (const answer of again) expect(answer).toEqual(begun);
  const params = await bank.decide(tokenOf(begun.redirectUrl), 'pay');
  await shop.browser.handlePspCallback({ psp: 'zibal', params });
  expect(await shop.intentStatus(order)).toBe('captured');
});

test('F12: when no bank begins it, the shopper hears so, and may try again', async () => {
  const order = await shop.owe();
  for (const psp of ['zarinpal', 'zibal']) await bank.fault(`${psp}.request`, { mode: 'error', count: 1 });
  await expect(start(order.orderId, 'zarinpal')).rejects.toMatchObject({ code: 'payments.psp-unavailable' });
  expect((await start(order.orderId, 'zarinpal')).redirectUrl).toContain('zarinpal');
});

test('a bank that staff switch off is offered no more and begins nothing, what was begun there is finished, and staff switch it on again', async () => {
  const admin = shop.as(paymentsContract, userActor(newId(), ['admin']));
  const begun = await shop.owe();
  const { redirectUrl } = await start(begun.orderId, 'zarinpal');
  expect(await offered()).toContain('zarinpal');
  await admin.setPspEnabled({ psp: 'zarinpal', isEnabled: false, reason: 'their announcement' });
  expect(await offered()).toEqual(['zibal']);
  const order = await shop.owe();
  expect((await start(order.orderId, 'zarinpal')).redirectUrl).toContain('zibal');
  const params = await bank.decide(tokenOf(redirectUrl), 'pay');
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params });
  expect(await shop.intentStatus(begun)).toBe('captured');
  await admin.setPspEnabled({ psp: 'zarinpal', isEnabled: true, reason: 'it is over' });
  expect(await offered()).toContain('zarinpal');
  const support = shop.as(paymentsContract, userActor(newId(), ['support']));
  await expect(support.setPspEnabled({ psp: 'zibal', isEnabled: false, reason: 'because' })).rejects.toMatchObject({
    status: 403,
  });
});

test('banks are offered in the order of what they lost lately, and one that does not answer is left out until it does', async () => {
  await shop.sql('payments', "update payment_attempts set created_at = created_at - interval '1 hour'");
  for (let count = 0; count < 6; count += 1) {
    const order = await shop.owe();
    if (count % 2 === 0) await bank.fault('zarinpal.request', { mode: 'error', count: 1 });
    await start(order.orderId, 'zarinpal');
  }
  expect(await offered()).toEqual(['zibal', 'zarinpal']);
  await bank.fault('zibal.request', { mode: 'error' });
  for (let count = 0; count < 10; count += 1) await start((await shop.owe()).orderId, 'zibal');
  expect(await offered()).toEqual(['zarinpal']);
});
