import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { allFaultModes, FaultPlace } from './faults.ts';
import { startTestSimulators, steamCard, type TestSimulators } from './test-simulators.ts';

let simulators: TestSimulators;
/** The shop's callback, counting who comes. */
const visits: string[] = [];
/** Each message of Stripe: whether the right secret signed it, which payment it is of and what it says. */
const messages: { isSigned: boolean; sessionId: string; type: string }[] = [];
const stripeSecret = 'whsec_of_the_test';
const shop = createServer((request, response) => {
  visits.push(request.url ?? '');
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url === '/webhook') messages.push(readMessage(String(request.headers['stripe-signature']), chunks));
    response.end('ok');
  });
});
function readMessage(signature: string, chunks: Buffer[]) {
  const text = Buffer.concat(chunks).toString();
  const { type, data } = JSON.parse(text) as { type: string; data: { object: { metadata: { attempt_id: string } } } };
  const [, at] = /^t=(\d+),/.exec(signature) ?? [];
  const isSigned =
    signature === `t=${at},v1=${createHmac('sha256', stripeSecret).update(`${at}.${text}`).digest('hex')}`;
  return { isSigned, sessionId: data.object.metadata.attempt_id, type };
}
let callbackUrl = '';
beforeAll(async () => {
  simulators = await startTestSimulators();
  await new Promise<void>((ready) => shop.listen(0, '127.0.0.1', ready));
  callbackUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/callback`;
});
afterEach(async () => {
  await simulators.calm();
});
afterAll(async () => {
  shop.close();
  await simulators.close();
});

/** What a caller hears of one call. */
const see = async (call: () => Promise<unknown>): Promise<string> => String(await call().catch(() => 'no answer'));

async function answerOf(response: Response): Promise<string> {
  const text = await response.text();
  if (text.startsWith('<')) return 'html';
  const body = JSON.parse(text) as {
    data?: { code?: number };
    errors?: { code?: number };
    return?: { status: number };
    result?: number;
  };
  return String(body.result ?? body.data?.code ?? body.errors?.code ?? body.return?.status);
}

const bankStatus = async (authority: string) => {
  const { items } = JSON.parse(await simulators.page('/banks/attempts')) as { items: Record<string, unknown>[] };
  return items.find((item) => item['authority'] === authority)?.['status'];
};

const callZibal = (name: string, body: object) =>
  fetch(`${simulators.url}/zibal/v1/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ merchant: 'zibal', ...body }),
  });
async function startZibal(outcome?: 'pay', url = callbackUrl): Promise<number> {
  const answer = await callZibal('request', { amount: 2_500_000, callbackUrl: url });
  const { trackId } = (await answer.json()) as { trackId: number };
  if (outcome) await simulators.decide(String(trackId), outcome);
  return trackId;
}

const callBehpardakht = async (name: string, params: Record<string, string | number>) => {
  const named = { terminalId: 1234, userName: 'kelid', userPassword: 'secret', ...params };
  const given = Object.entries(named).map(([key, value]) => `<${key}>${value}</${key}>`);
  const response = await fetch(`${simulators.url}/behpardakht/pgwchannel/services/pgw`, {
    method: 'POST',
    headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: name },
    body: `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:n="http://interfaces.core.sw.bps.com/"><e:Body><n:${name}>${given.join('')}</n:${name}></e:Body></e:Envelope>`,
  });
  const text = await response.text();
  if (text.startsWith('<html')) return 'html';
  return /<return>(.*)<\/return>/.exec(text)?.[1] ?? `${response.status}`;
};
let lastOrderId = 1_000;
async function startBehpardakht() {
  lastOrderId += 1;
  const answer = await callBehpardakht('bpPayRequest', {
    orderId: lastOrderId,
    amount: 2_500_000,
    localDate: '20261121',
    localTime: '102003',
    additionalData: 'KL-140508',
    callBackUrl: `${callbackUrl}/${lastOrderId}`,
    payerId: 0,
  });
  return { answer, orderId: lastOrderId, refId: answer.slice(3) };
}
async function payBehpardakht() {
  const { orderId, refId } = await startBehpardakht();
  const { form } = (await simulators.decide(refId, 'pay')) as { form: { SaleReferenceId: string } };
  return { refId, sale: { orderId, saleOrderId: orderId, saleReferenceId: form.SaleReferenceId } };
}
async function callStripe(path: string, form?: Record<string, string>) {
  const response = await fetch(`${simulators.url}/stripe/v1/${path}`, {
    method: form ? 'POST' : 'GET',
    headers: { authorization: 'Bearer sk_test_of_the_test' },
    ...(form ? { body: new URLSearchParams(form) } : {}),
  });
  const text = await response.text();
  if (text.startsWith('<')) return { status: 'html' };
  type Body = { id: string; status: string; amount_received?: number; payment_intent?: { id: string; status: string } };
  const body = JSON.parse(text) as Body & { error?: { type: string } };
  return body.error ? { status: body.error.type } : body;
}
async function startStripe(attemptId = 'any') {
  const session = await callStripe('checkout/sessions', {
    mode: 'payment',
    success_url: `${callbackUrl}?session_id={CHECKOUT_SESSION_ID}`,
    cancel_url: callbackUrl,
    expires_at: String(Math.floor(Date.now() / 1000) + 2_000),
    'line_items[0][quantity]': '1',
    'line_items[0][price_data][currency]': 'eur',
    'line_items[0][price_data][unit_amount]': '250',
    'line_items[0][price_data][product_data][name]': 'Kelid KL-140508',
    'payment_intent_data[capture_method]': 'manual',
    'payment_intent_data[metadata][attempt_id]': attemptId,
    'metadata[attempt_id]': attemptId,
  });
  return 'id' in session ? session.id : session.status;
}
const findStripe = (id: string) => callStripe(`checkout/sessions/${id}?expand[0]=payment_intent`);
async function startPaidStripe() {
  const id = await startStripe();
  await simulators.decide(id, 'pay');
  const session = await findStripe(id);
  const intentId = 'payment_intent' in session ? session.payment_intent?.id : undefined;
  return { id, intentId: String(intentId) };
}
const messagesOf = (attemptId: string) =>
  messages
    .filter((one) => one.sessionId === attemptId)
    .map((one) => (one.isSigned ? one.type : 'forged'))
    .join(' ') || 'nothing';

let lastPhone = 9_120_000_000;
/** The others are proved beside what speaks to them: their provider, the rates, the suppliers. */
type Place = Extract<FaultPlace, `${'zarinpal' | 'zibal' | 'behpardakht' | 'stripe'}.${string}` | 'sms' | 'smtp'>;

const calls: Record<Place, () => Promise<string>> = {
  'zarinpal.request': () => see(async () => answerOf(await simulators.callBank('request', steamCard))),
  'zarinpal.inquiry': async () => {
    const authority = await simulators.startPayment();
    return see(async () => answerOf(await simulators.callBank('inquiry', { authority })));
  },
  'zarinpal.verify': async () => {
    const authority = await simulators.startPaid();
    const body = { authority, amount: steamCard.amount };
    const seen = await see(async () => answerOf(await simulators.callBank('verify', body)));
    return `${seen} ${String(await bankStatus(authority))}`;
  },
  'zarinpal.reverse': async () => {
    const authority = await simulators.startPaid();
    await simulators.callBank('verify', { authority, amount: steamCard.amount });
    const seen = await see(async () => answerOf(await simulators.callBank('reverse', { authority })));
    return `${seen} ${String(await bankStatus(authority))}`;
  },
  'zarinpal.callback': async () => {
    const authority = await simulators.startPayment({ callback_url: callbackUrl });
    const page = `${simulators.url}/zarinpal/pg/StartPay/${authority}`;
    const seen = await see(
      async () => (await fetch(page, { method: 'POST', body: new URLSearchParams({ outcome: 'pay' }) })).status,
    );
    return `${seen} visits ${visits.filter((visit) => visit.includes(authority)).length}`;
  },
  'zibal.request': () => see(async () => answerOf(await callZibal('request', { amount: 2_500_000, callbackUrl }))),
  'zibal.inquiry': async () => {
    const trackId = await startZibal();
    return see(async () => answerOf(await callZibal('inquiry', { trackId })));
  },
  'zibal.verify': async () => {
    const trackId = await startZibal('pay');
    const seen = await see(async () => answerOf(await callZibal('verify', { trackId })));
    return `${seen} ${String(await bankStatus(String(trackId)))}`;
  },
  'zibal.refund': async () => {
    const trackId = await startZibal('pay');
    await callZibal('verify', { trackId });
    const refund = () =>
      fetch(`${simulators.url}/zibal-platform/v1/account/refund`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer a-panel-token' },
        body: JSON.stringify({ trackId }),
      });
    const seen = await see(async () => answerOf(await refund()));
    return `${seen} ${String(await bankStatus(String(trackId)))}`;
  },
  'zibal.callback': async () => {
    const trackId = await startZibal();
    const page = `${simulators.url}/zibal/start/${trackId}`;
    const seen = await see(
      async () => (await fetch(page, { method: 'POST', body: new URLSearchParams({ outcome: 'pay' }) })).status,
    );
    return `${seen} visits ${visits.filter((visit) => visit.includes(String(trackId))).length}`;
  },
  'behpardakht.request': () => see(async () => (await startBehpardakht()).answer.replace(/, .*/, '')),
  'behpardakht.verify': async () => {
    const { refId, sale } = await payBehpardakht();
    const seen = await see(() => callBehpardakht('bpVerifyRequest', sale));
    return `${seen} ${String(await bankStatus(refId))}`;
  },
  'behpardakht.settle': async () => {
    const { sale } = await payBehpardakht();
    await callBehpardakht('bpVerifyRequest', sale);
    const seen = await see(() => callBehpardakht('bpSettleRequest', sale));
    return `${seen}, now ${await callBehpardakht('bpInquiryRequest', sale)}`;
  },
  'behpardakht.inquiry': async () => {
    const { sale } = await payBehpardakht();
    return see(() => callBehpardakht('bpInquiryRequest', sale));
  },
  'behpardakht.refund': async () => {
    const { sale } = await payBehpardakht();
    await callBehpardakht('bpVerifyRequest', sale);
    await callBehpardakht('bpSettleRequest', sale);
    const refund = { ...sale, orderId: sale.orderId + 1_000_000, refundAmount: 2_500_000 };
    return see(async () => (await callBehpardakht('bpRefundRequest', refund)).replace(/, .*/, ''));
  },
  'behpardakht.callback': async () => {
    const { orderId, refId } = await startBehpardakht();
    const page = `${simulators.url}/behpardakht/pgwchannel/pay/${refId}`;
    const sent = await fetch(page, { method: 'POST', body: new URLSearchParams({ outcome: 'pay' }) });
    const html = await sent.text();
    const action = /action="([^"]+)"/.exec(html)?.[1] ?? '';
    const fields = [...html.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]);
    await fetch(action, { method: 'POST', body: new URLSearchParams(fields) });
    return `${sent.status} visits ${visits.filter((visit) => visit.endsWith(`/${orderId}`)).length}`;
  },
  'stripe.request': () => see(async () => (await startStripe()).slice(0, 7)),
  'stripe.inquiry': async () => {
    const id = await startStripe();
    await simulators.decide(id, 'pay');
    return see(async () => {
      const session = await findStripe(id);
      return `${session.status} ${'payment_intent' in session ? session.payment_intent?.status : ''}`.trim();
    });
  },
  'stripe.verify': async () => {
    const { id, intentId } = await startPaidStripe();
    const seen = await see(async () => {
      const intent = await callStripe(`payment_intents/${intentId}/capture`, {});
      return `${intent.status} ${'amount_received' in intent ? intent.amount_received : ''}`.trim();
    });
    return `${seen} ${String(await bankStatus(id))}`;
  },
  'stripe.cancel': async () => {
    const { id, intentId } = await startPaidStripe();
    const seen = await see(async () => (await callStripe(`payment_intents/${intentId}/cancel`, {})).status);
    return `${seen} ${String(await bankStatus(id))}`;
  },
  'stripe.refund': async () => {
    const { intentId } = await startPaidStripe();
    await callStripe(`payment_intents/${intentId}/capture`, {});
    return see(async () => (await callStripe('refunds', { payment_intent: intentId, amount: '100' })).status);
  },
  'stripe.callback': async () => {
    const id = await startStripe();
    const page = `${simulators.url}/stripe/pay/${id}`;
    const seen = await see(
      async () => (await fetch(page, { method: 'POST', body: new URLSearchParams({ outcome: 'pay' }) })).status,
    );
    return `${seen} visits ${visits.filter((visit) => visit.includes(id)).length}`;
  },
  'stripe.webhook': async () => {
    const body = JSON.stringify({ url: callbackUrl.replace('/callback', '/webhook'), secrets: [stripeSecret] });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${simulators.url}/banks/stripe/webhook`, { method: 'PUT', body, headers });
    const attemptId = String((lastPhone += 1));
    await simulators.decide(await startStripe(attemptId), 'pay');
    await sleep(400);
    const early = messagesOf(attemptId);
    if (early !== 'nothing') return early;
    await sleep(800);
    const late = messagesOf(attemptId);
    return late === 'nothing' ? late : `nothing, then ${late}`;
  },
  sms: async () => {
    const receptor = `0${(lastPhone += 1)}`;
    const params = { receptor, template: 'kelid-otp', token: '48213' };
    const seen = await see(async () => answerOf(await simulators.callSms('verify/lookup', params)));
    return `${seen} sent ${(await simulators.list(`/sms?phone=${receptor}`)).length}`;
  },
  smtp: () => {
    const transport = createTransport({ host: '127.0.0.1', port: simulators.smtpPort });
    const mail = { from: 'shop@kelid.example', to: 'sara@example.com', subject: 'رسید', text: 'سلام' };
    return see(async () => (await transport.sendMail(mail)).accepted.length);
  },
};

const healthy: Record<Place, string> = {
  'zarinpal.request': '100',
  'zarinpal.inquiry': '100',
  'zarinpal.verify': '100 VERIFIED',
  'zarinpal.reverse': '100 REVERSED',
  'zarinpal.callback': '200 visits 1',
  'zibal.request': '100',
  'zibal.inquiry': '100',
  'zibal.verify': '100 VERIFIED',
  'zibal.refund': '1 REVERSED',
  'zibal.callback': '200 visits 1',
  'behpardakht.request': '0',
  'behpardakht.inquiry': '0',
  'behpardakht.verify': '0 VERIFIED',
  'behpardakht.settle': '0, now 45',
  'behpardakht.refund': '0',
  'behpardakht.callback': '200 visits 1',
  'stripe.request': 'cs_test',
  'stripe.inquiry': 'complete requires_capture',
  'stripe.verify': 'succeeded 250 VERIFIED',
  'stripe.cancel': 'canceled REVERSED',
  'stripe.refund': 'succeeded',
  'stripe.callback': '200 visits 1',
  'stripe.webhook': 'payment_intent.amount_capturable_updated checkout.session.completed',
  sms: '200 sent 1',
  smtp: '1',
};
const struck: { [P in Place]: Record<(typeof allFaultModes)[P][number], string> } = {
  'zarinpal.request': {
    slow: '100',
    error: '-52',
    garbage: 'html',
    down: 'no answer',
    'lose-answer': 'no answer',
  },
  'zarinpal.inquiry': { slow: '100', error: '-52', garbage: 'html', down: 'no answer' },
  'zarinpal.verify': {
    slow: '100 VERIFIED',
    error: '-52 PAID',
    garbage: 'html PAID',
    down: 'no answer PAID',
    'amount-mismatch': '-50 PAID',
    'lose-answer': 'no answer VERIFIED',
    'verified-before': '101 VERIFIED',
  },
  'zarinpal.reverse': {
    slow: '100 REVERSED',
    error: '-52 VERIFIED',
    garbage: 'html VERIFIED',
    down: 'no answer VERIFIED',
    'lose-answer': 'no answer REVERSED',
  },
  'zarinpal.callback': { slow: '200 visits 1', duplicate: '200 visits 2' },
  'zibal.request': { slow: '100', error: 'html', garbage: 'html', down: 'no answer', 'lose-answer': 'no answer' },
  'zibal.inquiry': { slow: '100', error: 'html', garbage: 'html', down: 'no answer' },
  'zibal.verify': {
    slow: '100 VERIFIED',
    error: 'html PAID',
    garbage: 'html PAID',
    down: 'no answer PAID',
    'amount-mismatch': '100 VERIFIED',
    'lose-answer': 'no answer VERIFIED',
    'verified-before': '201 VERIFIED',
  },
  'zibal.refund': {
    slow: '1 REVERSED',
    error: 'html VERIFIED',
    garbage: 'html VERIFIED',
    down: 'no answer VERIFIED',
    'lose-answer': 'no answer REVERSED',
  },
  'zibal.callback': { slow: '200 visits 1', duplicate: '200 visits 2' },
  'behpardakht.request': { slow: '0', error: '500', garbage: 'html', down: 'no answer', 'lose-answer': 'no answer' },
  'behpardakht.inquiry': { slow: '0', error: '500', garbage: 'html', down: 'no answer' },
  'behpardakht.verify': {
    slow: '0 VERIFIED',
    error: '500 PAID',
    garbage: 'html PAID',
    down: 'no answer PAID',
    'lose-answer': 'no answer VERIFIED',
    'verified-before': '43 VERIFIED',
  },
  'behpardakht.settle': {
    slow: '0, now 45',
    error: '500, now 43',
    garbage: 'html, now 43',
    down: 'no answer, now 43',
    'lose-answer': 'no answer, now 45',
  },
  'behpardakht.refund': {
    slow: '0',
    error: '500',
    garbage: 'html',
    down: 'no answer',
    'lose-answer': 'no answer',
  },
  'stripe.request': {
    slow: 'cs_test',
    error: 'api_err',
    garbage: 'html',
    down: 'no answer',
    'lose-answer': 'no answer',
  },
  'behpardakht.callback': { slow: '200 visits 1', duplicate: '200 visits 2' },
  'stripe.inquiry': {
    slow: 'complete requires_capture',
    error: 'api_error',
    garbage: 'html',
    down: 'no answer',
    'verified-before': 'complete succeeded',
  },
  'stripe.verify': {
    slow: 'succeeded 250 VERIFIED',
    error: 'api_error PAID',
    garbage: 'html PAID',
    down: 'no answer PAID',
    'amount-mismatch': 'succeeded 1 VERIFIED',
    'lose-answer': 'no answer VERIFIED',
  },
  'stripe.cancel': {
    slow: 'canceled REVERSED',
    error: 'api_error PAID',
    garbage: 'html PAID',
    down: 'no answer PAID',
    'lose-answer': 'no answer REVERSED',
  },
  'stripe.refund': {
    slow: 'succeeded',
    error: 'api_error',
    garbage: 'html',
    down: 'no answer',
    'lose-answer': 'no answer',
  },
  'stripe.callback': { slow: '200 visits 1', duplicate: '200 visits 2' },
  'stripe.webhook': {
    late: 'nothing, then payment_intent.amount_capturable_updated checkout.session.completed',
    duplicate:
      'payment_intent.amount_capturable_updated checkout.session.completed payment_intent.amount_capturable_updated checkout.session.completed',
    'out-of-order': 'checkout.session.completed payment_intent.amount_capturable_updated',
    never: 'nothing',
    forged: 'forged forged',
  },
  sms: {
    slow: '200 sent 1',
    error: '409 sent 0',
    down: 'no answer sent 0',
    duplicate: '200 sent 2',
    'lose-answer': 'no answer sent 1',
  },
  smtp: { slow: '1', error: 'no answer', down: 'no answer' },
};
const cases = Object.entries(struck).flatMap(([place, modes]) =>
  Object.entries(modes).map(([mode, seen]) => ({ place: place as Place, mode, seen })),
);

test.each(cases)(
  'PA-7: "$mode" at $place, told to strike twice, strikes two calls and spares the third',
  async (fault) => {
    const { place, mode, seen } = fault;
    // What is late must still be on its way when a busy machine has delivered what is not.
    await simulators.fault(place, { mode, delayMs: mode === 'late' ? 800 : 200, count: 2 });
    for (const left of [{ [place]: expect.objectContaining({ mode, count: 1 }) }, {}]) {
      const startedAt = performance.now();
      expect(await calls[place]()).toBe(seen);
      // A timer may fire a little early.
      if (mode === 'slow') expect(performance.now() - startedAt).toBeGreaterThan(190);
      expect(await simulators.faults()).toEqual(left);
    }
    expect(await calls[place]()).toBe(healthy[place]);
  },
);

test('PA-7: a fault waits for a call it can strike: a payment that is not paid does not use up the lost answer', async () => {
  const unpaid = await simulators.startPayment();
  for (const mode of ['lose-answer', 'verified-before']) {
    await simulators.fault('zarinpal.verify', { mode, count: 1 });
    expect(await simulators.askBank('verify', { authority: unpaid, amount: steamCard.amount })).toMatchObject({
      errors: { code: -51 },
    });
    expect(await simulators.faults()).toMatchObject({ 'zarinpal.verify': { mode, count: 1 } });
  }
});

test('PA-7: a fault without a count strikes until the faults are cleared', async () => {
  await simulators.fault('zarinpal.verify', { mode: 'lose-answer' });
  for (let call = 0; call < 3; call += 1) expect(await calls['zarinpal.verify']()).toBe('no answer VERIFIED');
  expect((await simulators.calm()).status).toBe(204);
  expect(await calls['zarinpal.verify']()).toBe('100 VERIFIED');
});

test.each([
  ['zarinpal.refund', { mode: 'slow' }],
  ['zarinpal.callback', { mode: 'verified-before' }],
  ['sms', { mode: 'out-of-stock' }],
  ['sms', { mode: 'slow', count: 0 }],
])('a fault that could never strike is refused: %s %o', async (place, fault) => {
  expect((await simulators.fault(place, fault)).status).toBe(422);
  expect(await simulators.faults()).toEqual({});
});
