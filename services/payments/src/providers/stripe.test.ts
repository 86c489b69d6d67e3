import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { settleDueRefunds } from '../refunds/settle-due-refunds.ts';
import { answerJson, asked, controlOf, startPayments, type TestOrder, type TestPayments } from '../test-payments.ts';
import { createStripe } from './stripe.ts';

// Calls and answers as Stripe's reference and its own client show them, apart from the simulator. All ids and secrets are made up.
const sessionId = 'cs_test_a1B2c3D4e5F6g7H8i9';
const intentId = 'pi_3PKelidTest00000001';
const secret = 'whsec_of_the_test';
const attempt = {
  attemptId: '01931e8a-0000-7000-8000-000000000001',
  attemptNo: 1_000_001,
  orderNumber: 'KL-140508',
  amountRial: 2_500_000,
  phone: '+989121112233',
  callbackUrl: 'https://shop.example/api/v1/payments/callback/stripe',
};
const terms = { attemptId: attempt.attemptId, currency: 'eur', amountMinor: '209' };
const ours = () => ({ ...asked(sessionId, attempt.amountRial), terms });
const captured = () => ({ ...ours(), pspReference: intentId });

interface Call {
  question: string;
  query: Record<string, string>;
  form: Record<string, string>;
  headers: IncomingHttpHeaders;
}
type Answer = (response: ServerResponse, call: Call) => void;
const calls: Call[] = [];
const answers = new Map<string, Answer>();
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const url = new URL(request.url ?? '', 'http://stripe');
    const call: Call = {
      question: `${request.method} ${url.pathname}`,
      query: Object.fromEntries(url.searchParams),
      form: Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())),
      headers: request.headers,
    };
    calls.push(call);
    const answer = answers.get(call.question);
    if (answer) answer(response, call);
    else answerJson(response, { error: { type: 'invalid_request_error', message: 'Unrecognized URL' } }, 404);
  });
});
let baseUrl = '';
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The scripted server has no port');
  baseUrl = `http://127.0.0.1:${address.port}/base`;
});
beforeEach(() => {
  calls.length = 0;
  answers.clear();
});
afterEach(() => {
  vi.useRealTimers();
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const stripe = (more: Partial<Parameters<typeof createStripe>[0]> = {}) =>
  createStripe({
    baseUrl,
    secretKey: 'sk_test_of_the_test',
    currency: 'eur',
    rialPerMinor: 12_000,
    webhookSecrets: [secret],
    ...more,
  });
const ways = {
  create: 'POST /base/v1/checkout/sessions',
  get: `GET /base/v1/checkout/sessions/${sessionId}`,
  list: 'GET /base/v1/checkout/sessions',
  expire: `POST /base/v1/checkout/sessions/${sessionId}/expire`,
  capture: `POST /base/v1/payment_intents/${intentId}/capture`,
  cancel: `POST /base/v1/payment_intents/${intentId}/cancel`,
  refund: 'POST /base/v1/refunds',
  refunds: 'GET /base/v1/refunds',
};
function answerTo(way: keyof typeof ways, body: unknown, status = 200) {
  answers.set(ways[way], (response) => answerJson(response, body, status));
}
const callsOf = (way: keyof typeof ways) => calls.filter((call) => call.question === ways[way]);
const refusal = (error: object) => ({ error: { type: 'invalid_request_error', message: 'No.', ...error } });

const charge = {
  id: 'ch_3PKelidTest00000001',
  object: 'charge',
  payment_method_details: {
    type: 'card',
    card: { brand: 'visa', last4: '4242', fingerprint: 'Xt5EWLLDS7FJjR1c', exp_month: 8, exp_year: 2030 },
  },
};
const held = {
  id: intentId,
  object: 'payment_intent',
  amount: 209,
  amount_capturable: 209,
  amount_received: 0,
  capture_method: 'manual',
  currency: 'eur',
  latest_charge: charge as unknown,
  livemode: false,
  metadata: { attempt_id: attempt.attemptId, order_number: attempt.orderNumber },
  status: 'requires_capture',
};
const taken = { ...held, amount_capturable: 0, amount_received: 209, status: 'succeeded' };
const session = {
  id: sessionId,
  object: 'checkout.session',
  amount_subtotal: 209,
  amount_total: 209,
  currency: 'eur',
  livemode: false,
  mode: 'payment',
  payment_intent: held as unknown,
  payment_status: 'unpaid',
  status: 'complete' as string | null,
  url: null,
};
const open = { ...session, status: 'open', payment_intent: null };
const expired = { ...session, status: 'expired', payment_intent: null };
const began = { ...open, url: `https://checkout.stripe.com/c/pay/${sessionId}#fid` };

describe('the request', () => {
  test('PA-1 I7 A54: it names the attempt, holds the money for later, takes no other currency, and has a key of the attempt', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-01-05T17:00:00Z') });
    answerTo('create', began);
    expect(await stripe().request(attempt)).toEqual({
      kind: 'accepted',
      pspToken: sessionId,
      redirectUrl: began.url,
      terms,
    });
    const [call] = calls;
    expect(call?.form).toEqual({
      mode: 'payment',
      'payment_method_types[0]': 'card',
      'line_items[0][quantity]': '1',
      'line_items[0][price_data][currency]': 'eur',
      'line_items[0][price_data][unit_amount]': '209',
      'line_items[0][price_data][product_data][name]': 'Kelid KL-140508',
      'adaptive_pricing[enabled]': 'false',
      'payment_intent_data[capture_method]': 'manual',
      'payment_intent_data[metadata][attempt_id]': attempt.attemptId,
      'payment_intent_data[metadata][order_number]': 'KL-140508',
      client_reference_id: attempt.attemptId,
      'metadata[attempt_id]': attempt.attemptId,
      'metadata[order_number]': 'KL-140508',
      success_url: `${attempt.callbackUrl}?came=paid&session_id={CHECKOUT_SESSION_ID}`,
      cancel_url: `${attempt.callbackUrl}?came=back&session_id={CHECKOUT_SESSION_ID}`,
      // 35 minutes: Stripe refuses less than 30, by its own clock.
      expires_at: String(Date.parse('2026-01-05T17:35:00Z') / 1000),
    });
    expect(call?.headers).toMatchObject({
      authorization: 'Bearer sk_test_of_the_test',
      'content-type': 'application/x-www-form-urlencoded',
      'idempotency-key': `request-${attempt.attemptId}`,
      'stripe-version': '2026-07-29.dahlia',
    });
    // The shopper's telephone is nobody's business abroad.
    expect(JSON.stringify(call)).not.toContain('912111');
  });

  test.each([
    [12_000, 12_000, '1'],
    [1, 12_000, '1'],
    [12_001, 12_000, '2'],
    [23_999, 12_000, '2'],
    [24_000, 12_000, '2'],
    [999_999_999_999, 7, '142857142857'],
    [9_007_199_254_740_991, 1, '9007199254740991'],
  ])(
    'I7: %s Rial at %s Rial for a cent are %s cents: never less than the order costs',
    async (amountRial, rialPerMinor, expected) => {
      answerTo('create', began);
      const answer = await stripe({ rialPerMinor }).request({ ...attempt, amountRial });
      expect(calls[0]?.form['line_items[0][price_data][unit_amount]']).toBe(expected);
      expect(answer).toMatchObject({ terms: { amountMinor: expected } });
    },
  );

  test('I7: a currency without cents is charged in its own unit, and kept in the terms', async () => {
    answerTo('create', began);
    const answer = await stripe({ currency: 'jpy', rialPerMinor: 7_500 }).request(attempt);
    expect(calls[0]?.form).toMatchObject({
      'line_items[0][price_data][currency]': 'jpy',
      'line_items[0][price_data][unit_amount]': '334',
    });
    expect(answer).toMatchObject({ terms: { currency: 'jpy', amountMinor: '334' } });
  });

  test.each<[string, number, unknown, object]>([
    ['an amount that is too small', 400, refusal({ code: 'amount_too_small' }), { pspCode: 'amount_too_small' }],
    ['a parameter without a code', 400, refusal({ param: 'expires_at' }), { pspCode: 'invalid_request_error' }],
    ['a code that is null', 400, refusal({ code: null }), { pspCode: 'invalid_request_error' }],
    ['a wrong key', 401, refusal({}), { pspCode: 'invalid_request_error' }],
    ['a key without the right', 403, refusal({ code: 'x'.repeat(200) }), { pspCode: 'x'.repeat(60) }],
    ['too many calls', 429, refusal({ code: 'rate_limit' }), { pspCode: 'rate_limit' }],
  ])('F12: Stripe refusing with %s starts no payment', async (_name, status, body, expected) => {
    answerTo('create', body, status);
    expect(await stripe().request(attempt)).toEqual({ kind: 'refused', ...expected });
  });

  test.each<[string, number, unknown]>([
    ['a key that was used for another question', 400, refusal({ type: 'idempotency_error' })],
    ['a key that is in use', 409, refusal({ code: 'idempotency_key_in_use' })],
    ['a fault of its own', 500, refusal({ type: 'api_error' })],
    ['a code that is a number', 400, refusal({ code: 7 })],
    ['an error that is a text', 400, { error: 'invalid_client', error_description: 'x' }],
    ['an error in a success', 200, { ...began, error: { type: 'api_error' } }],
    ['a refusal without an error', 400, began],
    ['a session without a page', 200, { ...began, url: null }],
    ['a page that is a script', 200, { ...began, url: 'javascript:alert(1)' }],
    ['an id of another kind', 200, { ...began, id: intentId }],
    ['an id with a path in it', 200, { ...began, id: `${sessionId}/expire` }],
    ['no id', 200, { url: began.url }],
  ])('F12: an answer with %s starts no payment, and is not taken for a refusal', async (_name, status, body) => {
    answerTo('create', body, status);
    expect(await stripe().request(attempt)).toEqual({ kind: 'unknown' });
  });
});

test.each<[Record<string, string>, unknown]>([
  [
    { came: 'paid', session_id: sessionId },
    { pspToken: sessionId, claimsSuccess: true },
  ],
  [
    { session_id: sessionId, amount: '1', status: 'failed' },
    { pspToken: sessionId, claimsSuccess: true },
  ],
  [
    { came: 'back', session_id: sessionId },
    { pspToken: sessionId, claimsSuccess: false, proof: { came: 'back' } },
  ],
  [{ came: 'paid', session_id: '{CHECKOUT_SESSION_ID}' }, undefined],
  [{ came: 'paid', session_id: intentId }, undefined],
  [{ came: 'paid', session_id: `${sessionId}/expire` }, undefined],
  [{ came: 'paid', session_id: `cs_test_${'a'.repeat(400)}` }, undefined],
  [{ came: 'back', session_id: '' }, undefined],
  [{ came: 'paid' }, undefined],
  [{}, undefined],
])(
  'A47 A48 A53: of what a browser brings, only the shape of a session and the way back are read: %j',
  (params, hint) => {
    expect(stripe().parseCallback(params)).toEqual(hint);
  },
);

describe('verify', () => {
  const approved = {
    kind: 'approved',
    reference: intentId,
    cardMasked: '************4242',
    cardHash: 'Xt5EWLLDS7FJjR1c',
  };

  test('PA-3: held money is captured, all of it, and the card is told; money that was captured before is found and not asked for again', async () => {
    answerTo('get', session);
    answerTo('capture', taken);
    expect(await stripe().verify(ours())).toEqual({ ...approved, wasVerifiedBefore: false });
    expect(calls.map((call) => call.question)).toEqual([ways.get, ways.capture]);
    expect(calls[0]?.query).toEqual({ 'expand[0]': 'payment_intent.latest_charge' });
    expect(calls[1]?.form).toEqual({ amount_to_capture: '209', 'expand[0]': 'latest_charge' });

    answerTo('get', { ...session, payment_intent: taken, payment_status: 'paid' });
    expect(await stripe().verify(ours())).toEqual({ ...approved, wasVerifiedBefore: true });
    expect(callsOf('capture')).toHaveLength(1);
  });

  test.each<[string, object]>([
    ['another attempt', { payment_intent: { ...held, metadata: { attempt_id: newId() } } }],
    ['no attempt', { payment_intent: { ...held, metadata: {} } }],
    ['another attempt, captured', { payment_intent: { ...taken, metadata: {} } }],
    ['a cent less on the page', { amount_total: 208 }],
    ['a cent less on the card', { payment_intent: { ...held, amount: 208 } }],
    ['a cent more on the card', { payment_intent: { ...held, amount: 210 } }],
    ['no amount on the page', { amount_total: null }],
    ['Rial instead of cents', { amount_total: 2_500_000, payment_intent: { ...held, amount: 2_500_000 } }],
    ['another currency on the page', { currency: 'usd' }],
    ['no currency on the page', { currency: null }],
    ['another currency on the card', { payment_intent: { ...held, currency: 'vnd' } }],
    ['less captured before', { payment_intent: { ...taken, amount_received: 208 } }],
  ])('I7 A49 A50 A51: %s is a mismatch, and nothing is captured', async (_name, change) => {
    answerTo('get', { ...session, ...change });
    answerTo('capture', taken);
    expect((await stripe().verify(ours())).kind).toBe('mismatch');
    expect(callsOf('capture')).toEqual([]);
  });

  test.each([
    [{ amount_received: 208 }, 'received 208 eur'],
    [{ amount_received: 0 }, 'received 0 eur'],
    [{ currency: 'usd' }, 'received 209 usd'],
  ])('I7 A51: a capture that took something else is a mismatch: %j', async (change, pspCode) => {
    answerTo('get', session);
    answerTo('capture', { ...taken, ...change });
    expect(await stripe().verify(ours())).toEqual({ kind: 'mismatch', pspCode });
  });

  test.each<[string, unknown, number?]>([
    ['still held', held],
    ['on its way', { ...taken, status: 'processing' }],
    ['of another intent', { ...taken, id: 'pi_3PKelidTest00000002' }],
    ['without an amount', { ...taken, amount_received: null }],
    ['with an amount that is a text', { ...taken, amount_received: '209' }],
    ['with half a cent', { ...taken, amount_received: 209.5 }],
    ['nothing', {}],
    ['taken by another call at the same moment', refusal({ code: 'payment_intent_unexpected_state' }), 400],
    ['no such intent', refusal({ code: 'resource_missing' }), 404],
    ['a fault of its own', refusal({ type: 'api_error' }), 500],
    ['too many calls', refusal({ code: 'rate_limit' }), 429],
  ])('F13: a capture that is answered with "%s" is neither money nor a no', async (_name, body, status = 200) => {
    answerTo('get', session);
    answerTo('capture', body, status);
    expect(await stripe().verify(ours())).toEqual({ kind: 'unknown' });
  });

  test('F13: a fault that Stripe would repeat under its key for a day does not keep the money waiting that long', async () => {
    const kept = new Set<unknown>();
    answerTo('get', session);
    answers.set(ways.capture, (response, { headers }) => {
      const key = headers['idempotency-key'];
      const isFirst = callsOf('capture').length === 1;
      if (isFirst && key !== undefined) kept.add(key);
      if (isFirst || kept.has(key)) answerJson(response, refusal({ type: 'api_error' }), 500);
      else answerJson(response, taken);
    });
    expect(await stripe().verify(ours())).toEqual({ kind: 'unknown' });
    expect((await stripe().verify(ours())).kind).toBe('approved');
  });

  test.each<[string, object, object]>([
    ['a page that ran out', expired, { kind: 'declined', pspCode: 'expired' }],
    [
      'a page that ran out after a refused card',
      { ...expired, payment_intent: { ...held, status: 'requires_payment_method' } },
      { kind: 'declined', pspCode: 'requires_payment_method' },
    ],
    [
      'held money that went back',
      { payment_intent: { ...held, status: 'canceled' } },
      { kind: 'declined', pspCode: 'canceled' },
    ],
    ['an open page', open, { kind: 'unknown' }],
    [
      'a refused card on an open page',
      { ...open, payment_intent: { ...held, status: 'requires_payment_method' } },
      { kind: 'unknown' },
    ],
    ['a bank that asks the shopper', { payment_intent: { ...held, status: 'requires_action' } }, { kind: 'unknown' }],
    [
      'a page that ran out while a bank still works',
      { ...expired, payment_intent: { ...held, status: 'processing' } },
      { kind: 'unknown' },
    ],
    ['a page that is done and has no intent', { payment_intent: null }, { kind: 'unknown' }],
    ['an intent that is not expanded', { payment_intent: intentId }, { kind: 'unknown' }],
    ['a status that no list has', { payment_intent: { ...held, status: 'paid' } }, { kind: 'unknown' }],
    ['a status in capitals', { payment_intent: { ...taken, status: 'SUCCEEDED' } }, { kind: 'unknown' }],
    ['"paid" on the page alone', { ...open, payment_status: 'paid' }, { kind: 'unknown' }],
    ["another payment's session", { id: 'cs_test_another000000' }, { kind: 'unknown' }],
    ['an amount that is a text', { amount_total: '209' }, { kind: 'unknown' }],
    ['an intent of another kind', { payment_intent: { ...held, id: 'ch_3PKelidTest00000001' } }, { kind: 'unknown' }],
    ['no metadata', { payment_intent: { ...held, metadata: null } }, { kind: 'unknown' }],
  ])('F13 F16: %s', async (_name, change, expected) => {
    answerTo('get', { ...session, ...change });
    answerTo('capture', taken);
    expect(await stripe().verify(ours())).toEqual(expected);
    expect(callsOf('capture')).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['an id alone', charge.id],
    ['nothing', null],
    ['of another way to pay', { ...charge, payment_method_details: { type: 'link', link: {} } }],
    ['of another shape', { ...charge, payment_method_details: { card: { last4: 4242 } } }],
    ['without its card', { id: charge.id }],
  ])('PA-3: money that was taken counts, whatever is told of its card: a charge that is %s', async (_name, latest) => {
    answerTo('get', { ...session, payment_intent: { ...held, latest_charge: latest } });
    answerTo('capture', { ...taken, latest_charge: latest });
    expect(await stripe().verify(ours())).toEqual({
      ...approved,
      wasVerifiedBefore: false,
      cardMasked: null,
      cardHash: null,
    });
  });

  test.each<Record<string, string>>([
    {},
    { ...terms, amountMinor: '-209' },
    { ...terms, amountMinor: '2e2' },
    { ...terms, attemptId: 'x' },
  ])('I7: without what was agreed at the request nothing is captured: %j', async (given) => {
    answerTo('get', session);
    answerTo('capture', taken);
    expect(await stripe().verify({ ...ours(), terms: given })).toEqual({ kind: 'unknown' });
    expect(callsOf('capture')).toEqual([]);
  });
});

describe('inquire', () => {
  test.each<[string, object, string]>([
    ['held money', session, 'paid'],
    ['captured money', { ...session, payment_intent: taken }, 'verified'],
    ['an open page', open, 'in-bank'],
    [
      'a refused card on an open page',
      { ...open, payment_intent: { ...held, status: 'requires_payment_method' } },
      'in-bank',
    ],
    ['a page that ran out', expired, 'failed'],
    ['held money that went back', { ...session, payment_intent: { ...held, status: 'canceled' } }, 'failed'],
    [
      'a bank that still works on an open page',
      { ...open, payment_intent: { ...held, status: 'processing' } },
      'unknown',
    ],
    ['a page that is done and has no intent', { ...session, payment_intent: null }, 'unknown'],
    ["another payment's session", { ...session, id: 'cs_test_another000000' }, 'unknown'],
    ['nothing', {}, 'unknown'],
  ])('PA-4: %s is told as it is, and never changed by asking', async (_name, body, expected) => {
    answerTo('get', body);
    expect(await stripe().inquire(ours())).toBe(expected);
    expect(calls).toHaveLength(1);
  });

  const back = () => ({ ...ours(), proof: { came: 'back' } });

  test('PA-1: a shopper who turned back leaves no page behind that could still be paid', async () => {
    answerTo('get', open);
    answers.set(ways.expire, (response) => {
      answerTo('get', expired);
      answerJson(response, expired);
    });
    expect(await stripe().inquire(back())).toBe('failed');
    expect(calls.map((call) => call.question)).toEqual([ways.get, ways.expire, ways.get]);
    expect(calls[1]?.headers['idempotency-key']).toBe(`expire-${attempt.attemptId}`);
  });

  test('F17: who turned back and paid after all in another window has paid', async () => {
    answerTo('get', open);
    answers.set(ways.expire, (response) => {
      answerTo('get', session);
      answerJson(
        response,
        refusal({ message: 'Only Checkout Sessions with a status in ["open"] can be expired.' }),
        400,
      );
    });
    expect(await stripe().inquire(back())).toBe('paid');
  });

  test('F13: a page that could not be closed is open until Stripe says otherwise', async () => {
    answerTo('get', open);
    answers.set(ways.expire, (response) => void response.destroy());
    expect(await stripe().inquire(back())).toBe('in-bank');
  });

  test.each<[string, object]>([
    ['paid', session],
    ['captured', { ...session, payment_intent: taken }],
    ['run out', expired],
    ['at work on a card', { ...open, payment_intent: { ...held, status: 'processing' } }],
  ])('PA-1: a page that is %s is not closed by turning back', async (_name, body) => {
    answerTo('get', body);
    answerTo('expire', expired);
    await stripe().inquire(back());
    expect(callsOf('expire')).toEqual([]);
  });
});

describe('letting go', () => {
  test('PA-6: held money of our attempt is cancelled, and gone when Stripe says so', async () => {
    let isHeld = true;
    answers.set(ways.get, (response) =>
      answerJson(response, { ...session, payment_intent: { ...held, ...(isHeld ? {} : { status: 'canceled' }) } }),
    );
    answerTo('cancel', refusal({ type: 'api_error' }), 500);
    expect(await stripe().letGo?.(ours())).toBe('unknown');
    answers.set(ways.cancel, (response) => {
      isHeld = false;
      answerJson(response, { ...held, status: 'canceled' });
    });
    expect(await stripe().letGo?.(ours())).toBe('gone');
    expect(await stripe().letGo?.(ours())).toBe('gone');
    expect(callsOf('cancel').map(({ form }) => form)).toEqual([
      { cancellation_reason: 'abandoned' },
      { cancellation_reason: 'abandoned' },
    ]);
  });

  test.each<[string, unknown, string]>([
    ['captured', { ...session, payment_intent: taken }, 'taken'],
    ['run out', expired, 'gone'],
    ['at work on a card', { ...open, payment_intent: { ...held, status: 'processing' } }, 'unknown'],
    ['of another attempt', { ...session, payment_intent: { ...held, metadata: {} } }, 'unknown'],
    ['not told', 'nothing', 'unknown'],
  ])('PA-6: a payment that is %s is left as it is', async (_name, body, became) => {
    answerTo('get', body);
    expect(await stripe().letGo?.(ours())).toBe(became);
    expect([...callsOf('cancel'), ...callsOf('expire')]).toEqual([]);
  });
});

const refund = {
  id: 're_3PKelidTest00000001',
  object: 'refund',
  amount: 83,
  currency: 'eur',
  payment_intent: intentId,
  status: 'succeeded' as string | null,
};
const refundId = '01931e8a-0000-7000-8000-0000000000f1';
const part = { refundId, refundNo: 7, amountRial: 1_000_000 };
const refundTo = (more: object = {}, psp = stripe()) => psp.refund?.({ ...captured(), ...more }, part);

describe('refunds', () => {
  test('PA-8: a part goes back in the money it came in, named by its own id, under a key of its own', async () => {
    answerTo('refund', refund);
    expect(await refundTo()).toEqual({ kind: 'done', reference: refund.id });
    expect(calls[0]?.form).toEqual({
      payment_intent: intentId,
      amount: '83', // 1,000,000 of 2,500,000 Rial are 83.6 of 209 cents.
      'metadata[refund_id]': refundId,
      'metadata[attempt_id]': attempt.attemptId,
    });
    expect(calls[0]?.headers['idempotency-key']).toBe(`refund-${refundId}`);
  });

  test('I11 PA-8: parts of any number and size are together never more than what was charged, and all of it is all of it', async () => {
    const amounts = new Map<string, number>();
    answerTo('create', began);
    answers.set(ways.refund, (response, { form, headers }) => {
      amounts.set(String(headers['idempotency-key']), Number(form['amount']));
      answerJson(response, refund);
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 10_000_000_000 }),
        fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 1_000_000 })),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
        async (amountRial, rialPerMinor, cuts) => {
          const psp = stripe({ rialPerMinor });
          const requested = await psp.request({ ...attempt, amountRial });
          if (requested.kind !== 'accepted') throw new Error(JSON.stringify(requested));
          const row = { ...captured(), amountRial, terms: requested.terms ?? {} };
          const amountMinor = Number(row.terms['amountMinor']);
          const ends = [...cuts.map((cut) => Math.floor(cut * amountRial)), amountRial].toSorted((a, b) => a - b);
          const parts = ends.map((end, index) => end - (ends[index - 1] ?? 0)).filter((rial) => rial > 0);
          amounts.clear();
          for (const [index, rial] of parts.entries())
            await psp.refund?.(row, { refundId: newId(), refundNo: index, amountRial: rial });
          const sum = [...amounts.values()].reduce((total, one) => total + one, 0);
          expect(sum).toBeLessThanOrEqual(amountMinor);
          // What rounding keeps back is less than one smallest unit for each part.
          expect(sum).toBeGreaterThan(amountMinor - parts.length);
          if (parts.length === 1) expect(sum).toBe(amountMinor);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each<[string, object]>([
    ['was never captured', { pspReference: null }],
    ['has no terms', { terms: {} }],
    ['is so large beside the part that the part is less than a cent', { amountRial: 10_000_000_000_000 }],
  ])('I11: of a payment that %s nothing is refunded, and nobody is asked', async (_name, change) => {
    expect(await refundTo(change)).toMatchObject({ kind: 'refused' });
    expect(calls).toEqual([]);
  });

  test.each<[string, unknown, number, object]>([
    ['failed', { ...refund, status: 'failed' }, 200, { kind: 'refused', pspCode: 'failed' }],
    ['canceled', { ...refund, status: 'canceled' }, 200, { kind: 'refused', pspCode: 'canceled' }],
    ['pending', { ...refund, status: 'pending' }, 200, { kind: 'unknown' }],
    ['requires_action', { ...refund, status: 'requires_action' }, 200, { kind: 'unknown' }],
    ['a status that no list has', { ...refund, status: 'done' }, 200, { kind: 'unknown' }],
    ['no status', { ...refund, status: null }, 200, { kind: 'unknown' }],
    ['no id', { ...refund, id: '' }, 200, { kind: 'unknown' }],
    [
      'nothing left',
      refusal({ code: 'charge_already_refunded' }),
      400,
      { kind: 'refused', pspCode: 'charge_already_refunded' },
    ],
    ['a disputed charge', refusal({ code: 'charge_disputed' }), 400, { kind: 'refused', pspCode: 'charge_disputed' }],
    ['too many calls', refusal({ code: 'rate_limit' }), 429, { kind: 'refused', pspCode: 'rate_limit' }],
    ['a fault of its own', refusal({ type: 'api_error' }), 500, { kind: 'unknown' }],
    ['a key in use', refusal({ code: 'idempotency_key_in_use' }), 409, { kind: 'unknown' }],
    ['a key of another question', refusal({ type: 'idempotency_error' }), 400, { kind: 'unknown' }],
  ])('CP16: a refund that is answered with "%s"', async (_name, body, status, expected) => {
    answerTo('refund', body, status);
    expect(await refundTo()).toEqual(expected);
  });

  const listOf = (data: unknown[], more: object = {}) => ({ object: 'list', has_more: false, data, ...more });
  const mine = { ...refund, metadata: { refund_id: refundId } };
  const other = { ...refund, id: 're_3PKelidTest00000002', metadata: { refund_id: newId() } };

  test.each<[string, unknown, string]>([
    ['succeeded', listOf([other, mine]), 'done'],
    ['failed', listOf([{ ...mine, status: 'failed' }, other]), 'not-done'],
    ['canceled', listOf([{ ...mine, status: 'canceled' }]), 'not-done'],
    ['pending', listOf([{ ...mine, status: 'pending' }]), 'unknown'],
    ['missing in a list that goes on', listOf([other], { has_more: true }), 'unknown'],
    ['perhaps the one that cannot be read', listOf([other, { id: 5 }]), 'unknown'],
    ['in no list', { object: 'list' }, 'unknown'],
  ])('CP16: a refund that is %s is told as such, and not asked for again', async (_name, body, expected) => {
    answerTo('refunds', body);
    answerTo('refund', refund);
    expect(await stripe().inquireRefund?.(captured(), part)).toBe(expected);
    expect(calls[0]?.query).toEqual({ payment_intent: intentId, limit: '100' });
    expect(callsOf('refund')).toEqual([]);
  });

  test('CP16 I11: a refund that Stripe does not list is asked for by the same key and the same words, and so made once', async () => {
    answers.set(ways.refund, (response) => void response.destroy());
    expect(await refundTo()).toEqual({ kind: 'unknown' });
    answerTo('refunds', listOf([other]));
    answerTo('refund', refund);
    expect(await stripe().inquireRefund?.(captured(), part)).toBe('done');
    const [first, again] = callsOf('refund');
    expect(again?.form).toEqual(first?.form);
    expect(again?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  });

  test.each<[string, number, unknown, string]>([
    ['a refusal', 400, refusal({ code: 'charge_already_refunded' }), 'not-done'],
    ['pending', 200, { ...refund, status: 'pending' }, 'unknown'],
    ['a fault of its own', 500, refusal({ type: 'api_error' }), 'unknown'],
    ['a key in use', 409, refusal({ code: 'idempotency_key_in_use' }), 'unknown'],
    // Said before Stripe looks at what was asked under this key: the first time may have been done.
    ['too many calls', 429, refusal({ code: 'rate_limit' }), 'unknown'],
    ['a key that was replaced', 401, refusal({}), 'unknown'],
    ['a key without the right', 403, refusal({}), 'unknown'],
  ])('CP16 I11: asked for again and answered with %s', async (_name, status, body, expected) => {
    answerTo('refunds', listOf([]));
    answerTo('refund', body, status);
    expect(await stripe().inquireRefund?.(captured(), part)).toBe(expected);
  });
});

test('F17: paid and unverified payments are found in the list of finished pages', async () => {
  const unread = { ...session, id: 'cs_test_another000001', amount_total: '209' };
  const done = { ...session, id: 'cs_test_another000002', payment_intent: { ...taken, latest_charge: charge.id } };
  answerTo('list', {
    object: 'list',
    has_more: true,
    data: [{ ...session, payment_intent: { ...held, latest_charge: charge.id } }, unread, done, 7, null],
  });
  expect(await stripe().listUnverified()).toEqual([sessionId]);
  expect(calls[0]?.query).toEqual({ status: 'complete', limit: '100', 'expand[0]': 'data.payment_intent' });
  answerTo('list', { data: {} });
  expect(await stripe().listUnverified()).toEqual([]);
});

const broken: Record<string, Answer> = {
  HTML: (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>'),
  'HTML in a 500': (response) => void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>'),
  'an error of its own': (response) => answerJson(response, refusal({ type: 'api_error' }), 500),
  'a lost connection': (response) => void response.destroy(),
  'half an answer': (response) => {
    response.writeHead(200, { 'content-length': '5000' }).write('{"id":"');
    setImmediate(() => response.destroy());
  },
  'a redirect': (response) => void response.writeHead(307, { location: `${baseUrl}/elsewhere` }).end(),
  nothing: (response) => void response.writeHead(200).end(),
  'no content': (response) => void response.writeHead(204).end(),
  'a list': (response) => answerJson(response, [session]),
  'a text': (response) => answerJson(response, 'paid'),
  null: (response) => answerJson(response, null),
  'an error without a type': (response) => answerJson(response, { error: {} }, 400),
  'more than anybody should read': (response) => answerJson(response, { ...session, pad: 'x'.repeat(1_100_000) }),
};
test.each(Object.keys(broken))('F12 F13: %s is no answer, whatever was asked, and is asked for once', async (name) => {
  const answer = broken[name];
  if (!answer) throw new Error(name);
  for (const way of Object.values(ways)) answers.set(way, answer);
  expect(await stripe().request(attempt)).toEqual({ kind: 'unknown' });
  expect(await stripe().verify(ours())).toEqual({ kind: 'unknown' });
  expect(await stripe().inquire({ ...ours(), proof: { came: 'back' } })).toBe('unknown');
  expect(await refundTo()).toEqual({ kind: 'unknown' });
  expect(await stripe().inquireRefund?.(captured(), part)).toBe('unknown');
  expect(await stripe().listUnverified()).toEqual([]);
  answerTo('get', session);
  expect(await stripe().verify(ours())).toEqual({ kind: 'unknown' });
  const asks = [ways.create, ways.get, ways.get, ways.refund, ways.refunds, ways.list, ways.get, ways.capture];
  expect(calls.map((call) => call.question)).toEqual(asks);
});

test('PA-2: a Stripe that does not answer is left out of the choice after a while, and asked nothing more', async () => {
  const psp = stripe();
  expect(psp.isOffered()).toBe(true);
  answers.set(ways.create, (response) => void response.destroy());
  for (let count = 0; count < 12; count += 1) await psp.request(attempt);
  expect(psp.isOffered()).toBe(false);
  expect(calls.length).toBeLessThan(12);
});

describe('webhooks', () => {
  const nowSeconds = () => Math.floor(Date.now() / 1000);
  const hmac = (text: string, by = secret) => createHmac('sha256', by).update(text).digest('hex');
  function textOf(type: string, object: object, more: object = {}): string {
    const event = { id: 'evt_1', object: 'event', api_version: '2026-07-29.dahlia', livemode: false, type };
    // As Stripe writes it: several lines, with letters of any language as they are.
    return JSON.stringify({ ...event, data: { object }, note: 'کلید', ...more }, null, 2).replaceAll('\n', '\r\n');
  }
  const completed = textOf('checkout.session.completed', { ...session, payment_intent: intentId });
  const hint = { pspToken: sessionId, claimsSuccess: true };
  const parse = (text: string, signature: string | undefined, psp = stripe()) =>
    psp.parseWebhook?.(text, signature === undefined ? {} : { 'stripe-signature': signature });
  function sign(text: string, at = nowSeconds(), by = secret) {
    return `t=${at},v1=${hmac(`${at}.${text}`, by)}`;
  }

  test('PA-5: a message that the secret signed is read, whatever other signatures stand beside it', () => {
    const at = nowSeconds();
    const good = hmac(`${at}.${completed}`);
    expect(parse(completed, `t=${at},v1=${good}`)).toEqual(hint);
    expect(parse(completed, `t=${at},v1=${'0'.repeat(64)},v1=${good},v0=${'1'.repeat(64)}`)).toEqual(hint);
  });

  test.each<[string, (at: number) => string | undefined]>([
    ['no signature', () => undefined],
    ['an empty one', () => ''],
    ['no time', (at) => `v1=${hmac(`${at}.${completed}`)}`],
    ['a time alone', (at) => `t=${at}`],
    ['a time that is no number', () => `t=now,v1=${hmac(`now.${completed}`)}`],
    ["somebody else's secret", (at) => sign(completed, at, 'whsec_of_somebody_else')],
    ['an empty secret', (at) => sign(completed, at, '')],
    ['another time than the signed one', (at) => sign(completed, at - 1).replace(`t=${at - 1}`, `t=${at}`)],
    ['another scheme', (at) => `t=${at},v0=${hmac(`${at}.${completed}`)}`],
    ['the text signed without its time', (at) => `t=${at},v1=${hmac(completed)}`],
    ['half a signature', (at) => sign(completed, at).slice(0, -32)],
    ['a signature of letters that are no hex', (at) => `t=${at},v1=${'ک'.repeat(64)}`],
  ])('PA-5 A73: a message with %s is refused', (_name, signature) => {
    expect(parse(completed, signature(nowSeconds()))).toBe('refused');
  });

  test('PA-5: a signature counts for five minutes and then never again', () => {
    const signature = sign(completed);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 290_000 });
    expect(parse(completed, signature)).toEqual(hint);
    vi.setSystemTime(Date.now() + 12_000);
    expect(parse(completed, signature)).toBe('refused');
  });

  test('PA-5 A73: one changed, added or lost byte, or lines that end otherwise, and the message is refused', () => {
    const signature = sign(completed);
    for (const changed of [
      completed.replace('209', '210'),
      completed.replace('کلید', 'كلید'),
      completed.replaceAll('\r\n', '\n'),
      `${completed}\n`,
      `\uFEFF${completed}`,
      completed.slice(1),
      JSON.stringify(JSON.parse(completed)),
      '',
    ])
      expect(parse(changed, signature)).toBe('refused');
  });

  test('PA-5: while a secret is replaced both count, and without one nothing does', () => {
    const psp = stripe({ webhookSecrets: ['whsec_old', 'whsec_new'] });
    for (const by of ['whsec_old', 'whsec_new'])
      expect(parse(completed, sign(completed, nowSeconds(), by), psp)).toEqual(hint);
    expect(parse(completed, sign(completed), psp)).toBe('refused');
    expect(parse(completed, sign(completed), stripe({ webhookSecrets: [] }))).toBe('refused');
  });

  test('A54: play money says nothing in a shop that is in earnest, nor the other way round', () => {
    const inEarnest = stripe({ secretKey: 'sk_live_of_the_test' });
    const real = textOf('checkout.session.completed', session, { livemode: true });
    expect(parse(completed, sign(completed), inEarnest)).toBe('irrelevant');
    expect(parse(real, sign(real), stripe())).toBe('irrelevant');
    expect(parse(real, sign(real), inEarnest)).toEqual(hint);
    expect(parse(real, sign(real), stripe({ secretKey: 'rk_live_of_the_test' }))).toEqual(hint);
  });

  const { attemptId } = attempt;
  const disputed = { id: 'du_1', object: 'dispute', payment_intent: intentId, status: 'needs_response' };
  test.each<[string, object, unknown]>([
    ['checkout.session.completed', session, hint],
    ['checkout.session.async_payment_succeeded', session, hint],
    ['checkout.session.async_payment_failed', session, { pspToken: sessionId, claimsSuccess: false }],
    ['checkout.session.expired', session, { pspToken: sessionId, claimsSuccess: false }],
    ['payment_intent.amount_capturable_updated', held, { attemptId, claimsSuccess: true }],
    ['payment_intent.succeeded', taken, { attemptId, claimsSuccess: true }],
    ['payment_intent.canceled', held, { attemptId, claimsSuccess: false }],
    ['refund.created', { ...refund, status: 'pending' }, { pspReference: intentId, claimsSuccess: true }],
    ['refund.updated', { ...refund, status: 'canceled' }, { pspReference: intentId, claimsSuccess: false }],
    ['refund.failed', { ...refund, status: 'failed' }, { pspReference: intentId, claimsSuccess: false }],
    ['charge.dispute.created', disputed, { pspReference: intentId, claimsSuccess: false }],
    ['charge.dispute.closed', { ...disputed, status: 'lost' }, { pspReference: intentId, claimsSuccess: false }],
    ['charge.dispute.closed', { ...disputed, status: 'won' }, { pspReference: intentId, claimsSuccess: true }],
    // A refused card is no end: the shopper may try another one on the same page.
    ['payment_intent.payment_failed', held, 'irrelevant'],
    ['payment_intent.created', held, 'irrelevant'],
    ['payment_intent.succeeded', { ...taken, metadata: {} }, 'irrelevant'],
    ['payment_intent.succeeded', { ...taken, metadata: { attempt_id: "' or 1=1" } }, 'irrelevant'],
    ['checkout.session.completed', { ...session, id: 'cs_test_%' }, 'irrelevant'],
    ['checkout.session.completed', { ...session, id: [sessionId] }, 'irrelevant'],
    ['charge.dispute.created', { ...disputed, payment_intent: null }, 'irrelevant'],
    ['customer.created', { id: 'cus_1' }, 'irrelevant'],
    ['', {}, 'irrelevant'],
  ])('PA-5: what a signed message of type %s is about', (type, object, expected) => {
    const text = textOf(type, object);
    expect(parse(text, sign(text))).toEqual(expected);
  });

  test('PA-5: a signed message that is no event is ignored, and one that is no JSON is refused', () => {
    const strange = ['{}', '[]', '{"type":5}', '{"type":"refund.failed","livemode":false,"data":null}'];
    for (const text of strange) expect(parse(text, sign(text))).toBe('irrelevant');
    for (const text of ['', 'paid', '{"type":']) expect(parse(text, sign(text))).toBe('refused');
  });
});

describe('through the payments service, at the simulated Stripe', () => {
  let simulators: Simulators;
  let shop: TestPayments;
  let bank: ReturnType<typeof controlOf>;
  beforeAll(async () => {
    // No messages here: what the browser and the sweeps settle must need none.
    simulators = await startSimulators({ port: 0, smtpPort: 0 });
    shop = await startPayments(`${simulators.url}/zarinpal`, {
      PAYMENTS_STRIPE_URL: `${simulators.url}/stripe`,
      PAYMENTS_STRIPE_SECRET_KEY: 'sk_test_kelid',
      PAYMENTS_STRIPE_RIAL_PER_MINOR: '12000',
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

  async function begin(order: TestOrder) {
    const started = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp: 'stripe' });
    const redirectUrl = started.redirectUrl ?? '';
    return { attemptId: started.attemptId, redirectUrl, token: redirectUrl.split('/').at(-1) ?? '' };
  }
  const comeBack = (params: Record<string, string>) => shop.browser.handlePspCallback({ psp: 'stripe', params });
  const sweep = (name = 'settle-due-attempts') => shop.host.sweep('payments', name);
  /** What Stripe itself has of a payment. */
  async function ask(path: string) {
    const headers = { authorization: 'Bearer sk_test_kelid' };
    const response = await fetch(`${simulators.url}/stripe/v1/${path}`, { headers });
    return (await response.json()) as { payment_intent: string; data: { amount: number; metadata: object }[] };
  }

  test('PA-1 I7: an order is paid: the money is held, captured, booked in Rial and told once, with the card', async () => {
    const order = await shop.owe();
    const { attemptId, redirectUrl, token } = await begin(order);
    expect(await (await fetch(redirectUrl)).text()).toContain('2.09 EUR');
    const params = await bank.decide(token, 'pay');
    expect(params).toEqual({ came: 'paid', session_id: token });
    expect(await bank.statusOf(token)).toBe('PAID');
    expect((await comeBack(params)).location).toContain(`attempt=${attemptId}`);
    expect(await bank.statusOf(token)).toBe('VERIFIED');
    const { payment_intent: reference } = await ask(`checkout/sessions/${token}`);
    expect(await shop.attempt(attemptId)).toMatchObject({
      status: 'captured',
      verifyCount: 1,
      isSurplus: false,
      psp_reference: reference,
      card_masked: '************4242',
      terms: { attemptId, currency: 'eur', amountMinor: '209' },
    });
    expect(await shop.intentStatus(order)).toBe('captured');
    expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
  });

  test('A52: ten callbacks at once capture once', async () => {
    const order = await shop.owe();
    const { attemptId, token } = await begin(order);
    const params = await bank.decide(token, 'pay');
    await Promise.all(Array.from({ length: 10 }, () => comeBack(params)));
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', verifyCount: 1 });
    expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
  });

  test('PA-1: who turns back hears so at once, cannot pay on the old page any more, and may begin again', async () => {
    const order = await shop.owe();
    const { attemptId, redirectUrl, token } = await begin(order);
    await comeBack(await bank.decide(token, 'cancel'));
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed', failureReason: 'cancelled-at-the-bank' });
    expect(await bank.statusOf(token)).toBe('FAILED');
    expect((await fetch(redirectUrl)).status).toBe(404);
    const again = await begin(order);
    await comeBack(await bank.decide(again.token, 'pay'));
    expect(await shop.intentStatus(order)).toBe('captured');
  });

  test('PA-1: a refused card is no end: another one on the same page pays', async () => {
    const order = await shop.owe();
    const { attemptId, token } = await begin(order);
    await bank.decide(token, 'fail');
    await shop.comeDue(attemptId);
    await sweep();
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'redirected' });
    await comeBack(await bank.decide(token, 'pay'));
    expect(await shop.intentStatus(order)).toBe('captured');
  });

  test('A53: a callback that claims success on an unpaid page captures nothing, and who pays then has paid', async () => {
    const order = await shop.owe();
    const { attemptId, token } = await begin(order);
    await comeBack({ came: 'paid', session_id: token });
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'unknown' });
    expect(await shop.intentStatus(order)).toBe('open');
    await bank.decide(token, 'pay');
    await shop.comeDue(attemptId);
    await sweep();
    expect(await shop.intentStatus(order)).toBe('captured');
  });

  const close = (order: TestOrder, status: 'expired' | 'cancelled') =>
    shop.orders.closeIntent({ orderId: order.orderId, status });

  test.each(['expired', 'cancelled'] as const)(
    'PA-6: the page of an order that is %s is closed at once, and nobody pays there any more',
    async (status) => {
      const order = await shop.owe();
      const { attemptId, redirectUrl, token } = await begin(order);
      const claimed = await begin(order);
      await comeBack({ came: 'paid', session_id: claimed.token });
      expect(await shop.attempt(claimed.attemptId)).toMatchObject({ status: 'unknown' });
      await sweep();
      expect(await bank.statusOf(token)).toBe('IN_BANK');
      await close(order, status);
      await sweep();
      for (const one of [token, claimed.token]) expect(await bank.statusOf(one)).toBe('FAILED');
      expect((await fetch(redirectUrl)).status).toBe(404);
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed', due_at: null });
      expect(await shop.attempt(claimed.attemptId)).toMatchObject({ status: 'failed', verifyCount: 2 });
    },
  );

  test('PA-6: a page whose closing was not answered is closed by the next look, and without the news by the usual one', async () => {
    const order = await shop.owe();
    const { attemptId, token } = await begin(order);
    await bank.fault('stripe.inquiry', { mode: 'down', count: 2 });
    await close(order, 'cancelled');
    await sweep();
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'redirected' });
    expect(await bank.statusOf(token)).toBe('IN_BANK');
    await shop.comeDue(attemptId, 5);
    await sweep();
    expect(await bank.statusOf(token)).toBe('FAILED');
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed' });
  });

  test.each(['expired', 'cancelled'] as const)(
    'PA-6 I5: what the card holds for an order that is %s and cannot come back is freed, not kept for days',
    async (status) => {
      shop.revive.isPayable = false;
      const order = await shop.owe();
      const { attemptId, token } = await begin(order);
      await bank.decide(token, 'pay');
      await close(order, status);
      await sweep();
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed', failureReason: 'order-dead' });
      await sweep();
      shop.revive.isPayable = true;
      expect(await bank.statusOf(token)).toBe('REVERSED');
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed', due_at: null, verifyCount: 0 });
      expect(await shop.published('payment.failed', order.orderId)).toHaveLength(1);
    },
  );

  test.each(['lose-answer', 'error', 'garbage', 'down'])(
    'PA-6 I5: a card that was to be freed, answered with "%s", is freed by the next round, once',
    async (mode) => {
      const order = await shop.owe();
      const { attemptId, token } = await begin(order);
      await bank.decide(token, 'pay');
      await close(order, 'cancelled');
      await sweep();
      await bank.fault('stripe.cancel', { mode, count: 1 });
      await sweep();
      // It is asked again by itself, until Stripe says that it is free.
      const isFree = (await bank.statusOf(token)) === 'REVERSED';
      expect((await shop.attempt(attemptId))['due_at'] === null).toBe(isFree);
      await shop.comeDue(attemptId);
      await sweep();
      expect(await bank.statusOf(token)).toBe('REVERSED');
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed', due_at: null });
    },
  );

  test('PA-6: who has paid for an expired order that can come back has it, though its page was to be closed', async () => {
    const order = await shop.owe();
    const { attemptId, token } = await begin(order);
    await bank.decide(token, 'pay');
    await close(order, 'expired');
    await sweep();
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', isSurplus: false });
    expect(await shop.intentStatus(order)).toBe('captured');
  });

  test.each(['lose-answer', 'error', 'garbage', 'down'])(
    'F13: a capture that is answered with "%s" is settled by the sweep, once',
    async (mode) => {
      const order = await shop.owe();
      const { attemptId, token } = await begin(order);
      const params = await bank.decide(token, 'pay');
      await bank.fault('stripe.verify', { mode, count: 1 });
      await comeBack(params);
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'unknown' });
      expect(await bank.statusOf(token)).toBe(mode === 'lose-answer' ? 'VERIFIED' : 'PAID');
      await shop.comeDue(attemptId);
      await sweep();
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', verifyCount: 2 });
      expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
    },
  );

  test('F17: paid, and the browser never came back: found in the list of Stripe', async () => {
    const order = await shop.owe();
    const { attemptId, token } = await begin(order);
    await bank.decide(token, 'pay');
    await shop.comeDue(attemptId, 1);
    await sweep('settle-unverified');
    expect(await shop.intentStatus(order)).toBe('captured');
  });

  test('I7 A51: another amount than we asked for goes to a person, and pays nothing', async () => {
    const order = await shop.owe();
    const { attemptId, token } = await begin(order);
    const params = await bank.decide(token, 'pay');
    await bank.fault('stripe.verify', { mode: 'amount-mismatch', count: 1 });
    await comeBack(params);
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'review' });
    expect(shop.hasAlarm('payment-review', attemptId)).toBe(true);
    expect(await shop.intentStatus(order)).toBe('open');
  });

  test('A50: money that somebody else captured before we asked goes to a person', async () => {
    const order = await shop.owe();
    const { attemptId, token } = await begin(order);
    const params = await bank.decide(token, 'pay');
    await bank.fault('stripe.inquiry', { mode: 'verified-before', count: 1 });
    await comeBack(params);
    expect(await shop.attempt(attemptId)).toMatchObject({
      status: 'review',
      failureReason: 'verified-before-we-asked',
    });
    expect(await shop.intentStatus(order)).toBe('open');
  });

  test.each(['error', 'garbage', 'down', 'lose-answer'])(
    'F12: when Stripe does not begin a payment ("%s"), the shopper is not sent to a bank of another country',
    async (mode) => {
      const order = await shop.owe();
      await bank.fault('stripe.request', { mode, count: 1 });
      await expect(begin(order)).rejects.toMatchObject({ code: 'payments.psp-unavailable' });
      expect(
        await shop.sql('payments', 'select psp from payment_attempts where order_id = $1', [order.orderId]),
      ).toEqual([{ psp: 'stripe' }]);
    },
  );

  /** An order that was paid by card and delivered. */
  async function delivered() {
    const order = await shop.owe();
    const { token } = await begin(order);
    await comeBack(await bank.decide(token, 'pay'));
    const { orderId, customerId, amountRial } = order;
    await shop.deliver('order.fulfilled', {
      orderId,
      customerId,
      orderNumber: 'KL-1',
      version: 4,
      totalRial: amountRial,
      contact: {},
      lines: [],
      fulfilledAt: new Date().toISOString(),
    });
    const { payment_intent: reference } = await ask(`checkout/sessions/${token}`);
    const refundsOf = async () => (await ask(`refunds?payment_intent=${reference}`)).data;
    return { ...order, refundsOf };
  }
  const toTheCard = ({ orderId }: TestOrder, amountRial?: number) =>
    shop.staff('mina').requestRefund({
      orderId,
      method: 'psp',
      reason: 'مشتری پشیمان شد',
      ...(amountRial === undefined ? {} : { amountRial }),
    });
  const statusOf = async (id: string) =>
    (await shop.staff('mina').listRefunds({ limit: 100 })).items.find((one) => one.id === id)?.status;
  async function comeDue(id: string) {
    await shop.sql('payments', 'update refunds set due_at = now() where id = $1', [id]);
    await settleDueRefunds(shop.ctx());
  }

  test('PA-8 I11: staff give parts back to the card, in cents, and never more than was paid', async () => {
    const order = await delivered();
    expect(await toTheCard(order, 1_000_000)).toMatchObject({ status: 'succeeded' });
    await expect(toTheCard(order, 1_600_000)).rejects.toMatchObject({ code: 'payments.refund-too-large' });
    expect(await toTheCard(order)).toMatchObject({ status: 'succeeded', amountRial: 1_500_000 });
    // 83.6 and 125.4 of 209 cents, each rounded down.
    expect((await order.refundsOf()).map((one) => one.amount)).toEqual([125, 83]);
  });

  test('PA-8: all of it is given back to the last cent', async () => {
    const order = await delivered();
    expect(await toTheCard(order)).toMatchObject({ status: 'succeeded', isWhole: true });
    expect((await order.refundsOf()).map((one) => one.amount)).toEqual([209]);
  });

  test.each(['lose-answer', 'error', 'garbage', 'down'])(
    'CP16 I11: a refund that is answered with "%s" is made exactly once, and its end is found by asking',
    async (mode) => {
      const order = await delivered();
      await bank.fault('stripe.refund', { mode, count: 1 });
      const { id, status } = await toTheCard(order);
      expect(status).toBe('unknown');
      await bank.fault('stripe.refund', { mode: 'error', count: 1 });
      await comeDue(id);
      expect(await statusOf(id)).toBe('unknown');
      await comeDue(id);
      expect(await statusOf(id)).toBe('succeeded');
      expect(await order.refundsOf()).toMatchObject([{ amount: 209, metadata: { refund_id: id } }]);
    },
  );
});
