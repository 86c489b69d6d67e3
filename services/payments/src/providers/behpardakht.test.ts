import { createServer, type ServerResponse } from 'node:http';
import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { settleDueRefunds } from '../refunds/settle-due-refunds.ts';
import { controlOf, startPayments, type TestPayments } from '../test-payments.ts';
import { createBehpardakht } from './behpardakht.ts';
import type { AskedAttempt } from './psp.ts';
import { readSoapReturn, soapCall } from './soap.ts';

// Calls and answers as the bank's manuals and its clients show them. The scripted bank is no simulator: it answers what a test says.
const terminal = { terminalId: '1234567', userName: 'kelid', userPassword: 'p&ss<1>' };
const refId = 'AF82041a2Bf68989c7fF9';
const reference = '127926981246';
/** Above each whole number that a float can hold: as a number it would be another sale. */
const longReference = '9007199254740993001';
const attempt = {
  attemptId: '01931e8a-0000-7000-8000-000000000001',
  attemptNo: 1_000_001,
  orderNumber: 'KL-140508',
  amountRial: 150_000,
  phone: '+989121112233',
  callbackUrl: 'https://shop.example/api/v1/payments/callback/behpardakht?a=1&b=2',
};
const proof = { saleOrderId: '1000001', resCode: '0', saleReferenceId: reference };
const ours = (changes: Partial<AskedAttempt> = {}): AskedAttempt => ({
  attemptNo: attempt.attemptNo,
  pspToken: refId,
  amountRial: attempt.amountRial,
  terms: {},
  proof,
  pspReference: null,
  verifyCount: 1,
  ...changes,
});
const captured = ours({ pspReference: reference });
const refund = { refundId: '01931e8a-0000-7000-8000-000000000002', refundNo: 1_000_000_000_007, amountRial: 50_000 };
const refundReference = '127926981999';

let bank: Awaited<ReturnType<typeof startScriptedBank>>;
let simulators: Simulators;
let control: ReturnType<typeof controlOf>;
let shop: TestPayments;
beforeAll(async () => {
  bank = await startScriptedBank();
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  control = controlOf(simulators.url);
  shop = await startPayments(`${simulators.url}/zarinpal`, {
    PAYMENTS_BEHPARDAKHT_URL: `${simulators.url}/behpardakht`,
    PAYMENTS_BEHPARDAKHT_TERMINAL_ID: terminal.terminalId,
    PAYMENTS_BEHPARDAKHT_USER_NAME: terminal.userName,
    PAYMENTS_BEHPARDAKHT_USER_PASSWORD: terminal.userPassword,
  });
});
afterEach(async () => {
  vi.useRealTimers();
  bank.forget();
  await control.calm();
  expect(await shop.brokenInvariants()).toEqual([]);
});
afterAll(async () => {
  await shop.close();
  await simulators.close();
  bank.close();
});

interface SoapCall {
  path: string;
  soapAction: string | undefined;
  contentType: string | undefined;
  operation: string;
  body: string;
  /** In the order that they were sent in. */
  params: [string, string][];
}

/** A bank of SOAP that answers each operation exactly as a test says. */
async function startScriptedBank() {
  const calls: SoapCall[] = [];
  const answers = new Map<string, (response: ServerResponse) => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const [, operation = '', inner = ''] = /<ns:(\w+)>(.*)<\/ns:\1>/.exec(body) ?? [];
      const params = [...inner.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name = '', value = '']): [string, string] => [
        name,
        value,
      ]);
      const { soapaction, 'content-type': contentType } = request.headers;
      const soapAction = soapaction?.toString();
      calls.push({ path: request.url ?? '', soapAction, contentType, operation, body, params });
      const answer = answers.get(operation);
      if (answer) answer(response);
      else response.writeHead(404).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The scripted bank has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    answers,
    operations: () => calls.map((call) => call.operation),
    forget() {
      calls.length = 0;
      answers.clear();
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

// A provider of its own for each call: a breaker that opened at one strange answer would keep the next from being asked.
const mellat = () => createBehpardakht({ baseUrl: bank.url, ...terminal });
const envelope = (body: string) =>
  `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>${body}</soap:Body></soap:Envelope>`;
const returned = (operation: string, text: string) =>
  envelope(
    `<ns1:${operation}Response xmlns:ns1="http://interfaces.core.sw.bps.com/"><return>${text}</return></ns1:${operation}Response>`,
  );
function answerXml(operation: string, xml: string, status = 200) {
  bank.answers.set(operation, (response) =>
    response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8' }).end(xml),
  );
}
const answerTo = (operation: string, text: string) => answerXml(operation, returned(operation, text));

const all = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
/** What the manual calls a no of the card, the shopper or the bank. */
const declined = '11 12 13 14 15 16 17 18 19 42 48 54 55 56 57 98 111 112 114 115 415 995 997'.split(' ');
/** Documented, and no word about the money: our own mistakes, and outages on the way. */
const undecided = [
  ...all(20, 21),
  ...all(23, 39),
  '41',
  '44',
  '46',
  '47',
  '49',
  '51',
  '61',
  '62',
  '113',
  '116',
  '117',
].concat('211', all(412, 414), all(416, 419), '421');
/** In no manual, and in no shape of one. */
const undocumented = [
  '1',
  '7',
  '99',
  '1000',
  '00',
  '043',
  '10000',
  '-1',
  '0.0',
  'true',
  'OK',
  '',
  '0 0',
  '٠',
  '0;',
  '0,',
];

// The request.

test('I7 A54: a payment is asked for with the very envelope of the manual, escaped, at the time in Tehran', async () => {
  answerTo('bpPayRequest', `0,${refId}`);
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-01-05T17:05:07Z') });
  expect(await mellat().request(attempt)).toEqual({
    kind: 'accepted',
    pspToken: refId,
    redirectUrl: `${bank.url}/pgwchannel/startpay.mellat`,
    redirectFields: { RefId: refId },
  });
  expect(bank.calls).toMatchObject([
    {
      path: '/pgwchannel/services/pgw',
      soapAction: 'bpPayRequest',
      contentType: 'text/xml; charset=utf-8',
      body:
        '<?xml version="1.0" encoding="utf-8"?>' +
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="http://interfaces.core.sw.bps.com/">' +
        '<soapenv:Body><ns:bpPayRequest><terminalId>1234567</terminalId><userName>kelid</userName>' +
        '<userPassword>p&amp;ss&lt;1&gt;</userPassword><orderId>1000001</orderId><amount>150000</amount>' +
        '<localDate>20260105</localDate><localTime>203507</localTime><additionalData>KL-140508</additionalData>' +
        '<callBackUrl>https://shop.example/api/v1/payments/callback/behpardakht?a=1&amp;b=2</callBackUrl>' +
        '<payerId>0</payerId></ns:bpPayRequest></soapenv:Body></soapenv:Envelope>',
    },
  ]);
});

test('A54: quotes of either kind are escaped too, and escaped text is escaped again', () => {
  expect(soapCall('urn:x', 'do', { text: `"it's" &amp; <b>`, amount: 7 })).toContain(
    '<ns:do><text>&quot;it&apos;s&quot; &amp;amp; &lt;b&gt;</text><amount>7</amount></ns:do>',
  );
});

test.each([
  ['2026-01-05T20:29:59Z', '20260105', '235959'],
  ['2026-01-05T20:30:00Z', '20260106', '000000'],
  ['2026-12-31T20:30:01Z', '20270101', '000001'],
  ['2026-03-20T20:30:01Z', '20260321', '000001'],
  // No summer time since 2022, whatever the server's own zone thinks of June.
  ['2026-06-30T08:34:09Z', '20260630', '120409'],
])('F12: the bank refuses a strange day (35): at %s Tehran has %s %s', async (now, localDate, localTime) => {
  answerTo('bpPayRequest', `0,${refId}`);
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(now) });
  await mellat().request(attempt);
  expect(Object.fromEntries(bank.calls[0]?.params ?? [])).toMatchObject({ localDate, localTime });
});

test.each([`0,${refId}`, `0, ${refId}`, `0 , ${refId}`, `\n  0,${refId}\n`])(
  'PA-1: %j begins a payment: a space may follow the comma, and the case of the RefId is kept',
  async (text) => {
    answerTo('bpPayRequest', text);
    expect(await mellat().request(attempt)).toMatchObject({ kind: 'accepted', pspToken: refId });
  },
);

test('F12: a request starts no payment with any code but 0, and is refused by that code', async () => {
  for (const code of [...declined, ...undecided, '43', '45', '999', '00']) {
    for (const text of [code, `${code},${refId}`]) {
      answerTo('bpPayRequest', text);
      expect(await mellat().request(attempt), text).toEqual({ kind: 'refused', pspCode: code });
    }
  }
});

test.each(['0', `0,${'A'.repeat(65)}`])('F12: %s brings no RefId to pay by, and is refused', async (text) => {
  answerTo('bpPayRequest', text);
  expect(await mellat().request(attempt)).toEqual({ kind: 'refused', pspCode: '0' });
});

test.each(['', '0,', `0,${refId},1`, '0,"><script>', '0,AF 82', '-1', '0x', refId, `0,${refId} 0`, '10000'])(
  'F12: a request answered with %j is no answer',
  async (text) => {
    answerTo('bpPayRequest', text.replaceAll('<', '&lt;'));
    expect(await mellat().request(attempt)).toEqual({ kind: 'unknown' });
  },
);

// The callback.

const callback = {
  RefId: refId,
  ResCode: '0',
  SaleOrderId: '1000001',
  SaleReferenceId: reference,
  CardHolderPan: '603799******0006',
  CardHolderInfo: 'A68349C62ED970266A6F8DC982E082EAF5088C4565559614855829557486B9C9',
  FinalAmount: '1',
};
const success = { pspToken: refId, claimsSuccess: true, proof };
const failure = (changes: object) => ({ pspToken: refId, claimsSuccess: false, proof: { ...proof, ...changes } });
const noReference = (resCode: string) => ({
  pspToken: refId,
  claimsSuccess: false,
  proof: { saleOrderId: '1000001', resCode },
});
const unproved = { pspToken: refId, claimsSuccess: false };
const { SaleReferenceId: _reference, ...unreferenced } = callback;
test.each<[string, Record<string, string>, unknown]>([
  ['the documented yes', callback, success],
  [
    'its names in small letters',
    { refid: refId, rescode: '0', saleorderid: '1000001', salereferenceid: reference },
    success,
  ],
  [
    'its names in capitals',
    { REFID: refId, RESCODE: '0', SALEORDERID: '1000001', SALEREFERENCEID: reference },
    success,
  ],
  [
    'a reference above 2^53',
    { ...callback, SaleReferenceId: longReference },
    { ...success, proof: { ...proof, saleReferenceId: longReference } },
  ],
  ['a cancel', { ...unreferenced, ResCode: '17' }, noReference('17')],
  ['a cancel with an empty reference', { ...callback, ResCode: '17', SaleReferenceId: '' }, noReference('17')],
  ['a cancel with the reference 0', { ...callback, ResCode: '17', SaleReferenceId: '0' }, noReference('17')],
  ['a no with a reference', { ...callback, ResCode: '51' }, failure({ resCode: '51' })],
  ['"verified before", which no callback says', { ...callback, ResCode: '43' }, failure({ resCode: '43' })],
  ['a zero in two digits', { ...callback, ResCode: '00' }, failure({ resCode: '00' })],
  ['a yes without a reference', unreferenced, noReference('0')],
  ['a yes with a reference that is no number', { ...callback, SaleReferenceId: '12x' }, noReference('0')],
  ['a yes with a reference below zero', { ...callback, SaleReferenceId: '-5' }, noReference('0')],
  [
    'a yes with a leading zero, another way to write one receipt',
    { ...callback, SaleReferenceId: `0${reference}` },
    noReference('0'),
  ],
  ['a yes with a space', { ...callback, SaleReferenceId: ` ${reference}` }, noReference('0')],
  ['a yes with 20 digits', { ...callback, SaleReferenceId: '1'.repeat(20) }, noReference('0')],
  ['a yes with XML in its reference', { ...callback, SaleReferenceId: '1</saleReferenceId><a>' }, noReference('0')],
  ['a code with markup', { ...callback, ResCode: '0<script>' }, unproved],
  ['a code of five digits', { ...callback, ResCode: '00000' }, unproved],
  ['no code', { RefId: refId, SaleOrderId: '1000001', SaleReferenceId: reference }, unproved],
  ['no order', { RefId: refId, ResCode: '0', SaleReferenceId: reference }, unproved],
  ['an order that is no number', { ...callback, SaleOrderId: '1000001 or 1=1' }, unproved],
  ['an order with a leading zero', { ...callback, SaleOrderId: '01000001' }, unproved],
  ['the handle alone', { RefId: refId }, unproved],
  ['a handle with an injection', { ...callback, RefId: `${refId}' or 1=1` }, undefined],
  ['a handle with a line break', { ...callback, RefId: `${refId}\n` }, undefined],
  ['an empty handle', { ...callback, RefId: '' }, undefined],
  ['a handle of 65 letters', { ...callback, RefId: 'A'.repeat(65) }, undefined],
  ['no handle', { ResCode: '0', SaleOrderId: '1000001', SaleReferenceId: reference }, undefined],
  ['nothing', {}, undefined],
])('A47 A48 A53: of what a browser brings only checked shapes are read: %s', (_name, params, hint) => {
  expect(mellat().parseCallback(params)).toEqual(hint);
});

// Verify and settle.

const ofSale = [
  ['terminalId', '1234567'],
  ['userName', 'kelid'],
  ['userPassword', 'p&amp;ss&lt;1&gt;'],
  ['orderId', '1000001'],
  ['saleOrderId', '1000001'],
  ['saleReferenceId', reference],
];
const approved = { kind: 'approved', reference, cardMasked: null, cardHash: null };

test('PA-1: money is verified and then settled, both with the six parameters in the order of the manual', async () => {
  answerTo('bpVerifyRequest', '0');
  answerTo('bpSettleRequest', '0');
  expect(await mellat().verify(ours())).toEqual({ ...approved, wasVerifiedBefore: false });
  expect(bank.calls).toMatchObject([
    { path: '/pgwchannel/services/pgw', soapAction: 'bpVerifyRequest', operation: 'bpVerifyRequest', params: ofSale },
    { path: '/pgwchannel/services/pgw', soapAction: 'bpSettleRequest', operation: 'bpSettleRequest', params: ofSale },
  ]);
  expect(bank.calls[0]?.params).toEqual(ofSale);
  expect(bank.calls[1]?.params).toEqual(ofSale);
});

test('PA-3: a reference above 2^53 is asked about and kept to its last digit', async () => {
  answerTo('bpVerifyRequest', '0');
  answerTo('bpSettleRequest', '0');
  const answer = await mellat().verify(ours({ proof: { ...proof, saleReferenceId: longReference } }));
  expect(answer).toMatchObject({ kind: 'approved', reference: longReference });
  for (const { params } of bank.calls) expect(params.at(-1)).toEqual(['saleReferenceId', longReference]);
});

test.each([
  ['0', '0', { ...approved, wasVerifiedBefore: false }],
  ['43', '0', { ...approved, wasVerifiedBefore: true }],
  ['0', '45', { ...approved, wasVerifiedBefore: false }],
  ['43', '45', { ...approved, wasVerifiedBefore: true }],
  ['0', '48', { kind: 'declined', pspCode: '48' }],
  ['43', '48', { kind: 'declined', pspCode: '48' }],
])(
  'F13 A50: verify %s and settle %s: "done before" is as good, and says so; reversed money is a no',
  async (...row) => {
    const [verify, settle, expected] = row;
    answerTo('bpVerifyRequest', verify);
    answerTo('bpSettleRequest', settle);
    expect(await mellat().verify(ours())).toEqual(expected);
  },
);

test('PA-1: each verify that the manual calls a no is a definite no, and nothing is settled', async () => {
  for (const code of declined) {
    answerTo('bpVerifyRequest', code);
    expect(await mellat().verify(ours()), code).toEqual({ kind: 'declined', pspCode: code });
  }
  expect(new Set(bank.operations())).toEqual(new Set(['bpVerifyRequest']));
});

test('F13: a verify with any other code is neither yes nor no, and nothing is settled', async () => {
  for (const text of [...undecided, '45', ...undocumented]) {
    answerTo('bpVerifyRequest', text);
    expect(await mellat().verify(ours()), text).toEqual({ kind: 'unknown' });
  }
  expect(new Set(bank.operations())).toEqual(new Set(['bpVerifyRequest']));
});

test('F13: a settle with any other code leaves verified money unknown: it is neither given up nor counted', async () => {
  answerTo('bpVerifyRequest', '0');
  for (const text of [...declined.filter((code) => code !== '48'), ...undecided, '43', ...undocumented]) {
    answerTo('bpSettleRequest', text);
    expect(await mellat().verify(ours()), text).toEqual({ kind: 'unknown' });
  }
});

test('F13: a settle whose answer is lost is repeated with its verify, until the bank says that both were done', async () => {
  const psp = mellat();
  answerTo('bpVerifyRequest', '0');
  bank.answers.set('bpSettleRequest', (response) => void response.destroy());
  expect(await psp.verify(ours())).toEqual({ kind: 'unknown' });
  answerTo('bpVerifyRequest', '43');
  answerXml('bpSettleRequest', '<html>Bad gateway</html>', 502);
  expect(await psp.verify(ours())).toEqual({ kind: 'unknown' });
  answerTo('bpSettleRequest', '45');
  expect(await psp.verify(ours())).toEqual({ ...approved, wasVerifiedBefore: true });
  expect(bank.operations()).toEqual(Array.from({ length: 3 }, () => ['bpVerifyRequest', 'bpSettleRequest']).flat());
});

test.each([
  ['another attempt', { ...proof, saleOrderId: '1000002' }],
  ['an attempt whose number begins like ours', { ...proof, saleOrderId: '10000011' }],
])('A49: a callback that names the sale of %s is a no, and the bank is not asked', async (_name, forged) => {
  for (const operation of ['bpVerifyRequest', 'bpSettleRequest', 'bpInquiryRequest']) answerTo(operation, '0');
  expect(await mellat().verify(ours({ proof: forged }))).toEqual({
    kind: 'declined',
    pspCode: 'another order number',
  });
  expect(await mellat().inquire(ours({ proof: forged }))).toBe('unknown');
  expect(bank.calls).toEqual([]);
});

test.each<[string, Record<string, string>]>([
  ['no callback', {}],
  ['a callback without a reference', { saleOrderId: '1000001', resCode: '0' }],
  ['a reference of a strange shape', { ...proof, saleReferenceId: '12<x>' }],
])('A48: after %s there is nothing to verify by, and the bank is not asked', async (_name, given) => {
  for (const operation of ['bpVerifyRequest', 'bpSettleRequest', 'bpInquiryRequest']) answerTo(operation, '0');
  expect(await mellat().verify(ours({ proof: given }))).toEqual({ kind: 'unknown' });
  expect(await mellat().inquire(ours({ proof: given }))).toBe('unknown');
  expect(bank.calls).toEqual([]);
});

// Answers that are no SOAP.

const yes = '<return>0</return>';
const response = (inner: string) => `<n:bpVerifyRequestResponse xmlns:n="x">${inner}</n:bpVerifyRequestResponse>`;
const nested = (depth: number) => envelope(response(`${'<a>'.repeat(depth)}0${'</a>'.repeat(depth)}${yes}`));
test.each([
  ['as the bank sends it', returned('bpVerifyRequest', '0')],
  [
    'after a declaration, with line breaks',
    `<?xml version='1.0' encoding="UTF-8"?>\n${envelope(`\n ${response(`\n${yes}\n`)}\n`)}\n`,
  ],
  ['after a byte order mark', `\uFEFF${returned('bpVerifyRequest', '0')}`],
  [
    'with other prefixes and attributes',
    `<S:Envelope a="1"><S:Body b='2' >${response('<return xsi:type="xsd:string" >0</return >')}</S:Body></S:Envelope>`,
  ],
  [
    'without prefixes',
    '<Envelope><Body><bpVerifyRequestResponse><return>0</return></bpVerifyRequestResponse></Body></Envelope>',
  ],
  ['with an empty header', envelope('').replace('<soap:Body>', `<soap:Header/><soap:Body>${response(yes)}`)],
  ['beside an element we do not know', envelope(response(`<warning/>${yes}`))],
  ['with a text of 256 KiB less a little', envelope(response(`${' '.repeat(261_000)}${yes}`))],
])('F13: an answer is read %s', (_name, xml) => {
  expect(readSoapReturn(xml, 'bpVerifyRequest')).toBe('0');
});

test.each([
  ['nothing', ''],
  ['a space', ' '],
  ['a bare 0', '0'],
  ['HTML', '<html><body>0</body></html>'],
  ['HTML that is no XML', '<!doctype html><html><br>Bad gateway'],
  ['JSON', '{"return":"0"}'],
  ['a fault', envelope('<soap:Fault><faultcode>soap:Server</faultcode><faultstring>0</faultstring></soap:Fault>')],
  ['a fault beside the answer', envelope(`${response(yes)}<soap:Fault><faultcode>x</faultcode></soap:Fault>`)],
  ['an answer of another operation', returned('bpPayRequest', '0')],
  ['an answer to an operation whose name begins alike', returned('bpVerifyRequestX', '0')],
  ['an empty body', envelope('')],
  ['an empty response', envelope(response(''))],
  ['two returns', envelope(response(`${yes}${yes}`))],
  ['two responses', envelope(`${response(yes)}${response('<return>42</return>')}`)],
  ['two bodies', `<Envelope><Body>${response(yes)}</Body><Body>${response(yes)}</Body></Envelope>`],
  ['two envelopes', `${returned('bpVerifyRequest', '0')}${returned('bpVerifyRequest', '42')}`],
  ['something after the envelope', `${returned('bpVerifyRequest', '0')}<b/>`],
  ['text after the envelope', `${returned('bpVerifyRequest', '0')}42`],
  ['text before the envelope', `HTTP/1.1 ${returned('bpVerifyRequest', '0')}`],
  ['a return with an element in it', envelope(response('<return>0<b/></return>'))],
  ['a return outside of the response', envelope(`${response('')}${yes}`)],
  ['a return too deep', envelope(response(`<result>${yes}</result>`))],
  ['a response outside of the envelope', `<Body>${response(yes)}</Body>`],
  ['a DTD', `<!DOCTYPE a [<!ENTITY b "0">]>${returned('bpVerifyRequest', '0')}`],
  ['an entity of its own', returned('bpVerifyRequest', '&b;')],
  [
    'a file by an entity',
    `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>${returned('bpVerifyRequest', '&b;')}`,
  ],
  ['an entity that everybody knows', returned('bpVerifyRequest', '&#48;')],
  ['an entity in an attribute', envelope(response('<return a="&b;">0</return>'))],
  ['a comment', returned('bpVerifyRequest', '<!-- 42 -->0')],
  ['a comment before the envelope', `<!-- 42 -->${returned('bpVerifyRequest', '0')}`],
  ['CDATA', returned('bpVerifyRequest', '<![CDATA[0]]>')],
  ['an instruction to a program', returned('bpVerifyRequest', '<?php echo 42 ?>0')],
  ['a tag that does not end', returned('bpVerifyRequest', '0').slice(0, -1)],
  ['an element that does not end', returned('bpVerifyRequest', '0').replace('</soap:Envelope>', '')],
  ['an answer cut off in the middle', returned('bpVerifyRequest', '0').slice(0, 200)],
  ['elements that cross', envelope(response('<return>0<a></return></a>'))],
  ['an end without a beginning', `</Envelope>${returned('bpVerifyRequest', '0')}`],
  ['an end with an attribute', envelope(response('<return>0</return a="1">'))],
  ['an end that is empty', envelope(response('<return>0</return/>'))],
  ['an attribute without quotes', envelope(response('<return a=1>0</return>'))],
  ['names in another case', returned('bpVerifyRequest', '0').replaceAll('return', 'Return')],
  ['more than 256 KiB', envelope(response(`${' '.repeat(263_000)}${yes}`))],
  ['less than 256 Ki letters, in more bytes', envelope(response(`${'پ'.repeat(140_000)}${yes}`))],
  ['elements in 20 others', nested(20)],
  ['elements in 20,000 others', nested(20_000)],
  ['200,000 spaces in a tag that does not end', `<a${' '.repeat(200_000)}`],
])('F13: %s is no answer', (_name, xml) => {
  // What grows with the square of these lengths would not end within the test's own time.
  expect(readSoapReturn(xml, 'bpVerifyRequest')).toBeUndefined();
});

test('F13: what cannot be read is unknown in each call, whatever its status, and the body of an error is not read', async () => {
  const strange: ((operation: string) => void)[] = [
    (operation) => answerXml(operation, '<html>Bad gateway</html>'),
    (operation) => answerXml(operation, ''),
    (operation) => answerXml(operation, '0'),
    (operation) => answerXml(operation, `<!DOCTYPE a>${returned(operation, '0')}`),
    (operation) => answerXml(operation, `${returned(operation, '0')}${returned(operation, '0')}`),
    (operation) => answerXml(operation, `${returned(operation, '0')}${' '.repeat(1_100_000)}`),
    (operation) => answerXml(operation, envelope('<soap:Fault><faultcode>soap:Server</faultcode></soap:Fault>'), 500),
    (operation) => answerXml(operation, returned(operation, '0'), 500),
    (operation) => answerXml(operation, returned(operation, '0'), 404),
    (operation) => answerXml(operation, returned(operation, '0'), 202),
    (operation) => bank.answers.set(operation, (lost) => void lost.destroy()),
    (operation) => bank.answers.set(operation, (to) => void to.writeHead(307, { location: '/elsewhere' }).end()),
  ];
  for (const answer of strange) {
    for (const name of ['Pay', 'Verify', 'Inquiry', 'Refund', 'RefundInquiry']) answer(`bp${name}Request`);
    expect(await mellat().request(attempt)).toEqual({ kind: 'unknown' });
    expect(await mellat().verify(ours())).toEqual({ kind: 'unknown' });
    expect(await mellat().inquire(ours())).toBe('unknown');
    expect(await mellat().refund?.(captured, refund)).toEqual({ kind: 'unknown' });
    expect(await mellat().inquireRefund?.(captured, { ...refund, reference: refundReference })).toBe('unknown');
  }
  expect(bank.calls.filter((call) => call.path !== '/pgwchannel/services/pgw')).toEqual([]);
  expect(bank.calls).toHaveLength(strange.length * 5);
});

test('F12: a bank that does not answer is offered no more', async () => {
  const psp = mellat();
  bank.answers.set('bpPayRequest', (lost) => void lost.destroy());
  expect(psp.isOffered()).toBe(true);
  for (let count = 0; count < 10; count += 1) await psp.request(attempt);
  expect(psp.isOffered()).toBe(false);
});

// Inquiry.

test.each([
  ['verified', ['0', '43', '45', '46']],
  ['reversed', ['48']],
  ['failed', declined.filter((code) => code !== '48')],
  ['unknown', [...undecided.filter((code) => code !== '46'), ...undocumented]],
])('PA-1: an inquiry says %s when it is answered with %j', async (expected, texts) => {
  for (const text of texts) {
    answerTo('bpInquiryRequest', text);
    expect(await mellat().inquire(ours()), text).toBe(expected);
    expect(bank.calls.at(-1)).toMatchObject({ operation: 'bpInquiryRequest', soapAction: 'bpInquiryRequest' });
    expect(bank.calls.at(-1)?.params).toEqual(ofSale);
  }
  expect(bank.calls).toHaveLength(texts.length);
});

test('PA-1: a no of the browser without a reference is believed, for nothing can be verified then; a yes and an outage are not', async () => {
  const of = (resCode: string) => mellat().inquire(ours({ proof: { saleOrderId: '1000001', resCode } }));
  for (const code of declined) expect(await of(code)).toBe('failed');
  for (const code of ['0', '43', '7', ...undecided]) expect(await of(code)).toBe('unknown');
  expect(bank.calls).toEqual([]);
});

test('PA-1: the bank has no list of unverified payments, and no reversal is tried: verified money is settled at once', async () => {
  expect(await mellat().listUnverified()).toEqual([]);
  expect(mellat().reverse).toBeUndefined();
  expect(mellat().facts).not.toHaveProperty('reverseWindowMinutes');
  expect(bank.calls).toEqual([]);
});

// Refunds.

test('PA-8: a refund has a number of its own, names the sale, and comes last with its amount', async () => {
  answerTo('bpRefundRequest', `0, ${refundReference}`);
  expect(await mellat().refund?.(captured, refund)).toEqual({ kind: 'done', reference: refundReference });
  expect(bank.calls[0]?.params).toEqual([
    ...ofSale.slice(0, 3),
    ['orderId', '1000000000007'],
    ['saleOrderId', '1000001'],
    ['saleReferenceId', reference],
    ['refundAmount', '50000'],
  ]);
});

test('PA-8: a refund names the sale that was captured, whatever a later callback brought', async () => {
  answerTo('bpRefundRequest', `0,${refundReference}`);
  const forged = { ...captured, proof: { saleOrderId: '77', resCode: '0', saleReferenceId: '78' } };
  expect(await mellat().refund?.(forged, refund)).toMatchObject({ kind: 'done' });
  expect(bank.calls[0]?.params.slice(4, 6)).toEqual(ofSale.slice(4));
});

test('PA-8: a refund that is done without a reference has one of ours', async () => {
  answerTo('bpRefundRequest', '0');
  expect(await mellat().refund?.(captured, refund)).toEqual({ kind: 'done', reference: 'refund-1000000000007' });
});

test('I11: what was never captured is not refunded, and the bank is not asked', async () => {
  expect(await mellat().refund?.(ours(), refund)).toEqual({ kind: 'refused', pspCode: 'not captured' });
  expect(bank.calls).toEqual([]);
});

const refundRefused = '12 19 21 23 24 25 42 46 47 48 54 55 421'.split(' ');
test('PA-8: a refund that the bank refuses before it begins is refused', async () => {
  for (const code of refundRefused) {
    answerTo('bpRefundRequest', code);
    expect(await mellat().refund?.(captured, refund), code).toEqual({ kind: 'refused', pspCode: code });
  }
});

test('CP16: a refund with any other code may have been done: it is inquired about, never sent again', async () => {
  for (const text of [...declined, ...undecided, '43', '45', ...undocumented]) {
    if (refundRefused.includes(text)) continue;
    answerTo('bpRefundRequest', text);
    expect(await mellat().refund?.(captured, refund), text).toEqual({ kind: 'unknown' });
  }
});

test('CP16: a refund is asked about by its number and the reference that the bank gave it', async () => {
  const asked = { ...refund, reference: refundReference };
  answerTo('bpRefundInquiryRequest', '0');
  expect(await mellat().inquireRefund?.(captured, asked)).toBe('done');
  expect(bank.calls).toMatchObject([{ soapAction: 'bpRefundInquiryRequest' }]);
  expect(bank.calls[0]?.params).toEqual([
    ...ofSale.slice(0, 3),
    ['orderId', '1000000000007'],
    ['refundOrderId', '1000000000007'],
    ['refundReferenceId', refundReference],
  ]);
  answerTo('bpRefundInquiryRequest', '49');
  expect(await mellat().inquireRefund?.(captured, asked)).toBe('not-done');
});

test('CP16: an inquiry about a refund with any other code tells nothing', async () => {
  for (const text of [...declined, ...undecided, '43', '45', ...undocumented]) {
    if (text === '49') continue;
    answerTo('bpRefundInquiryRequest', text);
    const became = await mellat().inquireRefund?.(captured, { ...refund, reference: refundReference });
    expect(became, text).toBe('unknown');
  }
});

test.each([undefined, '', 'refund-1000000000007', '12a'])(
  'CP16: without a reference of the bank (%j) there is nothing to ask by',
  async (given) => {
    answerTo('bpRefundInquiryRequest', '49');
    const asked = given === undefined ? refund : { ...refund, reference: given };
    expect(await mellat().inquireRefund?.(captured, asked)).toBe('unknown');
    expect(bank.calls).toEqual([]);
  },
);

// Through the payments service, at the simulator.

interface Started {
  orderId: string;
  customerId: string;
  attemptId: string;
  token: string;
}
async function start(order: { orderId: string; customerId: string }): Promise<Started> {
  const begun = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp: 'behpardakht' });
  expect(begun.redirectUrl).toBe(`${simulators.url}/behpardakht/pgwchannel/startpay.mellat`);
  const token = begun.redirectFields?.['RefId'] ?? '';
  expect(begun.redirectFields).toEqual({ RefId: expect.stringMatching(/^\w{14}$/) });
  return { ...order, attemptId: begun.attemptId, token };
}
const comeBack = (params: Record<string, string>) => shop.browser.handlePspCallback({ psp: 'behpardakht', params });
const sweep = () => shop.host.sweep('payments', 'settle-due-attempts');
const statusOf = async ({ attemptId }: Started) => (await shop.attempt(attemptId)).status;

/** An order whose customer has paid at the bank and has not come back yet. */
async function payAtBank(amountRial = 2_500_000) {
  const order = await shop.owe(amountRial);
  const begun = await start(order);
  return { ...begun, order, params: await control.decide(begun.token, 'pay') };
}

/** What the simulated bank itself answers, to the same credentials. */
async function askBank(operation: string, params: Record<string, string | number>): Promise<string | undefined> {
  const answer = await fetch(`${simulators.url}/behpardakht/pgwchannel/services/pgw`, {
    method: 'POST',
    headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: operation },
    body: soapCall('http://interfaces.core.sw.bps.com/', operation, { ...terminal, ...params }),
  });
  return readSoapReturn(await answer.text(), operation);
}
const bankSays = ({ SaleOrderId = '', SaleReferenceId = '' }: Record<string, string>) =>
  askBank('bpInquiryRequest', { orderId: SaleOrderId, saleOrderId: SaleOrderId, saleReferenceId: SaleReferenceId });

async function expectCaptured({ attemptId, orderId, params }: Started & { params: Record<string, string> }) {
  expect(await shop.attempt(attemptId)).toMatchObject({
    status: 'captured',
    isSurplus: false,
    psp_reference: params['SaleReferenceId'],
  });
  expect(await shop.published('payment.captured', orderId)).toHaveLength(1);
  expect(await bankSays(params)).toBe('45');
}

const hiddenFields = (html: string) =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );

test('PA-1: a shopper is sent to the bank by a form, pays on its page, comes back by a form, and the order is paid and settled', async () => {
  const order = await shop.owe();
  const begun = await start(order);
  const post = async (url: string, form: Record<string, string>) =>
    (await fetch(url, { method: 'POST', body: new URLSearchParams(form) })).text();
  const page = await post(`${simulators.url}/behpardakht/pgwchannel/startpay.mellat`, { RefId: begun.token });
  const action = /<form class="card" method="post" action="([^"]+)"/.exec(page)?.[1] ?? '';
  const params = hiddenFields(await post(`${simulators.url}${action}`, { outcome: 'pay' }));
  expect(params).toMatchObject({ RefId: begun.token, ResCode: '0', CardHolderPan: '603799*****0006' });
  expect(await bankSays(params)).toBe('0');
  expect((await comeBack(params)).location).toContain(`/payment/result?order=${order.orderId}`);
  await expectCaptured({ ...begun, params });
  expect(await shop.intentStatus(order)).toBe('captured');
});

test.each([
  ['fail', '12'],
  ['cancel', '17'],
] as const)('PA-1: a payment that ends with %s is over at once, and the next try pays the order', async (end, code) => {
  const order = await shop.owe();
  const begun = await start(order);
  const params = await control.decide(begun.token, end);
  expect(params).toEqual({ RefId: begun.token, ResCode: code, SaleOrderId: params['SaleOrderId'] });
  await comeBack(params);
  expect(await shop.attempt(begun.attemptId)).toMatchObject({
    status: 'failed',
    failureReason: 'cancelled-at-the-bank',
  });
  expect(await shop.intentStatus(order)).toBe('open');
  const next = await start(order);
  const paid = await control.decide(next.token, 'pay');
  await comeBack(paid);
  await expectCaptured({ ...next, params: paid });
});

test('PA-4 A52: ten callbacks at once are one verify, one settle and one capture', async () => {
  const paid = await payAtBank();
  await Promise.all(Array.from({ length: 10 }, () => comeBack(paid.params)));
  await expectCaptured(paid);
  expect(await shop.attempt(paid.attemptId)).toMatchObject({ verifyCount: 1 });
  await comeBack(paid.params);
  expect(await shop.attempt(paid.attemptId)).toMatchObject({ status: 'captured', verifyCount: 1 });
});

test.each([
  ['verify', 'lose-answer', '43'],
  ['verify', 'down', '0'],
  ['verify', 'error', '0'],
  ['verify', 'garbage', '0'],
  ['settle', 'lose-answer', '45'],
  ['settle', 'down', '43'],
  ['settle', 'error', '43'],
  ['settle', 'garbage', '43'],
])(
  'F13: %s struck by "%s" is unknown here and %s at the bank; the sweep asks again and captures once',
  async (...row) => {
    const [step, mode, atBank] = row;
    const paid = await payAtBank();
    await control.fault(`behpardakht.${step}`, { mode, count: 1 });
    await comeBack(paid.params);
    expect(await statusOf(paid)).toBe('unknown');
    expect(await shop.intentStatus(paid.order)).toBe('open');
    expect(await bankSays(paid.params)).toBe(atBank);
    await sweep();
    expect(await statusOf(paid)).toBe('unknown');
    await shop.comeDue(paid.attemptId);
    await Promise.all([sweep(), sweep(), comeBack(paid.params)]);
    await expectCaptured(paid);
    expect(await shop.attempt(paid.attemptId)).toMatchObject({ verifyCount: 2 });
  },
);

test('F13: a verify whose answer is still lost near the end of the window is found by the inquiry after it', async () => {
  const paid = await payAtBank();
  await control.fault('behpardakht.settle', { mode: 'lose-answer', count: 1 });
  await comeBack(paid.params);
  await shop.comeDue(paid.attemptId, 19);
  await sweep();
  await expectCaptured(paid);
});

test('F13: money that the bank verified and would not settle for a day goes to a person, and not before', async () => {
  const paid = await payAtBank();
  await control.fault('behpardakht.settle', { mode: 'error' });
  await comeBack(paid.params);
  await shop.comeDue(paid.attemptId, 600);
  await sweep();
  expect(await statusOf(paid)).toBe('unknown');
  await shop.comeDue(paid.attemptId, 1_000);
  await sweep();
  expect(await shop.attempt(paid.attemptId)).toMatchObject({ status: 'review', failureReason: 'unknown for a day' });
  expect(shop.hasAlarm('payment-review', paid.attemptId)).toBe(true);
  expect(await shop.intentStatus(paid.order)).toBe('open');
});

test('F13: money that the bank settles after more than a day is captured, and nobody is called', async () => {
  const paid = await payAtBank();
  await control.fault('behpardakht.settle', { mode: 'error', count: 1 });
  await comeBack(paid.params);
  await shop.comeDue(paid.attemptId, 1_600);
  await sweep();
  await expectCaptured(paid);
  expect(shop.hasAlarm('payment-review', paid.attemptId)).toBe(false);
});

test('A50: the bank says "verified before" though we never asked: a person looks, nothing is sold', async () => {
  const paid = await payAtBank();
  await control.fault('behpardakht.verify', { mode: 'verified-before', count: 1 });
  await comeBack(paid.params);
  expect(await statusOf(paid)).toBe('review');
  expect(shop.hasAlarm('payment-review', paid.attemptId)).toBe(true);
  expect(await shop.intentStatus(paid.order)).toBe('open');
});

test('A49: the receipt of a cheap order pays no dear one: under its own number it is another sale, under ours the bank does not know it', async () => {
  const cheap = await payAtBank(10_000);
  const dear = await start(await shop.owe(90_000_000));
  const { attempt_no: dearNo } = await shop.attempt(dear.attemptId);
  for (const [SaleOrderId, reason] of [
    [cheap.params['SaleOrderId'] ?? '', 'declined another order number'],
    [String(dearNo), 'declined 42'],
  ]) {
    await comeBack({ ...cheap.params, RefId: dear.token, SaleOrderId: SaleOrderId ?? '' });
    expect(await shop.attempt(dear.attemptId)).toMatchObject({ status: 'failed', failureReason: reason });
  }
  await comeBack(cheap.params);
  await expectCaptured(cheap);
  await comeBack({ ...cheap.params, RefId: dear.token, SaleOrderId: String(dearNo) });
  expect(await statusOf(dear)).toBe('failed');
  expect(await shop.published('payment.captured', dear.orderId)).toEqual([]);
});

test('A47 A48: a yes that nobody paid for captures nothing, one for no attempt of ours is only told, and the true yes still pays', async () => {
  const order = await shop.owe();
  const begun = await start(order);
  const { attempt_no: attemptNo } = await shop.attempt(begun.attemptId);
  const forged = { RefId: begun.token, ResCode: '0', SaleOrderId: String(attemptNo), SaleReferenceId: '127999999999' };
  await comeBack(forged);
  expect(await shop.attempt(begun.attemptId)).toMatchObject({ status: 'failed', failureReason: 'declined 42' });
  expect(await shop.intentStatus(order)).toBe('open');
  await comeBack({ ...forged, RefId: 'AAAAAAAAAAAAAA' });
  expect(shop.hasAlarm('callback-unknown')).toBe(true);
  const params = await control.decide(begun.token, 'pay');
  await comeBack(params);
  await expectCaptured({ ...begun, params });
});

test('A47: a no that is forged for paid money does not keep the true yes from being looked at', async () => {
  const paid = await payAtBank();
  await comeBack({ RefId: paid.token, ResCode: '17', SaleOrderId: paid.params['SaleOrderId'] ?? '' });
  expect(await statusOf(paid)).toBe('failed');
  await comeBack(paid.params);
  await expectCaptured(paid);
});

test('CP6 F16: paid and never back: nothing can be asked without the callback, so the bank gives it back, and the attempt is given up', async () => {
  const paid = await payAtBank();
  await shop.comeDue(paid.attemptId, 5);
  await sweep();
  expect(await statusOf(paid)).toBe('redirected');
  await shop.comeDue(paid.attemptId, 25);
  await sweep();
  expect(await statusOf(paid)).toBe('abandoned');
  expect(await shop.intentStatus(paid.order)).toBe('open');
});

test('F16: money that was not verified in twenty minutes went back: a definite no to verify, settle and inquiry, and so it stays', async () => {
  const paid = await payAtBank();
  const { SaleOrderId = '', SaleReferenceId = '' } = paid.params;
  const psp = createBehpardakht({ baseUrl: `${simulators.url}/behpardakht`, ...terminal });
  const row = {
    ...ours({ pspToken: paid.token, attemptNo: Number(SaleOrderId) }),
    proof: { saleOrderId: SaleOrderId, resCode: '0', saleReferenceId: SaleReferenceId },
  };
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 21 * 60_000 });
  expect(await psp.verify(row)).toEqual({ kind: 'declined', pspCode: '48' });
  expect(await psp.inquire(row)).toBe('reversed');
  vi.useRealTimers();
  await comeBack(paid.params);
  expect(await shop.attempt(paid.attemptId)).toMatchObject({ status: 'failed', failureReason: 'declined 48' });
});

// Refunds through the service.

async function delivered(amountRial = 2_500_000) {
  const paid = await payAtBank(amountRial);
  await comeBack(paid.params);
  const ref = { orderId: paid.orderId, customerId: paid.customerId, orderNumber: 'KL-1', version: 4 };
  const facts = { totalRial: amountRial, contact: {}, lines: [], fulfilledAt: new Date().toISOString() };
  await shop.deliver('order.fulfilled', { ...ref, ...facts });
  return paid;
}
const askRefund = ({ orderId }: Started, more: { amountRial?: number; method?: 'psp' | 'wallet' } = {}) =>
  shop.staff('mina').requestRefund({ orderId, method: 'psp', reason: 'مشتری پشیمان شد', ...more });
const clearing = async () => {
  const { accounts, sumRial } = await shop.orders.getTrialBalance({});
  expect(sumRial).toBe(0);
  return accounts.find((entry) => entry.account === 'clearing:behpardakht')?.balanceRial ?? 0;
};
const findRefund = async (id: string) =>
  (await shop.staff('mina').listRefunds({ limit: 100 })).items.find((item) => item.id === id);
async function refundComesDue(refundId: string, submittedHoursAgo = 0): Promise<void> {
  await shop.sql(
    'payments',
    'update refunds set due_at = now(), submitted_at = submitted_at - make_interval(hours => $2) where id = $1',
    [refundId, submittedHoursAgo],
  );
  await settleDueRefunds(shop.ctx());
}
async function refundAtBank(refundId: string, refundReferenceId: string): Promise<string | undefined> {
  const [row] = await shop.sql('payments', 'select refund_no from refunds where id = $1', [refundId]);
  const refundNo = String(row?.['refund_no']);
  return askBank('bpRefundVerifyRequest', { orderId: refundNo, refundOrderId: refundNo, refundReferenceId });
}

test('PA-8 I11: staff give parts of a payment back to the card, never more than it paid, each with the reference of the bank', async () => {
  const paid = await delivered();
  const before = await clearing();
  const part = await askRefund(paid, { amountRial: 1_000_000 });
  expect(part).toMatchObject({ status: 'succeeded', reference: expect.stringMatching(/^1279\d{14}$/) });
  expect(await refundAtBank(part.id, part.reference ?? '')).toBe('0');
  await expect(askRefund(paid, { amountRial: 1_500_001 })).rejects.toMatchObject({ code: 'payments.refund-too-large' });
  const rest = await askRefund(paid);
  expect(rest).toMatchObject({ status: 'succeeded', amountRial: 1_500_000, isWhole: true });
  expect(await refundAtBank(rest.id, rest.reference ?? '')).toBe('0');
  expect(await refundAtBank(rest.id, part.reference ?? '')).toBe('49');
  expect((await clearing()) - before).toBe(-2_500_000);
});

test('PA-8: what the bank refuses to give back is free again for another way', async () => {
  const paid = await delivered();
  const { SaleOrderId = '', SaleReferenceId = '' } = paid.params;
  const sale = { saleOrderId: SaleOrderId, saleReferenceId: SaleReferenceId };
  const elsewhere = { orderId: 900_000_000_000 + Number(SaleOrderId), ...sale, refundAmount: 1 };
  expect(await askBank('bpRefundRequest', elsewhere)).toMatch(/^0, /);
  expect(await askRefund(paid)).toMatchObject({ status: 'failed', failureReason: 'refused by the PSP: 19' });
  expect(await askRefund(paid, { method: 'wallet' })).toMatchObject({ status: 'succeeded', amountRial: 2_500_000 });
});

test('CP16 I11: a refund whose answer is lost cannot be asked about without its reference: it is never sent again, and a person looks', async () => {
  const paid = await delivered();
  await control.fault('behpardakht.refund', { mode: 'lose-answer', count: 1 });
  const asked = await askRefund(paid, { amountRial: 1_000_000 });
  expect(asked).toMatchObject({ status: 'unknown', reference: null });
  await refundComesDue(asked.id);
  expect((await findRefund(asked.id))?.status).toBe('unknown');
  await refundComesDue(asked.id, 25);
  expect((await findRefund(asked.id))?.status).toBe('review');
  expect(shop.hasAlarm('refund-review')).toBe(true);
  // The bank gave back the million once: a second one would leave less than what is asked for now.
  await shop.staff('reza').recordRefundTransfer({ refundId: asked.id, wasSent: true, reference: '14050830001' });
  expect(await askRefund(paid)).toMatchObject({ status: 'succeeded', amountRial: 1_500_000 });
});

test('CP16: the reference that the bank answered is kept before the books are written, and by it the sweep finds the refund', async () => {
  const paid = await delivered();
  const before = await clearing();
  const rename = (from: string, to: string) => shop.ownerSql('payments', `alter function ${from} rename to ${to}`);
  await rename('payments_finish_refund', 'payments_finish_refund_away');
  await expect(askRefund(paid)).rejects.toMatchObject({ status: 500 });
  await rename('payments_finish_refund_away', 'payments_finish_refund');
  const [row] = await shop.sql('payments', 'select id, status, reference from refunds where order_id = $1', [
    paid.orderId,
  ]);
  const refundId = String(row?.['id']);
  expect(row).toMatchObject({ status: 'submitting', reference: expect.stringMatching(/^1279\d{14}$/) });
  expect(await clearing()).toBe(before);

  await control.fault('behpardakht.inquiry', { mode: 'down', count: 1 });
  await refundComesDue(refundId);
  expect(await findRefund(refundId)).toMatchObject({ status: 'unknown' });
  await refundComesDue(refundId);
  expect(await findRefund(refundId)).toMatchObject({ status: 'succeeded', reference: row?.['reference'] });
  expect((await clearing()) - before).toBe(-2_500_000);
});

// The simulator keeps the rules of the bank, or what passed above would prove nothing.

test('PA-1: the simulated bank takes no parameter out of its order, under another name, namespace or type', async () => {
  const paid = await payAtBank();
  const { SaleOrderId = '', SaleReferenceId = '' } = paid.params;
  const sale = { orderId: SaleOrderId, saleOrderId: SaleOrderId, saleReferenceId: SaleReferenceId };
  const { userPassword, ...rest } = terminal;
  const wrong: Record<string, string | number>[] = [
    { ...rest, userPassword, ...sale, orderId: 'x' },
    { ...rest, userPassword, saleOrderId: SaleOrderId, orderId: SaleOrderId, saleReferenceId: SaleReferenceId },
    { userPassword, ...rest, ...sale },
    { ...rest, ...sale },
    { ...rest, userPassword, ...sale, more: 1 },
    { ...rest, userpassword: userPassword, ...sale },
  ];
  const send = (xml: string) =>
    fetch(`${simulators.url}/behpardakht/pgwchannel/services/pgw`, {
      method: 'POST',
      headers: { 'content-type': 'text/xml' },
      body: xml,
    });
  const right = { ...rest, userPassword, ...sale };
  const namespace = 'http://interfaces.core.sw.bps.com/';
  const calls = wrong.map((params) => soapCall(namespace, 'bpInquiryRequest', params));
  calls.push(
    soapCall('http://elsewhere/', 'bpInquiryRequest', right),
    soapCall(namespace, 'bpOtherRequest', right),
    '',
  );
  for (const xml of calls) expect((await send(xml)).status, xml).toBeGreaterThanOrEqual(400);
  expect((await send(soapCall(namespace, 'bpInquiryRequest', right))).status).toBe(200);
});

test('PA-1: the simulated bank settles after a verify alone, refunds after a settle alone, and reverses between the two', async () => {
  const saleOf = async () => {
    const { SaleOrderId = '', SaleReferenceId = '' } = (await payAtBank(100_000)).params;
    const sale = { orderId: SaleOrderId, saleOrderId: SaleOrderId, saleReferenceId: SaleReferenceId };
    return (name: string, more: Record<string, string | number> = {}) =>
      askBank(`bp${name}Request`, { ...sale, ...more });
  };
  const ask = await saleOf();
  const part = { orderId: 800_000_000_001, refundAmount: 60_000 };
  expect([await ask('Settle'), await ask('Reversal'), await ask('Refund', part)]).toEqual(['44', '44', '46']);
  expect([await ask('Verify'), await ask('Verify'), await ask('Refund', part)]).toEqual(['0', '43', '46']);
  expect([await ask('Settle'), await ask('Settle'), await ask('Reversal')]).toEqual(['0', '45', '45']);
  expect(await ask('Refund', part)).toMatch(/^0, \d{18}$/);
  expect(await ask('Refund', { ...part, refundAmount: 1 })).toBe('41');
  expect(await ask('Refund', { orderId: 800_000_000_002, refundAmount: 40_001 })).toBe('19');
  expect(await ask('Refund', { orderId: 800_000_000_002, refundAmount: 0 })).toBe('25');
  expect(await ask('Verify', { userName: 'wrong' })).toBe('24');
  expect(await ask('Verify', { terminalId: 7 })).toBe('42');

  const other = await saleOf();
  expect([await other('Verify'), await other('Reversal'), await other('Settle')]).toEqual(['0', '0', '48']);
  expect([await other('Verify'), await other('Inquiry'), await other('Reversal')]).toEqual(['48', '48', '48']);

  const late = await saleOf();
  expect(await late('Verify')).toBe('0');
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 181 * 60_000 });
  expect([await late('Reversal'), await late('Inquiry')]).toEqual(['45', '45']);
});
