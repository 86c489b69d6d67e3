import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newId } from '@kelid/service/ids';
import { createSepBank } from '@kelid/simulators/sep';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { startTestBank, type TestBank } from '@kelid/simulators/test-bank';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { settleDueRefunds } from '../refunds/settle-due-refunds.ts';
import {
  answerJson,
  asked,
  controlOf,
  type ScriptedBank,
  startPayments,
  startScriptedBank,
  type TestPayments,
} from '../test-payments.ts';
import { createSep } from './sep.ts';

// Calls and answers as the manuals 3.1 and 4.1 show them, apart from the simulator. The token is made up.
const token = '2c3c1fefac5a48geb9f9be7e445dd9b2';
const refNum = 'jJnBmy/IojtTemplUH5ke9ULCGtDtb+0=';
const cardHash = 'b96a14400c3a59249e87c300ecc06e5920327e70220213b5bbb7d7b2410f7e0d';
const attempt = {
  attemptId: '01931e8a-0000-7000-8000-000000000001',
  attemptNo: 1_000_001,
  orderNumber: 'KL-140508',
  amountRial: 150_000,
  phone: '+989121112233',
  callbackUrl: 'https://shop.example/api/v1/payments/callback/sep',
};
const detail = {
  RRN: '14226761817',
  RefNum: refNum,
  MaskedPan: '621986****8080',
  HashedPan: cardHash,
  TerminalNumber: 2001,
  OrginalAmount: 150_000,
  AffectiveAmount: 150_000,
  StraceDate: '2019-09-16 18:11:06',
  StraceNo: '100428',
};
const paid = {
  TransactionDetail: detail,
  ResultCode: 0,
  ResultDescription: 'عملیات با موفقیت انجام شد',
  Success: true,
};
const receipt = {
  State: 'OK',
  Status: 2,
  TerminalId: 2001,
  Token: token,
  RefNum: refNum,
  ResNum: '1000001',
  TraceNo: '100428',
  Amount: 150_000,
  AffectiveAmount: 150_000,
  Rrn: '14226761817',
  HashedCardNumber: cardHash,
};
const told = (data: unknown) => ({
  HasError: false,
  ErrorCode: 0,
  ErrorMessage: null,
  ValidationErrors: [],
  Data: data,
});
const noReceipt = { HasError: true, ErrorCode: 404, ErrorMessage: 'x', ValidationErrors: [], Data: null };
const ours = (pspToken = token) => ({ ...asked(pspToken, attempt.amountRial), attemptNo: attempt.attemptNo });
const withProof = (proof: Record<string, string> = { refNum }) => ({ ...ours(), proof });
const captured = () => ({ ...ours(), pspReference: refNum });

let bank: ScriptedBank;
let newStyle: TestBank;
let oldStyle: TestBank;
beforeAll(async () => {
  bank = await startScriptedBank();
  newStyle = await startTestBank((faults) => createSepBank(faults));
  oldStyle = await startTestBank((faults) => createSepBank(faults, { callback: 'form', hasReceipts: false }));
});
afterEach(() => {
  vi.useRealTimers();
  newStyle.calm();
});
afterAll(async () => {
  bank.close();
  await newStyle.close();
  await oldStyle.close();
});

const sep = () => createSep({ baseUrl: bank.url, terminalId: '2001' });
function answerTo(path: string, body: unknown, status = 200) {
  bank.answers.set(path, (_body, response) => answerJson(response, body, status));
}
function later(minutes: number) {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minutes * 60_000 });
}

let lastNo = 0;
async function startAt(simulator: TestBank, more: { callbackUrl?: string } = {}) {
  const psp = createSep({ baseUrl: `${simulator.url}/sep`, terminalId: '2001' });
  const facts = { ...attempt, attemptNo: (lastNo += 1), ...more };
  const requested = await psp.request(facts);
  if (requested.kind !== 'accepted') throw new Error(JSON.stringify(requested));
  const { pspToken } = requested;
  return { psp, facts, requested, pspToken, row: { ...ours(pspToken), attemptNo: facts.attemptNo } };
}
/** Paid, with the proof that the callback brought. */
async function payAt(simulator: TestBank) {
  const started = await startAt(simulator);
  const hint = started.psp.parseCallback(simulator.decide(started.pspToken, 'pay'));
  if (!hint?.proof) throw new Error('The callback brought no proof');
  return { ...started, hint, row: { ...started.row, proof: hint.proof } };
}

test.each([
  ['its address, as terminals of 4.1 do', () => newStyle],
  ['a form, as terminals of 3.1 do', () => oldStyle],
])(
  'PA-1: a payment whose browser comes back by %s is verified once, and then found as verified before',
  async (_way, at) => {
    const { psp, requested, pspToken } = await startAt(at());
    expect((await fetch(requested.redirectUrl)).status).toBe(200);
    const { hint, row } = await payAt(at());
    expect(hint).toMatchObject({ claimsSuccess: true });
    const first = await psp.verify(row);
    const reference = row.proof['refNum'];
    expect(first).toMatchObject({
      kind: 'approved',
      wasVerifiedBefore: false,
      reference,
      cardMasked: '621986****8080',
    });
    expect(await psp.verify({ ...row, verifyCount: 2 })).toEqual({ ...first, wasVerifiedBefore: true });
    expect(psp.parseCallback(at().decide(pspToken, 'cancel'))).toEqual({ pspToken, claimsSuccess: false });
  },
);

test.each(['address', 'form'] as const)(
  'PA-1: the simulated bank sends the browser back by its %s, and never takes the same token again',
  async (callback) => {
    const simulator = callback === 'form' ? oldStyle : newStyle;
    const { requested, pspToken } = await startAt(simulator);
    const path = requested.redirectUrl.slice(simulator.url.length);
    const answer = await simulator.press(path, 'pay');
    if (callback === 'form') expect(await answer.text()).toContain(`name="Token" value="${pspToken}"`);
    else expect(answer.headers.get('location')).toContain(`${attempt.callbackUrl}?Token=${pspToken}&RefNum=`);
    expect((await fetch(requested.redirectUrl)).status).toBe(404);
  },
);

test('CP6 PA-1: a payment that no browser brought back is found by its receipt, which tells the RefNum, until it is verified', async () => {
  const { psp, pspToken, row } = await startAt(newStyle);
  expect(await psp.inquire(row)).toBe('in-bank');
  expect(await psp.findProof?.(row)).toEqual({ kind: 'unknown' });
  newStyle.decide(pspToken, 'pay');
  expect(await psp.inquire(row)).toBe('paid');
  const found = await psp.findProof?.(row);
  if (found?.kind !== 'found') throw new Error(JSON.stringify(found));
  expect(await psp.verify({ ...row, proof: found.proof })).toMatchObject({ kind: 'approved' });
  expect(await psp.inquire(row)).toBe('unknown');
  expect(await psp.findProof?.(row)).toBeUndefined();
});

test.each(['fail', 'cancel'] as const)(
  'PA-1: a payment that ended with "%s" is a no by its receipt',
  async (outcome) => {
    const { psp, pspToken, row } = await startAt(newStyle);
    newStyle.decide(pspToken, outcome);
    expect(await psp.inquire(row)).toBe('failed');
    expect(await psp.findProof?.(row)).toEqual({ kind: 'declined', pspCode: 'receipt' });
  },
);

test('F13: money that was taken and whose answer was lost is found by the same verify again', async () => {
  const { psp, row } = await payAt(newStyle);
  for (const mode of ['down', 'garbage', 'error', 'lose-answer'] as const) {
    newStyle.fault('sep.verify', { mode, count: 1 });
    expect(await psp.verify(row)).toEqual({ kind: 'unknown' });
  }
  expect(await psp.verify({ ...row, verifyCount: 5 })).toMatchObject({ kind: 'approved', wasVerifiedBefore: true });
});

test('PA-7: the simulated bank fails where it is told to, as often as it is told to', async () => {
  const { psp, pspToken, row } = await startAt(newStyle);
  for (const mode of ['error', 'garbage', 'down'] as const) {
    for (const place of ['sep.request', 'sep.inquiry', 'sep.reverse'] as const)
      newStyle.fault(place, { mode, count: 1 });
    expect(await psp.request({ ...attempt, attemptNo: (lastNo += 1) })).toEqual({ kind: 'unknown' });
    expect(await psp.inquire(row)).toBe('unknown');
    expect(await psp.reverse?.(captured())).toEqual({ kind: 'unknown' });
    expect(newStyle.faults()).toEqual({});
  }
  newStyle.fault('sep.request', { mode: 'lose-answer', count: 1 });
  expect(await psp.request({ ...attempt, attemptNo: (lastNo += 1) })).toEqual({ kind: 'unknown' });
  expect(await psp.inquire(row)).toBe('in-bank');
  newStyle.decide(pspToken, 'pay');
  newStyle.fault('sep.verify', { mode: 'verified-before', count: 1 });
  const found = await psp.findProof?.(row);
  const proof = found?.kind === 'found' ? found.proof : {};
  expect(await psp.verify({ ...row, proof })).toMatchObject({ kind: 'approved', wasVerifiedBefore: true });
});

test('PA-7: a callback that is told to come twice comes twice, in both styles', async () => {
  for (const simulator of [newStyle, oldStyle]) {
    const visits: string[] = [];
    const shop = createServer((request, response) => {
      visits.push(request.method ?? '');
      response.end();
    });
    await new Promise<void>((done) => shop.listen(0, '127.0.0.1', done));
    const callbackUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/callback`;
    simulator.fault('sep.callback', { mode: 'duplicate', count: 1 });
    const { requested } = await startAt(simulator, { callbackUrl });
    await simulator.press(requested.redirectUrl.slice(simulator.url.length), 'pay');
    // The other one is the browser's own.
    expect(visits).toEqual([simulator === newStyle ? 'GET' : 'POST']);
    shop.close();
  }
});

test('I7 A51: the simulated bank telling another amount is a mismatch', async () => {
  const { psp, row } = await payAt(newStyle);
  newStyle.fault('sep.verify', { mode: 'amount-mismatch', count: 1 });
  expect(await psp.verify(row)).toEqual({ kind: 'mismatch', pspCode: 'amount 149000' });
});

test('F16: money that nobody verified within half an hour went back: a definite no', async () => {
  const { psp, row } = await payAt(newStyle);
  later(31);
  expect(await psp.verify(row)).toEqual({ kind: 'declined', pspCode: '-6' });
});

test('CP16: what was verified is reversed within 50 minutes, once, and a reversal whose answer was lost is found', async () => {
  const { psp, row } = await payAt(newStyle);
  const whole = { ...row, pspReference: row.proof['refNum'] ?? '' };
  const refund = { refundId: 'r', refundNo: 1, amountRial: row.amountRial };
  expect(await psp.reverse?.(whole)).toEqual({ kind: 'refused', pspCode: '-112' });
  await psp.verify(row);
  expect(await psp.inquireRefund?.(whole, refund)).toBe('unknown');
  newStyle.fault('sep.reverse', { mode: 'lose-answer', count: 1 });
  expect(await psp.reverse?.(whole)).toEqual({ kind: 'unknown' });
  expect(await psp.inquireRefund?.(whole, refund)).toBe('done');
  expect(await psp.reverse?.(whole)).toEqual({ kind: 'done', reference: whole.pspReference });
  expect(await psp.verify({ ...row, verifyCount: 2 })).toEqual({ kind: 'declined', pspCode: '5' });
  const late = await payAt(newStyle);
  await late.psp.verify(late.row);
  later(51);
  expect(await psp.reverse?.({ ...late.row, pspReference: late.row.proof['refNum'] ?? '' })).toMatchObject({
    kind: 'refused',
  });
});

test('F12: a purchase number that the simulated bank has seen before and a strange terminal are refused', async () => {
  const { psp, facts } = await startAt(newStyle);
  expect(await psp.request(facts)).toEqual({ kind: 'refused', pspCode: '5' });
  const strange = createSep({ baseUrl: `${newStyle.url}/sep`, terminalId: '2002' });
  expect(await strange.request({ ...facts, attemptNo: 999_999 })).toEqual({ kind: 'refused', pspCode: '12' });
  expect(await strange.verify(withProof())).toEqual({ kind: 'unknown' });
});

test('I7 A54: the request names our terminal, the amount in Rial and the number of the attempt', async () => {
  answerTo('onlinepg', { status: 1, token });
  expect(await sep().request(attempt)).toEqual({
    kind: 'accepted',
    pspToken: token,
    redirectUrl: `${bank.url}/OnlinePG/SendToken?token=${token}`,
  });
  expect(bank.calls.at(-1)?.body).toEqual({
    action: 'token',
    TerminalId: '2001',
    Amount: 150_000,
    ResNum: '1000001',
    RedirectUrl: attempt.callbackUrl,
    CellNumber: '09121112233',
  });
  await sep().request({ ...attempt, phone: null, amountRial: 9_007_199_254_740_991 });
  expect(bank.calls.at(-1)?.body).toMatchObject({ Amount: 9_007_199_254_740_991 });
  expect(bank.calls.at(-1)?.body).not.toHaveProperty('CellNumber');
});

test.each<[string, unknown, object]>([
  ['a wrong address', { status: -1, errorCode: '8', errorDesc: 'x' }, { kind: 'refused', pspCode: '8' }],
  ['a wrong field, as numbers', { status: -1, errorCode: 5 }, { kind: 'refused', pspCode: '5' }],
  ['a refusal without a code', { status: '-1' }, { kind: 'refused', pspCode: '-1' }],
  ['a refusal with a token', { status: -1, token, errorCode: '12' }, { kind: 'refused', pspCode: '12' }],
  ['a success without a token', { status: 1 }, { kind: 'refused', pspCode: '1' }],
  ['a success with an empty token', { status: 1, token: null }, { kind: 'refused', pspCode: '1' }],
  ['a token of another shape', { status: 1, token: '"><script>' }, { kind: 'unknown' }],
  ['a status that is a yes', { status: true, token }, { kind: 'unknown' }],
  ['no status at all', { token }, { kind: 'unknown' }],
  ['nothing', {}, { kind: 'unknown' }],
])('F12: a request that is answered with %s starts no payment', async (_name, body, expected) => {
  answerTo('onlinepg', body);
  expect(await sep().request(attempt)).toEqual(expected);
});

const differ = (more: object) => ({ ...paid, TransactionDetail: { ...detail, ...more } });
test.each<[string, unknown, string]>([
  ['0', paid, 'approved'],
  ['numbers as texts', { ...differ({ TerminalNumber: '2001', OrginalAmount: '150000' }), ResultCode: '0' }, 'approved'],
  ['2, which says that it was done before', { ...paid, ResultCode: 2, Success: false }, 'approved'],
  ['0 and a discount of the bank', differ({ AffectiveAmount: 120_000 }), 'approved'],
  ['0 and a strange card', differ({ MaskedPan: 7, HashedPan: ['x'] }), 'approved'],
  ['0 and one Rial less', differ({ OrginalAmount: 149_999 }), 'mismatch'],
  ['0 and one Rial more', differ({ OrginalAmount: 150_001 }), 'mismatch'],
  ['0 and ten times the amount', differ({ OrginalAmount: 1_500_000 }), 'mismatch'],
  ['0 and the amount in Toman', differ({ OrginalAmount: 15_000 }), 'mismatch'],
  ['0 and no money at all', differ({ OrginalAmount: 0 }), 'mismatch'],
  ["0 and another shop's terminal", differ({ TerminalNumber: 2002 }), 'mismatch'],
  ['0 and another receipt', differ({ RefNum: 'jJnBmy/IojtTemplUH5ke9ULCGtDtb+1=' }), 'mismatch'],
  ['0 and the receipt in other letters', differ({ RefNum: refNum.toLowerCase() }), 'mismatch'],
  ['2 and another amount', { ...differ({ OrginalAmount: 1_000 }), ResultCode: 2 }, 'mismatch'],
  ['0 and an amount only as it was paid', differ({ OrginalAmount: undefined }), 'unknown'],
  ['0 and an amount in a list', differ({ OrginalAmount: [150_000] }), 'unknown'],
  ['0 and an amount with a fraction', differ({ OrginalAmount: 150_000.5 }), 'unknown'],
  ['0 and an amount with an exponent', differ({ OrginalAmount: '15e4' }), 'unknown'],
  ['0 and no terminal', differ({ TerminalNumber: null }), 'unknown'],
  ['0 and no detail', { ...paid, TransactionDetail: null }, 'unknown'],
  ['2 and no detail', { ResultCode: 2, Success: true, TransactionDetail: null }, 'unknown'],
  ['0 that was no success', { ...paid, Success: false }, 'unknown'],
  ['"no such transaction" (-2)', { ResultCode: -2, Success: false }, 'declined'],
  ['"too late" (-6)', { ...paid, ResultCode: '-6' }, 'declined'],
  ['"it went back" (5)', { ...paid, ResultCode: 5 }, 'declined'],
  ['an error of the bank (-102)', { ...paid, ResultCode: -102 }, 'unknown'],
  ['no answer of the bank (-103)', { ...paid, ResultCode: -103 }, 'unknown'],
  ['a wrong address (-106)', { ...paid, ResultCode: -106 }, 'unknown'],
  ['a code that no list has', { ...paid, ResultCode: 7 }, 'unknown'],
  ['code "00"', { ...paid, ResultCode: '00' }, 'unknown'],
  ['code false', { ...paid, ResultCode: false }, 'unknown'],
  ['no code', { Success: true, TransactionDetail: detail }, 'unknown'],
  ['an empty list', [], 'unknown'],
  ['a text', 'paid', 'unknown'],
])(
  'I7 I27 A49 A50 A51 PA-3: only our terminal, receipt and amount is money: a verify answered with %s',
  async (_name, body, kind) => {
    answerTo('VerifyTransaction', body);
    expect((await sep().verify(withProof())).kind).toBe(kind);
    expect(bank.calls.at(-1)?.body).toEqual({ RefNum: refNum, TerminalNumber: 2001 });
  },
);

test('PA-3: the reference is the receipt, so that it pays once, and 2 says that it was verified before', async () => {
  answerTo('VerifyTransaction', paid);
  const approved = { kind: 'approved', reference: refNum, cardMasked: '621986****8080', cardHash };
  expect(await sep().verify(withProof())).toEqual({ ...approved, wasVerifiedBefore: false });
  answerTo('VerifyTransaction', { ...paid, ResultCode: 2 });
  expect(await sep().verify(withProof())).toEqual({ ...approved, wasVerifiedBefore: true });
});

test.each([-2, -6])('F13: %s is no answer after a verify that may have taken the money', async (ResultCode) => {
  answerTo('VerifyTransaction', { ResultCode });
  expect((await sep().verify(withProof())).kind).toBe('declined');
  expect((await sep().verify({ ...withProof(), verifyCount: 2 })).kind).toBe('unknown');
});

test('A49: what the bank itself told is verified, whatever a browser brought; without either the bank is not asked', async () => {
  answerTo('VerifyTransaction', paid);
  await sep().verify(withProof({ refNum: '50', bankRefNum: refNum }));
  expect(bank.calls.at(-1)?.body['RefNum']).toBe(refNum);
  const callCount = bank.calls.length;
  expect(await sep().verify(ours())).toEqual({ kind: 'unknown' });
  expect(await sep().findProof?.(withProof({ bankRefNum: refNum }))).toBeUndefined();
  expect(bank.calls.length).toBe(callCount);
});

test.each<[string, unknown, string, unknown]>([
  ['paid', told(receipt), 'paid', { kind: 'found', proof: { bankRefNum: refNum } }],
  [
    'paid, in words alone',
    told({ ...receipt, Status: undefined }),
    'paid',
    { kind: 'found', proof: { bankRefNum: refNum } },
  ],
  ['paid, without its RefNum', told({ ...receipt, RefNum: '' }), 'paid', undefined],
  ['in progress', told({ ...receipt, State: 'InProgress', Status: 0, RefNum: null }), 'in-bank', { kind: 'unknown' }],
  [
    'cancelled',
    told({ ...receipt, State: 'CanceledByUser', Status: '1', RefNum: '' }),
    'failed',
    { kind: 'declined', pspCode: 'receipt' },
  ],
  ['failed', told({ ...receipt, State: 3, Status: 3 }), 'failed', { kind: 'declined', pspCode: 'receipt' }],
  ['paid and failed at once', told({ ...receipt, Status: 3 }), 'unknown', undefined],
  ['a state that no list has', told({ ...receipt, State: 'Odd', Status: 9 }), 'unknown', undefined],
  ['no state', told({ ...receipt, State: null, Status: null }), 'unknown', undefined],
  ['of another token', told({ ...receipt, Token: 'another' }), 'unknown', undefined],
  ["of another attempt's number", told({ ...receipt, ResNum: '1000002' }), 'unknown', undefined],
  ["of another shop's terminal", told({ ...receipt, TerminalId: 2002 }), 'unknown', undefined],
  ['none', noReceipt, 'unknown', undefined],
  ['an error and a receipt', { ...told(receipt), HasError: true }, 'unknown', undefined],
  ['nothing', {}, 'unknown', undefined],
])('PA-1 A48: only the receipt of our own token is believed: %s', async (_name, body, state, proof) => {
  answerTo('receipt', body);
  expect(await sep().inquire(ours())).toBe(state);
  expect(bank.calls.at(-1)?.body).toEqual({ TerminalNumber: 2001, Token: token });
  expect(await sep().findProof?.(ours())).toEqual(proof);
});

test.each<[string, unknown, string]>([
  ['0', paid, 'done'],
  ['2: it was done before', { ...paid, ResultCode: 2 }, 'done'],
  ['5: it went back before', { ResultCode: '5' }, 'done'],
  ['-2', { ResultCode: -2 }, 'refused'],
  ['-6', { ResultCode: -6 }, 'refused'],
  ['-106', { ResultCode: -106 }, 'refused'],
  ['-112', { ResultCode: -112 }, 'refused'],
  ['-102', { ResultCode: -102 }, 'unknown'],
  ['-103', { ResultCode: -103 }, 'unknown'],
  ['a code that no list has', { ResultCode: 1 }, 'unknown'],
  ['nothing', {}, 'unknown'],
])('PA-8 CP16: a reversal that is answered with %s', async (_name, body, kind) => {
  answerTo('ReverseTransaction', body);
  expect((await sep().reverse?.(captured()))?.kind).toBe(kind);
  expect(bank.calls.at(-1)?.body).toEqual({ RefNum: refNum, TerminalNumber: 2001 });
});

test('PA-8: what was never captured is not reversed', async () => {
  const callCount = bank.calls.length;
  expect(await sep().reverse?.(withProof())).toMatchObject({ kind: 'refused' });
  expect(bank.calls.length).toBe(callCount);
});

test('F12 F13: HTML, a lost connection and a redirect to elsewhere are no answer, and lost receipts stop no payment', async () => {
  bank.answers.set('elsewhere', (_body, response) => answerJson(response, paid));
  const psp = sep();
  const strange: Parameters<typeof bank.answers.set>[1][] = [
    (_body, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>'),
    (_body, response) => void response.writeHead(500, { 'content-type': 'text/html' }).end('Server Error'),
    (_body, response) => void response.destroy(),
    (_body, response) => void response.writeHead(307, { location: `${bank.url}/elsewhere` }).end(),
    (_body, response) => void response.writeHead(200).end(),
  ];
  for (const answer of strange) {
    for (const path of ['onlinepg', 'receipt', 'VerifyTransaction', 'ReverseTransaction'])
      bank.answers.set(path, answer);
    expect(await sep().request(attempt)).toEqual({ kind: 'unknown' });
    expect(await sep().verify(withProof())).toEqual({ kind: 'unknown' });
    expect(await sep().reverse?.(captured())).toEqual({ kind: 'unknown' });
    for (let count = 0; count < 4; count += 1) expect(await psp.inquire(ours())).toBe('unknown');
  }
  expect(bank.calls.some((call) => call.path === 'elsewhere')).toBe(false);
  expect(psp.isOffered()).toBe(true);
  answerTo('VerifyTransaction', paid);
  expect((await psp.verify(withProof())).kind).toBe('approved');
});

const form = {
  MID: '2001',
  TerminalId: '2001',
  State: 'OK',
  Status: '2',
  RRN: '14226761817',
  RefNum: refNum,
  ResNum: '1000001',
  TraceNo: '100428',
  Amount: '150000',
  Wage: '',
  SecurePan: '621986****8080',
  HashedCardNumber: cardHash,
  Token: token,
};
const yes = { pspToken: token, claimsSuccess: true, proof: { refNum } };
const no = { pspToken: token, claimsSuccess: false };
test.each<[Record<string, string>, unknown]>([
  [{ Token: token, RefNum: refNum }, yes],
  [{ token, refnum: refNum }, yes],
  [{ Token: token, RefNum: refNum.replace('+', ' ') }, yes],
  [form, yes],
  [{ ...form, Amount: '1', ResNum: '2', TerminalId: '9' }, yes],
  [{ Token: token, RefNum: '' }, no],
  [{ Token: token }, no],
  [{ ...form, State: 'CanceledByUser', Status: '1', RefNum: '' }, no],
  [{ ...form, State: 'Failed', Status: '3' }, no],
  [{ ...form, State: 'OK', Status: '3' }, no],
  [{ ...form, State: 'SessionIsNull', Status: '4' }, no],
  [{ ...form, Status: '' }, no],
  [{ Token: token, RefNum: `${refNum}' or 1=1` }, no],
  [{ Token: token, RefNum: 'A'.repeat(101) }, no],
  [{ Token: `${token}"><script>`, RefNum: refNum }, undefined],
  [{ Token: '', RefNum: refNum }, undefined],
  [{ RefNum: refNum, ResNum: '1000001' }, undefined],
  [{}, undefined],
])('A47 A48 A53: of what a browser brings, only the shapes of a token and a RefNum are read: %j', (params, hint) => {
  expect(sep().parseCallback(params)).toEqual(hint);
});

test('PA-1: this bank has no list of unverified payments', async () => {
  expect(await sep().listUnverified()).toEqual([]);
});

describe('through the payments service', () => {
  let simulators: Simulators;
  let shop: TestPayments;
  let control: ReturnType<typeof controlOf>;
  beforeAll(async () => {
    simulators = await startSimulators({ port: 0, smtpPort: 0 });
    shop = await startPayments(`${simulators.url}/zarinpal`, {
      PAYMENTS_SEP_URL: `${simulators.url}/sep`,
      PAYMENTS_SEP_TERMINAL_ID: '2001',
    });
    control = controlOf(simulators.url);
  });
  afterEach(async () => {
    await control.calm();
    expect(await shop.brokenInvariants()).toEqual([]);
  });
  afterAll(async () => {
    await shop.close();
    await simulators.close();
  });

  async function start(amountRial?: number) {
    const order = await shop.owe(amountRial);
    const begun = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp: 'sep' });
    return { order, attemptId: begun.attemptId, pspToken: begun.redirectUrl?.split('token=').at(-1) ?? '' };
  }
  const come = (params: Record<string, string>) => shop.browser.handlePspCallback({ psp: 'sep', params });
  async function sweep(attemptId: string, redirectedMinutesAgo = 0) {
    await shop.comeDue(attemptId, redirectedMinutesAgo);
    await shop.host.sweep('payments', 'settle-due-attempts');
  }

  test('PA-1 A52: ten callbacks at once and the sweep capture once', async () => {
    const { order, attemptId, pspToken } = await start();
    const params = await control.decide(pspToken, 'pay');
    await Promise.all(Array.from({ length: 10 }, () => come(params)));
    await sweep(attemptId);
    expect(await shop.attempt(attemptId)).toMatchObject({
      status: 'captured',
      verifyCount: 1,
      psp_reference: params['RefNum'],
      card_masked: '621986****8080',
    });
    expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
  });

  test.each(['fail', 'cancel'] as const)('PA-1: a payment that ended with "%s" fails at once', async (outcome) => {
    const { order, attemptId, pspToken } = await start();
    await come(await control.decide(pspToken, outcome));
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed', failureReason: 'cancelled-at-the-bank' });
    expect(await shop.intentStatus(order)).toBe('open');
  });

  test('CP6: a browser that never came back: the sweep finds the payment by its receipt', async () => {
    const { order, attemptId, pspToken } = await start();
    await control.decide(pspToken, 'pay');
    await sweep(attemptId, 6);
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', verifyCount: 1 });
    expect(await shop.intentStatus(order)).toBe('captured');
  });

  test.each([true, false])(
    'F13: the answer of verify was lost, and the browser came back (%s): asked again, captured once',
    async (cameBack) => {
      const { attemptId, pspToken } = await start();
      const params = await control.decide(pspToken, 'pay');
      await control.fault('sep.verify', { mode: 'lose-answer', count: 1 });
      if (cameBack) await come(params);
      else await sweep(attemptId, 6);
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'unknown' });
      await sweep(attemptId);
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', verifyCount: 2 });
    },
  );

  test('F13: a receipt that is not told is done without: the RefNum of the browser is verified', async () => {
    const { attemptId, pspToken } = await start();
    const params = await control.decide(pspToken, 'pay');
    await control.fault('sep.inquiry', { mode: 'down', count: 1 });
    await come(params);
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', verifyCount: 1 });
  });

  test('I7 A51: another amount goes to a person, nothing is sold', async () => {
    const { order, attemptId, pspToken } = await start();
    const params = await control.decide(pspToken, 'pay');
    await control.fault('sep.verify', { mode: 'amount-mismatch', count: 1 });
    await come(params);
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'review' });
    expect(shop.hasAlarm('payment-review', attemptId)).toBe(true);
    expect(await shop.intentStatus(order)).toBe('open');
  });

  async function paidWithAnotherAmount(amountRial?: number) {
    const begun = await start(amountRial);
    const params = await control.decide(begun.pspToken, 'pay');
    await control.fault('sep.verify', { mode: 'amount-mismatch', count: 1 });
    await come(params);
    expect(await shop.attempt(begun.attemptId)).toMatchObject({ status: 'review', psp_reference: null });
    return { ...begun, refNum: params['RefNum'] ?? '' };
  }
  const found = (attemptId: string, who: string) =>
    shop.staff(who).decideAttempt({ attemptId, decision: 'captured', reference: newId(), reason: 'در پنل بانک هست' });
  const wentBack = (orderId: string, amountRial: number) =>
    expect.arrayContaining([
      expect.objectContaining({ orderId, reason: 'gone back to the card', reviewedRial: amountRial }),
    ]);

  test('I5 A51: money of another amount that nobody has found goes back 40 minutes after the redirect, and the order hears of it once', async () => {
    const { order, attemptId, pspToken, refNum: receiptNo } = await paidWithAnotherAmount();
    const [due] = await shop.sql(
      'payments',
      "select due_at = redirected_at + interval '40 minutes' as is_right from payment_attempts where id = $1",
      [attemptId],
    );
    expect(due).toEqual({ is_right: true });
    await shop.host.sweep('payments', 'settle-due-attempts');
    expect(await control.statusOf(pspToken)).toBe('VERIFIED');
    await sweep(attemptId, 40);
    expect(await control.statusOf(pspToken)).toBe('REVERSED');
    expect(await shop.attempt(attemptId)).toMatchObject({
      status: 'reversed',
      due_at: null,
      psp_reference: receiptNo,
      moved_by: 'service:payments',
    });
    const news = await shop.published('payment.failed', order.orderId);
    expect(news).toEqual(wentBack(order.orderId, order.amountRial));
    expect(news).toHaveLength(1);
    await sweep(attemptId);
    expect(await shop.published('payment.failed', order.orderId)).toHaveLength(1);
    // The order is paid by another try.
    const again = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp: 'sep' });
    await come(await control.decide(again.redirectUrl?.split('token=').at(-1) ?? '', 'pay'));
    expect(await shop.intentStatus(order)).toBe('captured');
  });

  test('A51 PA-11: what a person has found, or the first of two, is not given back', async () => {
    const small = await paidWithAnotherAmount();
    await found(small.attemptId, 'mina');
    await sweep(small.attemptId, 40);
    expect(await shop.attempt(small.attemptId)).toMatchObject({ status: 'captured' });
    const large = await paidWithAnotherAmount(60_000_000);
    await shop.staff('mina').decideAttempt({
      attemptId: large.attemptId,
      decision: 'captured',
      reference: 'RRN-2',
      reason: 'در پنل بانک هست',
    });
    await sweep(large.attemptId, 40);
    expect(await shop.attempt(large.attemptId)).toMatchObject({ status: 'review', psp_reference: null, due_at: null });
    for (const { pspToken } of [small, large]) expect(await control.statusOf(pspToken)).toBe('VERIFIED');
  });

  test.each(['lose-answer', 'error', 'garbage', 'down'])(
    'CP16 A51: a reversal that is answered with "%s" is asked for again inside its time; meanwhile nobody finds the money',
    async (mode) => {
      const { attemptId, pspToken } = await paidWithAnotherAmount();
      await control.fault('sep.reverse', { mode, count: 1 });
      await sweep(attemptId, 40);
      expect(await control.statusOf(pspToken)).toBe(mode === 'lose-answer' ? 'REVERSED' : 'VERIFIED');
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'review', due_at: expect.any(Date) });
      await expect(found(attemptId, 'mina')).rejects.toMatchObject({ code: 'payments.attempt-move-refused' });
      await sweep(attemptId);
      expect(await control.statusOf(pspToken)).toBe('REVERSED');
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'reversed' });
    },
  );

  test('CP16 A51: a bank that never answers is asked until its time is over, then a person is; one that was asked too late is a person’s too', async () => {
    const { attemptId, pspToken } = await paidWithAnotherAmount();
    await control.fault('sep.reverse', { mode: 'down' });
    await sweep(attemptId, 40);
    await sweep(attemptId, 9);
    await expect(found(attemptId, 'mina')).rejects.toMatchObject({ code: 'payments.attempt-move-refused' });
    await sweep(attemptId, 2);
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'review', psp_reference: null, due_at: null });
    expect(await control.statusOf(pspToken)).toBe('VERIFIED');
    expect(await found(attemptId, 'mina')).toMatchObject({ status: 'captured' });

    await control.calm();
    const late = await paidWithAnotherAmount();
    await sweep(late.attemptId, 51);
    expect(await control.statusOf(late.pspToken)).toBe('VERIFIED');
    expect(await shop.attempt(late.attemptId)).toMatchObject({ status: 'review', due_at: null });
  });

  test('CP16 A51: a runner that died after it asked: the next one asks what became of it', async () => {
    const { attemptId, pspToken, refNum: receiptNo } = await paidWithAnotherAmount();
    await shop.sql(
      'payments',
      `update payment_attempts set psp_reference = $2, proof = proof || '{"reversing":"1"}' where id = $1`,
      [attemptId, receiptNo],
    );
    await fetch(`${simulators.url}/sep/verifyTxnRandomSessionkey/ipg/ReverseTransaction`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ RefNum: receiptNo, TerminalNumber: 2001 }),
    });
    expect(await control.statusOf(pspToken)).toBe('REVERSED');
    await control.fault('sep.reverse', { mode: 'down' });
    await sweep(attemptId, 55);
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'reversed' });
  });

  test('A49 A51: a receipt that only a browser brought, or that has paid for something, is never given back for it', async () => {
    await control.fault('sep.inquiry', { mode: 'garbage' });
    const cheap = await start(100_000);
    const dear = await start(10_000_000);
    const params = await control.decide(cheap.pspToken, 'pay');
    await come({ ...params, Token: dear.pspToken });
    await come(params);
    await sweep(dear.attemptId, 40);
    expect(await shop.attempt(dear.attemptId)).toMatchObject({ status: 'review', due_at: null });
    expect(await control.statusOf(cheap.pspToken)).toBe('VERIFIED');

    await control.calm();
    const paid = await delivered();
    const { psp_reference: reference } = await shop.attempt(paid.attemptId);
    const other = await paidWithAnotherAmount();
    await shop.sql(
      'payments',
      `update payment_attempts set proof = proof || jsonb_build_object('takenReference', $2::text) where id = $1`,
      [other.attemptId, reference],
    );
    await sweep(other.attemptId, 40);
    expect(await shop.attempt(other.attemptId)).toMatchObject({ status: 'review', due_at: null });
    expect(await control.statusOf(paid.pspToken)).toBe('VERIFIED');
  });

  test('A50: "verified before" though we never asked goes to a person', async () => {
    const { order, attemptId, pspToken } = await start();
    const params = await control.decide(pspToken, 'pay');
    await control.fault('sep.verify', { mode: 'verified-before', count: 1 });
    await come(params);
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'review' });
    expect(await shop.intentStatus(order)).toBe('open');
  });

  test('A48 A49: the receipt of my cheap paid order, brought for my dear one, pays for the cheap one only', async () => {
    const cheap = await start(100_000);
    const dear = await start(10_000_000);
    const params = await control.decide(cheap.pspToken, 'pay');
    const forged = { ...params, Token: dear.pspToken };
    await come(forged);
    expect(await shop.attempt(dear.attemptId)).toMatchObject({ status: 'unknown' });
    await come(params);
    expect(await shop.intentStatus(cheap.order)).toBe('captured');
    await come(forged);
    expect(await shop.intentStatus(dear.order)).toBe('open');
    await come(await control.decide(dear.pspToken, 'cancel'));
    await sweep(dear.attemptId);
    expect(await shop.attempt(dear.attemptId)).toMatchObject({ status: 'failed' });
  });

  test('A48 A49: where no receipt is told, a dear order by a cheap RefNum goes to a person, and one RefNum pays one of two equal orders', async () => {
    await control.fault('sep.inquiry', { mode: 'garbage' });
    const cheap = await start(100_000);
    const dear = await start(10_000_000);
    const params = await control.decide(cheap.pspToken, 'pay');
    await come({ ...params, Token: dear.pspToken });
    expect(await shop.attempt(dear.attemptId)).toMatchObject({ status: 'review' });
    expect(await shop.intentStatus(dear.order)).toBe('open');

    const one = await start();
    const other = await start();
    const paidOnce = await control.decide(one.pspToken, 'pay');
    await Promise.all([come(paidOnce), come({ ...paidOnce, Token: other.pspToken })]);
    const both = await Promise.all([one, other].map(({ attemptId }) => shop.attempt(attemptId)));
    expect(both.map((row) => row.status).toSorted()).toEqual(['captured', 'review']);
  });

  test('F13 A49: a RefNum that a browser makes up after a lost answer does not replace the one that the bank told', async () => {
    const { attemptId, pspToken } = await start();
    const params = await control.decide(pspToken, 'pay');
    await control.fault('sep.verify', { mode: 'lose-answer', count: 1 });
    await come(params);
    await come({ ...params, RefNum: 'made-up' });
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', psp_reference: params['RefNum'] });
  });

  test('A47: a token that we do not know changes nothing', async () => {
    expect((await come({ Token: 'unknown-token', RefNum: refNum })).location).toMatch(/\/payment\/result$/);
    expect(shop.hasAlarm('callback-unknown')).toBe(true);
  });

  async function delivered() {
    const { order, attemptId, pspToken } = await start();
    await come(await control.decide(pspToken, 'pay'));
    const { orderId, customerId, amountRial } = order;
    const ref = { orderId, customerId, orderNumber: 'KL-1', version: 4 };
    const at = new Date().toISOString();
    await shop.deliver('order.fulfilled', { ...ref, totalRial: amountRial, contact: {}, lines: [], fulfilledAt: at });
    return { order, attemptId, pspToken };
  }

  test('PA-8 CP16: a fresh payment is reversed to its card, asked for once, even when the answer was lost', async () => {
    for (const isLost of [false, true]) {
      const { order, pspToken } = await delivered();
      if (isLost) await control.fault('sep.reverse', { mode: 'lose-answer', count: 1 });
      const refund = await shop
        .staff('mina')
        .requestRefund({ orderId: order.orderId, method: 'psp', reason: 'مشتری پشیمان شد' });
      expect(refund.status).toBe(isLost ? 'unknown' : 'succeeded');
      await shop.sql('payments', 'update refunds set due_at = now() where id = $1 and due_at is not null', [refund.id]);
      await settleDueRefunds(shop.ctx());
      const { items } = await shop.staff('mina').listRefunds({ limit: 100 });
      expect(items.find((item) => item.id === refund.id)).toMatchObject({ status: 'succeeded' });
      expect(await control.statusOf(pspToken)).toBe('REVERSED');
    }
  });

  test('PA-8: after the 50 minutes this bank has no way back to the card', async () => {
    const { order, attemptId } = await delivered();
    await shop.sql(
      'payments',
      "update payment_attempts set redirected_at = redirected_at - interval '50 minutes' where id = $1",
      [attemptId],
    );
    const refund = shop
      .staff('mina')
      .requestRefund({ orderId: order.orderId, method: 'psp', reason: 'مشتری پشیمان شد' });
    await expect(refund).rejects.toMatchObject({
      code: 'payments.refund-method-unavailable',
    });
  });
});
