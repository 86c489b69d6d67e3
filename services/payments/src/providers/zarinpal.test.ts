import { setTimeout as sleep } from 'node:timers/promises';
import { startSimulators, type Simulators } from '@kelid/simulators/simulators';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerJson, asked, controlOf, type ScriptedBank, startScriptedBank } from '../test-payments.ts';
import { createZarinpal } from './zarinpal.ts';

const merchantId = '7f0c2f5e-6a7e-4f7a-9d5f-0c2d1e3b4a59';
const authority = `A${'0'.repeat(35)}`;
const attempt = {
  attemptId: '01931e8a-0000-7000-8000-000000000001',
  attemptNo: 7,
  orderNumber: 'KL-140508',
  amountRial: 2_500_000,
  phone: '+989121112233',
  callbackUrl: 'https://shop.example/api/v1/payments/callback/zarinpal',
};
const paid = { code: 100, message: 'Paid', ref_id: 201, card_pan: '603799******0006', card_hash: 'AB', fee: 0 };

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

const psp = () => createZarinpal({ baseUrl: bank.url, merchantId });
function answerTo(path: string, body: unknown, status = 200) {
  bank.answers.set(path, (_body, response) => answerJson(response, body, status));
}

test('PA-1: a payment goes through the whole protocol: asked for, paid, found unverified, verified once and then "before"', async () => {
  const zarinpal = createZarinpal({ baseUrl: `${simulators.url}/zarinpal`, merchantId });
  const control = controlOf(simulators.url);
  const requested = await zarinpal.request(attempt);
  if (requested.kind !== 'accepted') throw new Error(requested.kind);
  const { pspToken } = requested;
  expect((await fetch(requested.redirectUrl)).status).toBe(200);
  expect(await zarinpal.inquire(asked(pspToken))).toBe('in-bank');
  expect(await zarinpal.verify(asked(pspToken, attempt.amountRial))).toEqual({ kind: 'declined', pspCode: '-51' });

  const params = await control.decide(pspToken, 'pay');
  expect(zarinpal.parseCallback(params)).toEqual({ pspToken, claimsSuccess: true });
  expect(await zarinpal.inquire(asked(pspToken))).toBe('paid');
  expect(await zarinpal.listUnverified()).toContain(pspToken);
  expect(await zarinpal.verify(asked(pspToken, attempt.amountRial - 1))).toEqual({ kind: 'mismatch', pspCode: '-50' });
  expect(await zarinpal.verify(asked(pspToken, attempt.amountRial))).toMatchObject({
    kind: 'approved',
    wasVerifiedBefore: false,
    reference: expect.stringMatching(/^\d+$/),
    cardMasked: '603799******0006',
  });
  expect(await zarinpal.verify(asked(pspToken, attempt.amountRial))).toMatchObject({
    kind: 'approved',
    wasVerifiedBefore: true,
  });
  expect(await zarinpal.inquire(asked(pspToken))).toBe('verified');
  expect(await zarinpal.listUnverified()).not.toContain(pspToken);
});

test('PA-1: a failed payment comes back as a no, in the callback and when the bank is asked', async () => {
  const zarinpal = createZarinpal({ baseUrl: `${simulators.url}/zarinpal`, merchantId });
  const requested = await zarinpal.request(attempt);
  if (requested.kind !== 'accepted') throw new Error(requested.kind);
  const params = await controlOf(simulators.url).decide(requested.pspToken, 'cancel');
  expect(zarinpal.parseCallback(params)).toEqual({ pspToken: requested.pspToken, claimsSuccess: false });
  expect(await zarinpal.inquire(asked(requested.pspToken))).toBe('failed');
});

test('I7 A54: the amount asked for is in Rial and our own, whatever stands in the texts beside it', async () => {
  answerTo('request.json', { data: { code: 100, authority }, errors: [] });
  const orderNumber = 'KL-1","amount":1000,"x":"&amount=100&';
  expect(await psp().request({ ...attempt, orderNumber })).toEqual({
    kind: 'accepted',
    pspToken: authority,
    redirectUrl: `${bank.url}/pg/StartPay/${authority}`,
  });
  expect(bank.calls.at(-1)?.body).toEqual({
    merchant_id: merchantId,
    amount: 2_500_000,
    currency: 'IRR',
    description: `سفارش ${orderNumber} کلید`,
    callback_url: attempt.callbackUrl,
    metadata: { order_id: attempt.attemptId, auto_verify: false, mobile: '09121112233' },
  });
});

test('PA-1: a request and a question whose caller gave up end, and the bank is not blamed for them', async () => {
  const zarinpal = psp();
  const asking = { request: 'request.json', inquire: 'inquiry.json' } as const;
  for (let round = 0; round < 12; round += 1)
    for (const call of ['request', 'inquire'] as const) {
      const aborter = new AbortController();
      const brokenOff = new Promise((done) =>
        bank.answers.set(asking[call], (_body, response) => {
          response.once('close', () => done(response.writableFinished));
          aborter.abort();
        }),
      );
      const answer =
        call === 'request'
          ? (await zarinpal.request(attempt, aborter.signal)).kind
          : await zarinpal.inquire(asked(authority), aborter.signal);
      expect(answer).toBe('unknown');
      expect(await brokenOff).toBe(false);
    }
  expect(zarinpal.isOffered()).toBe(true);
});

test.each([
  ['an authority of another shape', { data: { code: 100, authority: '<script>' }, errors: [] }],
  ['a success without an authority', { data: { code: 100 }, errors: [] }],
  ['another code than 100', { data: { code: 101, authority }, errors: [] }],
  ['an error beside a success', { data: [], errors: { code: -12, message: '', validations: [] } }],
])('F12: a request that is answered with %s starts no payment', async (_name, body) => {
  answerTo('request.json', body);
  expect((await psp().request(attempt)).kind).toBe('refused');
});

test.each([
  ['100', { data: paid, errors: [] }, 'approved'],
  ['100 as a text, with null and {} where nothing is said', { data: { ...paid, code: '100' }, errors: {} }, 'approved'],
  ['100 without a card', { data: { code: 100, ref_id: '201', card_pan: null }, errors: null }, 'approved'],
  ['101', { data: { ...paid, code: 101 }, errors: [] }, 'approved'],
  ['100 without a receipt', { data: { code: 100 }, errors: [] }, 'unknown'],
  ['code 0', { data: { ...paid, code: 0 }, errors: [] }, 'unknown'],
  ['code 102', { data: { ...paid, code: 102 }, errors: [] }, 'unknown'],
  ['a code that no list has', { data: [], errors: { code: -99 } }, 'unknown'],
  ['"ask support" (-52)', { data: [], errors: { code: -52 } }, 'unknown'],
  ['"not paid" (-51)', { data: [], errors: { code: -51 } }, 'declined'],
  ['"another merchant\'s" (-53)', { data: {}, errors: { code: -53 } }, 'declined'],
  ['"unknown" (-54)', { data: {}, errors: { code: '-54' } }, 'declined'],
  ['another amount (-50)', { data: [], errors: { code: -50 } }, 'mismatch'],
  ['nothing at all', {}, 'unknown'],
  ['an empty list', [], 'unknown'],
  ['a text', 'paid', 'unknown'],
])('A50 A51 PA-3: only 100 and 101 are money: a verify answered with %s', async (_name, body, kind) => {
  answerTo('verify.json', body);
  expect((await psp().verify(asked(authority, 2_500_000))).kind).toBe(kind);
  expect(bank.calls.at(-1)?.body).toEqual({ merchant_id: merchantId, amount: 2_500_000, authority });
});

test('F13: the body counts, not the HTTP status: "not paid" in a 422 is a no, and in a 500 too', async () => {
  for (const status of [422, 500]) {
    answerTo('verify.json', { data: [], errors: { code: -51 } }, status);
    expect((await psp().verify(asked(authority, 1_000))).kind).toBe('declined');
  }
});

test('F12 F13: HTML, a lost connection and a redirect to elsewhere are no answer', async () => {
  bank.answers.set('elsewhere', (_body, response) => answerJson(response, { data: paid, errors: [] }));
  const strange: Parameters<typeof bank.answers.set>[1][] = [
    (_body, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>'),
    (_body, response) => void response.destroy(),
    (_body, response) => void response.writeHead(307, { location: `${bank.url}/elsewhere` }).end(),
  ];
  for (const answer of strange) {
    for (const path of ['request.json', 'verify.json', 'inquiry.json', 'unVerified.json'])
      bank.answers.set(path, answer);
    expect(await psp().request(attempt)).toEqual({ kind: 'unknown' });
    expect(await psp().verify(asked(authority, 1_000))).toEqual({ kind: 'unknown' });
    expect(await psp().inquire(asked(authority))).toBe('unknown');
    expect(await psp().listUnverified()).toEqual([]);
  }
  expect(bank.calls.some((call) => call.path === 'elsewhere')).toBe(false);
});

test('F12: an answer that never ends is cut off at 1 MiB', async () => {
  let sentBytes = 0;
  bank.answers.set('verify.json', async (_body, response) => {
    const chunk = ' '.repeat(256 * 1024);
    while (!response.destroyed && sentBytes < 200 * 1024 * 1024) {
      sentBytes += chunk.length;
      if (!response.write(chunk)) await sleep(5);
    }
    response.end();
  });
  expect(await psp().verify(asked(authority, 1_000))).toEqual({ kind: 'unknown' });
  expect(sentBytes).toBeLessThan(50 * 1024 * 1024);
});

test('F12: a bank that hangs is given up after 8 seconds, and the customer has not been sent anywhere', async () => {
  bank.answers.set('request.json', () => undefined);
  const startedAt = performance.now();
  expect(await psp().request(attempt)).toEqual({ kind: 'unknown' });
  expect(performance.now() - startedAt).toBeGreaterThan(7_900); // And not much later, or the test itself would end it.
});

test('F12: a bank that answers 500 ten times is not offered any more and not called', async () => {
  const zarinpal = psp();
  answerTo('request.json', { data: [], errors: { code: -52 } }, 500);
  expect(zarinpal.isOffered()).toBe(true);
  for (let call = 0; call < 10; call += 1) await zarinpal.request(attempt);
  expect(zarinpal.isOffered()).toBe(false);
  const callCount = bank.calls.length;
  expect(await zarinpal.request(attempt)).toEqual({ kind: 'unknown' });
  expect(bank.calls.length).toBe(callCount);
});

test('F12: a bank that refuses what we sent, however often, is still offered', async () => {
  const zarinpal = psp();
  answerTo('request.json', { data: [], errors: { code: -9 } }, 422);
  for (let call = 0; call < 12; call += 1) await zarinpal.request(attempt);
  expect(zarinpal.isOffered()).toBe(true);
});

test.each([
  [
    { Authority: authority, Status: 'OK' },
    { pspToken: authority, claimsSuccess: true },
  ],
  [
    { authority, STATUS: 'ok', amount: '1', order: 'another' },
    { pspToken: authority, claimsSuccess: true },
  ],
  [
    { Authority: authority, Status: 'NOK' },
    { pspToken: authority, claimsSuccess: false },
  ],
  [{ Authority: authority }, { pspToken: authority, claimsSuccess: false }],
  [
    { Authority: authority, Status: 'OK<script>' },
    { pspToken: authority, claimsSuccess: false },
  ],
  [{ Status: 'OK' }, undefined],
  [{ Authority: `${authority}' or 1=1`, Status: 'OK' }, undefined],
  [{ Authority: '', Status: 'OK' }, undefined],
  [{}, undefined],
])('A53: of what a browser brings, only the shape of an authority and OK are read: %j', (params, hint) => {
  expect(psp().parseCallback(params as Record<string, string>)).toEqual(hint);
});
