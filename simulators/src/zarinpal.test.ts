import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { merchantId, startTestSimulators, steamCard, type TestSimulators } from './test-simulators.ts';

let bank: TestSimulators;
beforeAll(async () => {
  bank = await startTestSimulators();
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => bank.close());

const refusal = (code: number) => ({ data: [], errors: { code, message: expect.any(String), validations: [] } });
const statusOf = async (authority: string) => await bank.askBank('inquiry', { authority });
const status = (name: string) => ({ data: { code: 100, message: 'Success', status: name }, errors: [] });

test('PA-1: a payment is asked for, paid, verified once with 100 and after that with 101, with the fields of the protocol', async () => {
  const requested = await bank.askBank('request', { ...steamCard, metadata: { order_id: 'attempt-1' } });
  expect(requested).toEqual({
    data: {
      code: 100,
      message: 'Success',
      authority: expect.stringMatching(/^S[0-9A-Za-z]{35}$/),
      fee_type: 'Merchant',
      fee: 1_200,
    },
    errors: [],
  });
  const { authority } = (requested as { data: { authority: string } }).data;
  expect(await statusOf(authority)).toEqual(status('IN_BANK'));

  expect(await bank.decide(authority, 'pay')).toEqual({
    method: 'GET',
    url: `https://shop.example/callback/zarinpal?lang=fa&Authority=${authority}&Status=OK`,
  });
  expect(await statusOf(authority)).toEqual(status('PAID'));

  const verified = {
    code: 100,
    message: 'Paid',
    card_hash: expect.stringMatching(/^[0-9A-F]{64}$/),
    card_pan: '603799******0006',
    ref_id: expect.any(Number),
    fee_type: 'Merchant',
    fee: 1_200,
    order_id: 'attempt-1',
  };
  const first = await bank.askBank('verify', { authority, amount: steamCard.amount });
  expect(first).toEqual({ data: verified, errors: [] });
  const refId = (first as { data: { ref_id: number } }).data.ref_id;
  expect(await bank.askBank('verify', { authority, amount: steamCard.amount })).toEqual({
    data: { ...verified, code: 101, message: 'Verified', ref_id: refId },
    errors: [],
  });
  expect(await statusOf(authority)).toEqual(status('VERIFIED'));
});

test.each([
  ['a merchant that is no UUID', { merchant_id: 'kelid' }, -10],
  ['no callback address', { callback_url: '/callback' }, -2],
  ['no description', { description: '' }, -3],
  ['an amount that is no whole number', { amount: 1_500.5 }, -9],
  ['less than 1,000 Rial', { amount: 999 }, -4],
  ['more than 100,000,000 Toman', { amount: 100_000_001, currency: 'IRT' }, -41],
])('a payment with %s is refused', async (_what, changes, code) => {
  expect(await bank.askBank('request', { ...steamCard, ...changes })).toMatchObject({ data: [], errors: { code } });
});

test('PA-7: what was not paid, failed or was cancelled is not verified, and a shopper who failed may try again', async () => {
  const authority = await bank.startPayment();
  const verify = () => bank.askBank('verify', { authority, amount: steamCard.amount });
  expect(await verify()).toEqual(refusal(-51));
  for (const outcome of ['fail', 'cancel']) {
    expect(await bank.decide(authority, outcome)).toMatchObject({ url: expect.stringMatching(/&Status=NOK$/) });
    expect(await statusOf(authority)).toEqual(status('FAILED'));
    expect(await verify()).toEqual(refusal(-51));
  }
  await bank.decide(authority, 'pay');
  expect(await verify()).toMatchObject({ data: { code: 100 } });
});

test('I7: only the amount that was asked for, in its unit, is verified, and only for the merchant and authority it belongs to', async () => {
  const authority = await bank.startPaid({ amount: 250_000, currency: 'IRT' });
  const other = '00000000-0000-4000-8000-000000000001';
  expect(await bank.askBank('verify', { authority, amount: 249_999 })).toEqual(refusal(-50));
  for (const call of ['verify', 'inquiry', 'reverse'])
    expect(await bank.askBank(call, { authority, amount: 250_000, merchant_id: other }), call).toEqual(refusal(-53));
  for (const call of ['verify', 'inquiry', 'reverse'])
    expect(await bank.askBank(call, { authority: `S${'0'.repeat(35)}`, amount: 250_000 }), call).toEqual(refusal(-54));
  expect(await bank.askBank('verify', { authority, amount: 250_000 })).toMatchObject({ data: { code: 100 } });
});

test('the list of unverified payments holds what this merchant was paid and has not verified, newest first', async () => {
  const own = '7f0c2f5e-6a7e-4f7a-9d5f-0c2d1e3b4a60';
  const [first, second] = [await bank.startPaid({ merchant_id: own }), await bank.startPaid({ merchant_id: own })];
  await bank.startPayment({ merchant_id: own });
  const verified = await bank.startPaid({ merchant_id: own });
  await bank.askBank('verify', { authority: verified, amount: steamCard.amount, merchant_id: own });
  await bank.startPaid({ merchant_id: merchantId });

  const entry = (authority: string) => ({
    authority,
    amount: steamCard.amount,
    callback_url: steamCard.callback_url,
    referer: '',
    date: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
  });
  expect(await bank.askBank('unVerified', { merchant_id: own })).toEqual({
    data: { code: '100', message: 'Success', authorities: [entry(second), entry(first)] },
    errors: [],
  });
});

test('a payment is reversed once, and not more than 30 minutes after it was paid', async () => {
  const early = await bank.startPaid();
  expect(await bank.askBank('reverse', { authority: early })).toEqual({
    data: { code: 100, message: 'Reversed' },
    errors: [],
  });
  expect(await statusOf(early)).toEqual(status('REVERSED'));
  expect(await bank.askBank('reverse', { authority: early })).toEqual(refusal(-61));
  expect(await bank.askBank('verify', { authority: early, amount: steamCard.amount })).toEqual(refusal(-51));

  const late = await bank.startPaid();
  await bank.askBank('verify', { authority: late, amount: steamCard.amount });
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31 * 60_000 });
  expect(await bank.askBank('reverse', { authority: late })).toEqual(refusal(-63));
});

test('PA-7: money that is not verified within 30 minutes goes back to the card', async () => {
  const authority = await bank.startPaid();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 29 * 60_000 });
  expect(await statusOf(authority)).toEqual(status('PAID'));
  vi.setSystemTime(Date.now() + 2 * 60_000);
  expect(await statusOf(authority)).toEqual(status('REVERSED'));
  expect(await bank.askBank('verify', { authority, amount: steamCard.amount })).toEqual(refusal(-51));
});

test('PA-7: the buttons of the bank page pay and send the browser back, or pay and never send it back', async () => {
  const press = (authority: string, outcome: string) =>
    fetch(`${bank.url}/zarinpal/pg/StartPay/${authority}`, {
      method: 'POST',
      body: new URLSearchParams({ outcome }),
      redirect: 'manual',
    });
  const [returning, closing] = [await bank.startPayment(), await bank.startPayment()];

  const back = await press(returning, 'pay');
  expect(back.status).toBe(303);
  expect(back.headers.get('location')).toBe(`${steamCard.callback_url}&Authority=${returning}&Status=OK`);
  const closed = await press(closing, 'pay-and-close');
  expect([closed.status, closed.headers.get('location')]).toEqual([200, null]);
  expect(await statusOf(closing)).toEqual(status('PAID'));
  expect((await press('S-nobody-asked-for', 'pay')).status).toBe(404);
});

test('the control API refuses an outcome it does not know and an attempt that is not there', async () => {
  const authority = await bank.startPayment();
  expect(await bank.decide(authority, 'steal')).toMatchObject({ status: 422, code: 'invalid-input' });
  expect(await bank.decide('S-nobody-asked-for', 'pay')).toMatchObject({ status: 404, code: 'not-found' });
});
