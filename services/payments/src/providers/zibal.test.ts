import { startSimulators, type Simulators } from '@kelid/simulators/simulators';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerJson, asked, controlOf, type ScriptedBank, startScriptedBank } from '../test-payments.ts';
import { createZibal } from './zibal.ts';

// Answers as Zibal's own clients and test fixtures show them, apart from the simulator.
const merchant = 'zibal';
const trackId = '3714061234';
const attempt = {
  attemptId: '01931e8a-0000-7000-8000-000000000001',
  attemptNo: 7,
  orderNumber: 'KL-140508',
  amountRial: 2_500_000,
  phone: '+989121112233',
  callbackUrl: 'https://shop.example/api/v1/payments/callback/zibal',
};
const paid = {
  result: 100,
  message: 'success',
  paidAt: '2026-11-21T10:20:30.123456',
  cardNumber: '62198610****4321',
  status: 1,
  amount: 2_500_000,
  refNumber: 12_345_678_901,
  description: 'order',
  orderId: attempt.attemptId,
};

let bank: ScriptedBank;
let simulators: Simulators;
beforeAll(async () => {
  bank = await startScriptedBank();
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
});
afterAll(async () => {
  bank.close();
  await simulators.close();
});

const zibal = () => createZibal({ baseUrl: bank.url, merchant });
function answerTo(path: string, body: unknown, status = 200) {
  bank.answers.set(path, (_body, response) => answerJson(response, body, status));
}

test('PA-1: a payment goes through the whole protocol: asked for, paid, verified once, and then found as verified before', async () => {
  const psp = createZibal({ baseUrl: `${simulators.url}/zibal`, merchant });
  const control = controlOf(simulators.url);
  const requested = await psp.request(attempt);
  if (requested.kind !== 'accepted') throw new Error(requested.kind);
  const { pspToken } = requested;
  expect((await fetch(requested.redirectUrl)).status).toBe(200);
  expect(await psp.inquire(asked(pspToken))).toBe('in-bank');
  expect(await psp.verify(asked(pspToken, 2_500_000))).toEqual({ kind: 'declined', pspCode: '202' });
  const params = await control.decide(pspToken, 'pay');
  expect(psp.parseCallback(params)).toEqual({ pspToken, claimsSuccess: true });
  expect(await psp.inquire(asked(pspToken))).toBe('paid');
  const approved = { kind: 'approved', reference: expect.stringMatching(/^\d+$/), cardMasked: '603799******0006' };
  expect(await psp.verify(asked(pspToken, 2_500_000))).toMatchObject({ ...approved, wasVerifiedBefore: false });
  expect(await psp.verify(asked(pspToken, 2_500_000))).toMatchObject({ ...approved, wasVerifiedBefore: true });
  expect(await psp.verify(asked(pspToken, 2_499_000))).toMatchObject({ kind: 'mismatch' });
  expect(await psp.inquire(asked(pspToken))).toBe('verified');
});

test('PA-1: a failed payment comes back as a no, in the callback and when the bank is asked', async () => {
  const psp = createZibal({ baseUrl: `${simulators.url}/zibal`, merchant });
  const requested = await psp.request(attempt);
  if (requested.kind !== 'accepted') throw new Error(requested.kind);
  const params = await controlOf(simulators.url).decide(requested.pspToken, 'cancel');
  expect(psp.parseCallback(params)).toEqual({ pspToken: requested.pspToken, claimsSuccess: false });
  expect(await psp.inquire(asked(requested.pspToken))).toBe('failed');
});

test('I7 A54: the request names our merchant, the amount in Rial, the mobile as 09…, and our attempt as a label', async () => {
  answerTo('request', { result: 100, message: 'success', trackId: Number(trackId) });
  expect(await zibal().request(attempt)).toEqual({
    kind: 'accepted',
    pspToken: trackId,
    redirectUrl: `${bank.url}/start/${trackId}`,
  });
  expect(bank.calls.at(-1)?.body).toEqual({
    merchant,
    amount: 2_500_000,
    callbackUrl: attempt.callbackUrl,
    description: 'سفارش KL-140508 کلید',
    orderId: attempt.attemptId,
    mobile: '09121112233',
  });
});

test.each([
  ['an inactive merchant', { result: 103, message: 'merchant is inactive' }, 'refused'],
  ['an address that is not registered', { result: 115, message: 'ip' }, 'refused'],
  ['a success without a track id', { result: 100, message: 'success' }, 'refused'],
  ['a track id of another shape', { result: 100, trackId: '../../x' }, 'refused'],
  ['nothing', {}, 'unknown'],
])('F12: a request that is answered with %s starts no payment', async (_name, body, kind) => {
  answerTo('request', body);
  expect((await zibal().request(attempt)).kind).toBe(kind);
});

test.each<[string, unknown, string]>([
  ['100', paid, 'approved'],
  ['100 as a text, with a reference as a text', { ...paid, result: '100', refNumber: '12345678901' }, 'approved'],
  ['100 without a bank reference', { ...paid, refNumber: null }, 'approved'],
  ['100 and the amount in Toman', { ...paid, amount: 250_000 }, 'mismatch'],
  ['100 and one Rial less', { ...paid, amount: 2_499_999 }, 'mismatch'],
  ['100 and one Rial more', { ...paid, amount: 2_500_001 }, 'mismatch'],
  ['100 and ten times the amount', { ...paid, amount: 25_000_000 }, 'mismatch'],
  ['100 and no money at all', { ...paid, amount: 0 }, 'unknown'],
  ['100 without an amount', { result: 100, message: 'success', status: 1 }, 'unknown'],
  ['"not paid" (202)', { result: 202, message: 'x' }, 'declined'],
  ['"unknown" (203)', { result: 203, message: 'x' }, 'declined'],
  ['an inactive merchant (103)', { result: 103, message: 'x' }, 'unknown'],
  ['a code that no list has', { result: 999 }, 'unknown'],
  ['an empty list', [], 'unknown'],
  ['a text', 'paid', 'unknown'],
])('A50 A51 PA-3: only 100 with the very amount is money: a verify answered with %s', async (_name, body, kind) => {
  answerTo('verify', body);
  expect((await zibal().verify(asked(trackId, 2_500_000))).kind).toBe(kind);
  expect(bank.calls.at(-1)?.body).toEqual({ merchant, trackId: Number(trackId) });
});

test.each<[string, unknown, object]>([
  [
    'paid and verified',
    { ...paid, status: 1 },
    { kind: 'approved', wasVerifiedBefore: true, reference: '12345678901' },
  ],
  ['another amount', { ...paid, amount: 1_000 }, { kind: 'mismatch' }],
  ['not verified at all', { ...paid, status: 2 }, { kind: 'unknown' }],
  ['given back', { ...paid, status: 15 }, { kind: 'unknown' }],
  ['no answer that can be read', {}, { kind: 'unknown' }],
])('F13: "verified before" (201) says nothing else, so the inquiry decides: %s', async (_name, body, expected) => {
  answerTo('verify', { result: 201, message: 'previously verified' });
  answerTo('inquiry', body);
  expect(await zibal().verify(asked(trackId, 2_500_000))).toMatchObject(expected);
});

test.each([
  [-1, 'in-bank'],
  [-2, 'unknown'],
  [1, 'verified'],
  [2, 'paid'],
  [3, 'failed'],
  [5, 'failed'],
  [11, 'unknown'],
  [15, 'reversed'],
  [18, 'reversed'],
  [77, 'unknown'],
])('F13: an inquiry with status %i is %s, whatever its result says', async (status, expected) => {
  answerTo('inquiry', { result: 100, message: 'success', status, amount: 2_500_000 });
  expect(await zibal().inquire(asked(trackId))).toBe(expected);
});

test('F12 F13: HTML, a 500 that is no JSON, a lost connection and a redirect to elsewhere are no answer', async () => {
  const strange: Parameters<typeof bank.answers.set>[1][] = [
    (_body, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>'),
    (_body, response) => void response.writeHead(500, { 'content-type': 'text/html' }).end('Server Error'),
    (_body, response) => void response.destroy(),
    (_body, response) => void response.writeHead(307, { location: `${bank.url}/elsewhere` }).end(),
  ];
  for (const answer of strange) {
    for (const path of ['request', 'verify', 'inquiry']) bank.answers.set(path, answer);
    expect(await zibal().request(attempt)).toEqual({ kind: 'unknown' });
    expect(await zibal().verify(asked(trackId))).toEqual({ kind: 'unknown' });
    expect(await zibal().inquire(asked(trackId))).toBe('unknown');
  }
});

test.each([
  [
    { success: '1', trackId, orderId: 'x', status: '2' },
    { pspToken: trackId, claimsSuccess: true },
  ],
  [
    { success: '0', trackId, status: '3' },
    { pspToken: trackId, claimsSuccess: false },
  ],
  // Some callbacks bring neither: the bank is asked.
  [{ trackId }, { pspToken: trackId, claimsSuccess: true }],
  [
    { trackId, success: '<script>' },
    { pspToken: trackId, claimsSuccess: false },
  ],
  [{ trackId: `${trackId}' or 1=1`, success: '1' }, undefined],
  [{ success: '1' }, undefined],
])('A53: of what a browser brings, only the shape of a track id and its claim are read: %j', (params, hint) => {
  expect(zibal().parseCallback(params as Record<string, string>)).toEqual(hint);
});
