import { createSadadBank, sadadTerminal } from '@kelid/simulators/sadad';
import { startTestBank, type TestBank } from '@kelid/simulators/test-bank';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { answerJson, asked, type ScriptedBank, startScriptedBank } from '../test-payments.ts';
import { createSadad } from './sadad.ts';

// Calls and answers as the bank's manual and its clients show them, apart from the simulator. The key and the signatures are made up.
const terminal = {
  merchantId: '000000140000001',
  terminalId: '24000000',
  terminalKey: 'ASNFZ4mrze/+3LqYdlQyEBEiM0RVZneI',
};
const token = 'synthetic-token-0001';
const attempt = {
  attemptId: '01931e8a-0000-7000-8000-000000000001',
  attemptNo: 1_000_001,
  orderNumber: 'KL-140508',
  amountRial: 150_000,
  phone: '+989121112233',
  callbackUrl: 'https://shop.example/api/v1/payments/callback/sadad',
};
const paid = {
  ResCode: 0,
  Amount: 150_000,
  OrderId: 1_000_001,
  RetrivalRefNo: '100000000002',
  SystemTraceNo: '000123',
  Description: '',
};
const ours = (pspToken = token) => ({ ...asked(pspToken, attempt.amountRial), attemptNo: attempt.attemptNo });

let bank: ScriptedBank;
let simulator: TestBank;
beforeAll(async () => {
  bank = await startScriptedBank();
  simulator = await startTestBank((faults) => createSadadBank(faults));
});
afterEach(() => {
  vi.useRealTimers();
  simulator.calm();
});
afterAll(async () => {
  bank.close();
  await simulator.close();
});

const sadad = () => createSadad({ baseUrl: bank.url, ...terminal });
function answerTo(path: string, body: unknown, status = 200) {
  bank.answers.set(path, (_body, response) => answerJson(response, body, status));
}

let lastNo = 0;
async function startAtSimulator() {
  const psp = createSadad({ baseUrl: `${simulator.url}/sadad`, ...sadadTerminal });
  const facts = { ...attempt, attemptNo: (lastNo += 1) };
  const requested = await psp.request(facts);
  if (requested.kind !== 'accepted') throw new Error(JSON.stringify(requested));
  const { pspToken } = requested;
  return { psp, facts, requested, pspToken, row: { ...ours(pspToken), attemptNo: facts.attemptNo } };
}

test('PA-1: a payment goes through the whole protocol: asked for, paid, verified once, and then found as verified before', async () => {
  const { psp, requested, pspToken, row } = await startAtSimulator();
  expect((await fetch(requested.redirectUrl)).status).toBe(200);
  expect(await psp.verify(row)).toEqual({ kind: 'declined', pspCode: '-1' });
  const params = simulator.decide(pspToken, 'pay');
  expect(psp.parseCallback(params)).toEqual({ pspToken, claimsSuccess: true });
  const approved = { kind: 'approved', reference: expect.stringMatching(/^\d{12}-\d{6}$/), cardMasked: null };
  const first = await psp.verify(row);
  expect(first).toMatchObject({ ...approved, wasVerifiedBefore: false });
  expect(await psp.verify(row)).toEqual({ ...first, wasVerifiedBefore: true });
});

test('PA-1: a cancelled payment comes back as a no, in the callback and when the bank is asked', async () => {
  const { psp, pspToken, row } = await startAtSimulator();
  const params = simulator.decide(pspToken, 'cancel');
  expect(psp.parseCallback(params)).toEqual({ pspToken, claimsSuccess: false });
  expect(await psp.verify(row)).toEqual({ kind: 'declined', pspCode: '-1' });
});

test('F13: money that was taken and whose answer was lost is found by the same verify again', async () => {
  const { psp, pspToken, row } = await startAtSimulator();
  simulator.decide(pspToken, 'pay');
  for (const mode of ['down', 'garbage', 'error', 'lose-answer'] as const) {
    simulator.fault('sadad.verify', { mode, count: 1 });
    expect(await psp.verify(row)).toEqual({ kind: 'unknown' });
  }
  expect(await psp.verify(row)).toMatchObject({ kind: 'approved', wasVerifiedBefore: true });
});

test('I7 A51: the simulated bank telling another amount is a mismatch', async () => {
  const { psp, pspToken, row } = await startAtSimulator();
  simulator.decide(pspToken, 'pay');
  simulator.fault('sadad.verify', { mode: 'amount-mismatch', count: 1 });
  expect(await psp.verify(row)).toEqual({ kind: 'mismatch', pspCode: 'amount 149000' });
});

test('F16: money that nobody verified within a quarter of an hour went back: a definite no', async () => {
  const { psp, pspToken, row } = await startAtSimulator();
  simulator.decide(pspToken, 'pay');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 16 * 60_000 });
  expect(await psp.verify(row)).toEqual({ kind: 'declined', pspCode: '1105' });
});

test('F12: an order number that the bank has seen before is refused, and no payment starts', async () => {
  const { psp, facts } = await startAtSimulator();
  expect(await psp.request(facts)).toEqual({ kind: 'refused', pspCode: '1011' });
});

test('I7 A54: the request names our terminal, the amount in Rial, the number of the attempt, the time in Tehran, and is signed', async () => {
  answerTo('PaymentRequest', { ResCode: 0, Token: token, Description: '' });
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-01-05T17:05:07Z') });
  expect(await sadad().request(attempt)).toEqual({
    kind: 'accepted',
    pspToken: token,
    redirectUrl: `${bank.url}/Purchase?Token=${token}`,
  });
  expect(bank.calls.at(-1)?.body).toEqual({
    MerchantId: '000000140000001',
    TerminalId: '24000000',
    Amount: 150_000,
    OrderId: 1_000_001,
    LocalDateTime: '01/05/2026 8:35:07 pm',
    ReturnUrl: attempt.callbackUrl,
    SignData: 'Qz3ZahcTeH/k2FZM9eHqEPKS2NQeVaAe',
  });
});

test.each([
  ['2026-01-05T20:30:00Z', '01/06/2026 12:00:00 am'],
  ['2026-01-05T05:59:59Z', '01/05/2026 9:29:59 am'],
  ['2026-01-05T08:30:00Z', '01/05/2026 12:00:00 pm'],
  ['2026-03-20T20:30:01Z', '03/21/2026 12:00:01 am'],
])('F12: the bank refuses a strange clock: %s is written as %s', async (now, text) => {
  answerTo('PaymentRequest', { ResCode: 0, Token: token });
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(now) });
  await sadad().request(attempt);
  expect(bank.calls.at(-1)?.body['LocalDateTime']).toBe(text);
});

test('PA-1: a token with strange characters is written safely into the address of the bank page', async () => {
  answerTo('PaymentRequest', { ResCode: '0', Token: 'AB+/12==cd.' });
  expect(await sadad().request(attempt)).toMatchObject({
    kind: 'accepted',
    pspToken: 'AB+/12==cd.',
    redirectUrl: `${bank.url}/Purchase?Token=AB%2B%2F12%3D%3Dcd.`,
  });
});

test('PA-1: a terminal whose address has a prefix is asked and paid at under that prefix', async () => {
  answerTo('PaymentRequest', { ResCode: 0, Token: token });
  const psp = createSadad({ baseUrl: `${bank.url}/VPG`, ...terminal });
  expect(await psp.request(attempt)).toMatchObject({ redirectUrl: `${bank.url}/VPG/Purchase?Token=${token}` });
});

test.each<[string, unknown, object]>([
  ['a wrong signature', { ResCode: 1025, Token: null, Description: 'x' }, { kind: 'refused', pspCode: '1025' }],
  ['a repeated number, as a text', { ResCode: '1011', Token: '' }, { kind: 'refused', pspCode: '1011' }],
  ['a passing outage', { ResCode: 1056 }, { kind: 'refused', pspCode: '1056' }],
  ['a refusal with a token', { ResCode: 1020, Token: token }, { kind: 'refused', pspCode: '1020' }],
  ['a success without a token', { ResCode: 0, Description: '' }, { kind: 'refused', pspCode: '0' }],
  ['a token of another shape', { ResCode: 0, Token: '"><script>' }, { kind: 'refused', pspCode: '0' }],
  ['a code that is an empty text', { ResCode: '', Token: token }, { kind: 'unknown' }],
  ['a code that is null', { ResCode: null, Token: token }, { kind: 'unknown' }],
  ['no code at all', { Token: token }, { kind: 'unknown' }],
  ['nothing', {}, { kind: 'unknown' }],
])('F12: a request that is answered with %s starts no payment', async (_name, body, expected) => {
  answerTo('PaymentRequest', body);
  expect(await sadad().request(attempt)).toEqual(expected);
});

test.each<[string, unknown, string]>([
  ['0', paid, 'approved'],
  [
    'all numbers as texts',
    { ...paid, ResCode: '0', Amount: '150000', OrderId: '1000001', RetrivalRefNo: 100_000_000_002, SystemTraceNo: 123 },
    'approved',
  ],
  ['0 without a trace number', { ...paid, SystemTraceNo: null }, 'approved'],
  ['100 with our order and amount', { ...paid, ResCode: 100 }, 'approved'],
  ['100 and nothing else', { ResCode: 100, Description: 'x' }, 'unknown'],
  ['0 and one Rial less', { ...paid, Amount: 149_999 }, 'mismatch'],
  ['0 and one Rial more', { ...paid, Amount: 150_001 }, 'mismatch'],
  ['0 and ten times the amount', { ...paid, Amount: 1_500_000 }, 'mismatch'],
  ['0 and the amount in Toman', { ...paid, Amount: 15_000 }, 'mismatch'],
  ['0 and no money at all', { ...paid, Amount: 0 }, 'mismatch'],
  ["0 and another attempt's order", { ...paid, OrderId: 1_000_002 }, 'mismatch'],
  ['100 and another amount', { ...paid, ResCode: 100, Amount: 1_000 }, 'mismatch'],
  ["100 and another attempt's order", { ...paid, ResCode: 100, OrderId: '77' }, 'mismatch'],
  ['0 without an amount', { ...paid, Amount: undefined }, 'unknown'],
  ['0 and an amount in a list', { ...paid, Amount: [150_000] }, 'unknown'],
  ['0 and an amount with a fraction', { ...paid, Amount: 150_000.5 }, 'unknown'],
  ['0 without an order', { ...paid, OrderId: null }, 'unknown'],
  ['0 without a reference', { ...paid, RetrivalRefNo: '' }, 'unknown'],
  ['"no such payment" (-1)', { ResCode: -1 }, 'declined'],
  ['"the deadline passed" (101)', { ...paid, ResCode: 101 }, 'declined'],
  ['"it went back" (1105)', { ...paid, ResCode: '1105' }, 'declined'],
  ['a passing outage (1056)', { ...paid, ResCode: 1056 }, 'unknown'],
  ['a wrong signature (1025)', { ...paid, ResCode: 1025 }, 'unknown'],
  ['a code that no list has', { ...paid, ResCode: 7 }, 'unknown'],
  ['code "00"', { ...paid, ResCode: '00' }, 'unknown'],
  ['code false', { ...paid, ResCode: false }, 'unknown'],
  ['an empty list', [], 'unknown'],
  ['a text', 'paid', 'unknown'],
])('I7 A49 A50 A51 PA-3: only our order and amount is money: a verify answered with %s', async (_name, body, kind) => {
  answerTo('Verify', body);
  expect((await sadad().verify(ours())).kind).toBe(kind);
  // The token alone is sent and signed: what the browser brought has no part in it.
  expect(bank.calls.at(-1)?.body).toEqual({ Token: token, SignData: '2jXz0W4mpvH4iUiQNhOa96tHvqdWWtVS' });
});

test('PA-3: the reference has both numbers that the bank wants on a receipt, and 100 says that it was verified before', async () => {
  answerTo('Verify', paid);
  const approved = { kind: 'approved', reference: '100000000002-000123', cardMasked: null, cardHash: null };
  expect(await sadad().verify(ours())).toEqual({ ...approved, wasVerifiedBefore: false });
  answerTo('Verify', { ...paid, ResCode: 100 });
  expect(await sadad().verify(ours())).toEqual({ ...approved, wasVerifiedBefore: true });
});

test.each([0, 100])(
  'PA-3 A51: code %i without details is money that was taken, of which only a person can tell whose it is',
  async (ResCode) => {
    answerTo('Verify', { ResCode, Description: 'x' });
    expect(await sadad().verify(ours())).toEqual({ kind: 'unknown', isTaken: true });
  },
);

test('F13: the body counts, not the HTTP status: "no such payment" in a 400 is a no', async () => {
  answerTo('Verify', { ResCode: -1 }, 400);
  expect((await sadad().verify(ours())).kind).toBe('declined');
});

test('F12 F13: HTML, a lost connection and a redirect to elsewhere are no answer', async () => {
  bank.answers.set('elsewhere', (_body, response) => answerJson(response, paid));
  const strange: Parameters<typeof bank.answers.set>[1][] = [
    (_body, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>'),
    (_body, response) => void response.writeHead(500, { 'content-type': 'text/html' }).end('Server Error'),
    (_body, response) => void response.destroy(),
    (_body, response) => void response.writeHead(307, { location: `${bank.url}/elsewhere` }).end(),
  ];
  for (const answer of strange) {
    for (const path of ['PaymentRequest', 'Verify']) bank.answers.set(path, answer);
    expect(await sadad().request(attempt)).toEqual({ kind: 'unknown' });
    expect(await sadad().verify(ours())).toEqual({ kind: 'unknown' });
  }
  expect(bank.calls.some((call) => call.path === 'elsewhere')).toBe(false);
});

test('PA-1: this bank cannot be asked without taking the money, and has no list of unverified payments', async () => {
  const callCount = bank.calls.length;
  expect(await sadad().inquire(ours())).toBe('unknown');
  expect(await sadad().listUnverified()).toEqual([]);
  expect(bank.calls.length).toBe(callCount);
});

test.each(['short', '', Buffer.alloc(16).toString('base64'), '0123456789abcdef01234567'])(
  'F12: a terminal key that is not 24 bytes stops the start instead of each payment: %j',
  (terminalKey) => {
    expect(() => createSadad({ baseUrl: bank.url, ...terminal, terminalKey })).toThrow(/24 bytes/);
  },
);

const callback = {
  OrderId: '1000001',
  Token: token,
  ResCode: '0',
  SwitchResCode: '00',
  HashedCardNo: 'AB12',
  PrimaryAccNo: '603799******0006',
  CardHolderFullName: 'نام',
};
const { Token: _upper, ...lowerCase } = { ...callback, token };
test.each<[Record<string, string>, unknown]>([
  [callback, { pspToken: token, claimsSuccess: true }],
  [lowerCase, { pspToken: token, claimsSuccess: true }],
  [
    { ...callback, OrderId: '2', Amount: '1' },
    { pspToken: token, claimsSuccess: true },
  ],
  [
    { Token: token, ResCode: '-1' },
    { pspToken: token, claimsSuccess: false },
  ],
  [
    { Token: token, ResCode: '00' },
    { pspToken: token, claimsSuccess: false },
  ],
  [
    { Token: token, ResCode: '0<script>' },
    { pspToken: token, claimsSuccess: false },
  ],
  [{ Token: token }, { pspToken: token, claimsSuccess: false }],
  [{ Token: `${token}' or 1=1`, ResCode: '0' }, undefined],
  [{ Token: '', ResCode: '0' }, undefined],
  [{ Token: 'A'.repeat(400), ResCode: '0' }, undefined],
  [{ OrderId: '1000001', ResCode: '0' }, undefined],
  [{}, undefined],
])('A47 A48 A53: of what a browser brings, only the shape of a token and 0 are read: %j', (params, hint) => {
  expect(sadad().parseCallback(params)).toEqual(hint);
});
