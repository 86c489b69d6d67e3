import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { ProblemError } from '@kelid/contracts/contract';
import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { waitFor } from '@kelid/testing/start-service';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { controlOf, startPayments, type TestOrder, type TestPayments } from '../test-payments.ts';

const secret = 'whsec_of_the_test';
const partnerSecret = 'a-secret-of-the-partner-long-enough';
const nextSecret = 'whsec_that_comes_next';
let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}
async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** The shop's public door, as far as a message needs it: the very text and the headers, and the status for the sender. */
const visits: { body: string; status: number }[] = [];
const door = createServer((request, response) => {
  void readAll(request).then(async (body) => {
    const status = await send(body, String(request.headers['stripe-signature']));
    visits.push({ body, status });
    response.writeHead(status).end();
  });
});
const visitsOf = (token: string) => visits.filter((visit) => visit.body.includes(token)).map((visit) => visit.status);

interface Held {
  /** When Stripe was asked. */
  asked: Promise<void>;
  /** Whether the question is still without an answer, and who asked still waits for one. */
  isWaiting: boolean;
  release: () => void;
}
let nextHeld: (Held & { begin(): Promise<void> }) | undefined;
/** The way to Stripe: each question is passed on, but the one that a test keeps waiting. */
const gate = createServer((request, response) => {
  void readAll(request).then(async (body) => {
    const held = nextHeld;
    nextHeld = undefined;
    if (held) {
      response.once('close', () => (held.isWaiting = false));
      await held.begin();
    }
    const headers = Object.entries(request.headers).filter(([name]) =>
      /^(authorization|content-type|idempotency-key)$/.test(name),
    );
    const answer = await fetch(`${simulators.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers: headers.map(([name, value]): [string, string] => [name, String(value)]),
      ...(request.method === 'POST' ? { body } : {}),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
});
function holdNext(): Held {
  const released = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const begin = () => {
    held.isWaiting = true;
    asked.resolve();
    return released.promise;
  };
  const held = { asked: asked.promise, isWaiting: false, release: () => released.resolve(), begin };
  nextHeld = held;
  return held;
}

beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`, {
    PAYMENTS_STRIPE_URL: `${await listen(gate)}/stripe`,
    PAYMENTS_STRIPE_SECRET_KEY: 'sk_test_kelid',
    PAYMENTS_STRIPE_RIAL_PER_MINOR: '12000',
    PAYMENTS_STRIPE_WEBHOOK_SECRETS: `${secret}, ${nextSecret}`,
    PAYMENTS_WEBHOOK_SECRETS: partnerSecret,
  });
  bank = controlOf(simulators.url);
  await aim([secret]);
});
afterEach(async () => {
  await bank.calm();
  await aim([secret]);
  shop.revive.isAway = false;
  expect(await shop.brokenInvariants()).toEqual([]);
});
afterAll(async () => {
  await shop.close();
  await simulators.close();
  for (const server of [door, gate]) {
    server.closeAllConnections();
    server.close();
  }
});

let doorUrl = '';
/** Stripe's own settings: where its messages go, and by which secrets they are signed. */
async function aim(secrets: string[]): Promise<void> {
  if (doorUrl === '') doorUrl = await listen(door);
  const body = JSON.stringify({ url: doorUrl, secrets });
  const headers = { 'content-type': 'application/json' };
  await fetch(`${simulators.url}/banks/stripe/webhook`, { method: 'PUT', headers, body });
}
async function begin(order: TestOrder) {
  const started = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp: 'stripe' });
  return { attemptId: started.attemptId, token: started.redirectUrl?.split('/').at(-1) ?? '' };
}
/** An attempt on whose page nobody has done anything, and nobody hears of what is done. */
async function beginUnheard() {
  await bank.fault('stripe.webhook', { mode: 'never' });
  const order = await shop.owe();
  return { order, ...(await begin(order)) };
}
const comeBack = (params: Record<string, string>) => shop.browser.handlePspCallback({ psp: 'stripe', params });
const sweep = (name = 'settle-due-attempts') => shop.host.sweep('payments', name);
const becomes = (attemptId: string, status: string) =>
  waitFor(`the attempt is ${status}`, async () => (await shop.attempt(attemptId)).status === status);

/** What the sender hears: the status, or what the problem is. */
async function send(body: string, signature: string, psp = 'stripe'): Promise<number> {
  try {
    expect(await shop.browser.handlePspWebhook({ psp, headers: { 'stripe-signature': signature }, body })).toEqual({});
    return 202;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    expect(error.code).toBe('payments.webhook-refused');
    return error.status;
  }
}
const nowSeconds = () => Math.floor(Date.now() / 1000);
function sign(text: string, at = nowSeconds(), by = secret): string {
  return `t=${at},v1=${createHmac('sha256', by).update(`${at}.${text}`).digest('hex')}`;
}
function textOf(type: string, object: object, more: object = {}): string {
  return JSON.stringify({ id: `evt_${newId()}`, object: 'event', type, livemode: false, data: { object }, ...more });
}
const tell = (type: string, object: object, more: object = {}) => {
  const text = textOf(type, object, more);
  return send(text, sign(text));
};
/** All that could be different in our books if a message had done something. */
async function booksOf(attemptId: string) {
  const [row] = await shop.sql('payments', 'select * from payment_attempts where id = $1', [attemptId]);
  const history = await shop.sql('payments', 'select * from attempt_history where attempt_id = $1', [attemptId]);
  const events = await shop.sql('payments', 'select id from outbox order by id');
  return { row, history, events };
}

test('PA-5 F17: an order whose browser never comes back is paid by the message alone, and told once', async () => {
  const order = await shop.owe();
  const { attemptId, token } = await begin(order);
  await bank.decide(token, 'pay');
  await becomes(attemptId, 'captured');
  expect(await shop.intentStatus(order)).toBe('captured');
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
  expect(await bank.statusOf(token)).toBe('VERIFIED');
  // Both of the payment and the one of our own capture were taken, and none was asked to be sent again.
  await waitFor('three messages', async () => visitsOf(attemptId).length === 3);
  expect(visitsOf(attemptId)).toEqual([202, 202, 202]);
  expect(shop.hasAlarm('webhook-unknown')).toBe(false);
});

test('PA-5: while the secret is replaced, messages signed by the old one, the new one and both are taken', async () => {
  for (const secrets of [[secret, nextSecret], [nextSecret], ['whsec_removed_long_ago', nextSecret]]) {
    await aim(secrets);
    const { attemptId, token } = await begin(await shop.owe());
    await bank.decide(token, 'pay');
    await becomes(attemptId, 'captured');
  }
});

test('PA-5 A73: what Stripe did not sign, not just now, or not for this address, is refused with 401 and changes nothing', async () => {
  const { attemptId, token } = await beginUnheard();
  await bank.decide(token, 'pay');
  const before = await booksOf(attemptId);
  const text = textOf('checkout.session.completed', { id: token });
  const refused: [string, string, string?][] = [
    [text, ''],
    [text, 'undefined'],
    [text, sign(text, nowSeconds(), 'whsec_of_somebody_else')],
    [text, sign(text, nowSeconds() - 302)],
    [`${text} `, sign(text)],
    [text.replace('completed', 'complete!'), sign(text)],
    ['', sign(text)],
    // Banks that send no messages, and no banks at all.
    [text, sign(text), 'zarinpal'],
    [text, sign(text), 'zibal'],
    [text, sign(text), 'paypal'],
    [text, sign(text), '__proto__'],
    [text, sign(text), ''],
  ];
  for (const [body, signature, psp] of refused)
    expect(await send(body, signature, psp), `${psp} ${signature} ${body}`).toBe(401);
  expect(shop.hasAlarm('webhook-refused')).toBe(true);
  expect(await booksOf(attemptId)).toEqual(before);
  expect(await send(text, sign(text))).toBe(202);
  await becomes(attemptId, 'captured');
});

test('PA-5 AU-12: a signed message with a text that no database keeps, escaped in its body, is refused as unreadable and changes nothing', async () => {
  const order = await shop.owe();
  const { attemptId } = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp: 'webhook' });
  const before = await booksOf(attemptId);
  const tellPartner = (reason: string) => {
    const body = JSON.stringify({ type: 'payment.failed', data: { attemptId, reason } });
    const [id, at] = [newId(), String(nowSeconds())];
    const signature = createHmac('sha256', partnerSecret).update(`${id}.${at}.${body}`).digest('base64');
    return shop.browser.handlePspWebhook({
      psp: 'webhook',
      headers: { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': `v1,${signature}` },
      body,
    });
  };
  for (const wrong of ['no \0 money', 'no \uD800 money'])
    await expect(tellPartner(wrong)).rejects.toMatchObject({ status: 422, code: 'invalid-input' });
  expect(await booksOf(attemptId)).toEqual(before);
  expect(await tellPartner('no money')).toEqual({});
});

test('PA-5: the same message again has no effect, however often and long after', async () => {
  const { attemptId, order, token } = await beginUnheard();
  await bank.decide(token, 'pay');
  const text = textOf('checkout.session.completed', { id: token });
  const signature = sign(text);
  expect(await send(text, signature)).toBe(202);
  await becomes(attemptId, 'captured');
  const before = await booksOf(attemptId);
  const again = [...Array.from({ length: 10 }, () => signature), sign(text), sign(text, nowSeconds() - 200)];
  expect(new Set(await Promise.all(again.map((one) => send(text, one))))).toEqual(new Set([202]));
  expect(await booksOf(attemptId)).toEqual(before);
  expect(before.row).toMatchObject({ verify_count: 1, is_surplus: false });
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
});

test('A54 PA-5: play money in a shop in earnest, other types and payments of others change nothing and are not sent again', async () => {
  const { attemptId, token } = await beginUnheard();
  await bank.decide(token, 'pay');
  const before = await booksOf(attemptId);
  const intent = { id: 'pi_3PKelidTest00000001', metadata: { attempt_id: attemptId } };
  expect(await tell('checkout.session.completed', { id: token }, { livemode: true })).toBe(202);
  for (const type of ['payment_intent.created', 'payment_intent.payment_failed', 'charge.captured', 'v1.new'])
    expect(await tell(type, intent)).toBe(202);
  expect(await tell('checkout.session.completed', { id: 'cs_test_of0another0shop' })).toBe(202);
  expect(await tell('payment_intent.succeeded', { ...intent, metadata: { attempt_id: newId() } })).toBe(202);
  expect(await tell('refund.created', { payment_intent: intent.id, status: 'succeeded' })).toBe(202);
  expect(await booksOf(attemptId)).toEqual(before);
  expect(shop.hasAlarm('webhook-unknown')).toBe(true);
});

test('A73: even a signed message is only a hint: who did not pay has not paid, and who paid has not failed', async () => {
  const unpaid = await beginUnheard();
  expect(await tell('checkout.session.completed', { id: unpaid.token })).toBe(202);
  await becomes(unpaid.attemptId, 'unknown');
  expect(await shop.intentStatus(unpaid.order)).toBe('open');

  const paid = await beginUnheard();
  await bank.decide(paid.token, 'pay');
  expect(await tell('checkout.session.expired', { id: paid.token })).toBe(202);
  await becomes(paid.attemptId, 'captured');
});

test('PA-6: the message is answered while Stripe is still silent, and the work goes on when it speaks', async () => {
  const { attemptId, order, token } = await beginUnheard();
  await bank.decide(token, 'pay');
  const held = holdNext();
  expect(await tell('checkout.session.completed', { id: token })).toBe(202);
  await held.asked;
  expect(held.isWaiting).toBe(true);
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'verifying' });
  held.release();
  await becomes(attemptId, 'captured');
  expect(await shop.intentStatus(order)).toBe('captured');
});

test('PA-6 CP7: when the process that took the message is gone while Stripe is asked, the sweep asks again and captures once', async () => {
  const { attemptId, order, token } = await beginUnheard();
  await bank.decide(token, 'pay');
  const held = holdNext();
  expect(await tell('checkout.session.completed', { id: token })).toBe(202);
  await held.asked;
  await shop.comeDue(attemptId);
  await sweep();
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', verifyCount: 2 });
  held.release();
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
});

test('F13: who waited for Stripe while the sweep captured finds money that it did not capture itself, and raises no alarm', async () => {
  const { attemptId, order, token } = await beginUnheard();
  const params = await bank.decide(token, 'pay');
  const held = holdNext();
  const slow = comeBack(params);
  await held.asked;
  await shop.comeDue(attemptId);
  await sweep();
  const before = await booksOf(attemptId);
  expect(before.row).toMatchObject({ status: 'captured', verify_count: 2 });
  expect(held.isWaiting).toBe(true);
  held.release();
  await slow;
  expect(await booksOf(attemptId)).toEqual(before);
  expect(shop.hasAlarm('payment-review', attemptId)).toBe(false);
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
});

test('PA-6: work that ends right after the message was answered is taken up by the sweep, even of an attempt that was given up', async () => {
  for (const isGivenUp of [false, true]) {
    const { attemptId, order, token } = await beginUnheard();
    if (isGivenUp) await giveUp(attemptId);
    await bank.decide(token, 'pay');
    await shop.orders.closeIntent({ orderId: order.orderId, status: 'expired' });
    // Orders is away, so nothing comes of the message but the one statement that was written before its answer.
    shop.revive.isAway = true;
    const before = await shop.attempt(attemptId);
    expect(await tell('checkout.session.completed', { id: token })).toBe(202);
    await waitFor('the end of the work', async () =>
      shop.logLines.some((line) => line.includes('could not be followed at once') && line.includes(attemptId)),
    );
    expect(await shop.attempt(attemptId)).toMatchObject({ status: before.status, verifyCount: 0 });
    shop.revive.isAway = false;
    await sweep();
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', isSurplus: false });
    expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
  }
});

/** Days later nobody has come back, and Stripe knows of no payment. */
async function giveUp(attemptId: string): Promise<void> {
  await shop.comeDue(attemptId, 5 * 24 * 60);
  await sweep();
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'abandoned', due_at: null });
}

test('F16: an attempt that was given up and is paid late pays its order, or, when that is paid already, the wallet', async () => {
  const late = await shop.owe();
  const one = await begin(late);
  await giveUp(one.attemptId);
  await bank.decide(one.token, 'pay');
  await becomes(one.attemptId, 'captured');
  expect(await shop.intentStatus(late)).toBe('captured');

  const twice = await shop.owe();
  const old = await begin(twice);
  await giveUp(old.attemptId);
  const { authority } = await shop.start(twice);
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params: await bank.decide(authority, 'pay') });
  expect(await shop.intentStatus(twice)).toBe('captured');
  await bank.decide(old.token, 'pay');
  await becomes(old.attemptId, 'captured');
  expect(await shop.attempt(old.attemptId)).toMatchObject({ isSurplus: true });
  expect(await shop.customer(twice.customerId).getWallet({})).toMatchObject({ balanceRial: twice.amountRial });
});

test('F16: a message of a given-up attempt that was never paid leaves it given up, and asks for no more sweeps', async () => {
  const { attemptId, order } = await beginUnheard();
  await giveUp(attemptId);
  await shop.orders.closeIntent({ orderId: order.orderId, status: 'cancelled' });
  expect(await tell('payment_intent.succeeded', { metadata: { attempt_id: attemptId } })).toBe(202);
  await sweep();
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'abandoned', due_at: null });
  expect(await shop.intentStatus(order)).toBe('cancelled');
});

test('PA-4: a page that is closed at Stripe fails its attempt at once', async () => {
  const { attemptId, token } = await begin(await shop.owe());
  const headers = { authorization: 'Bearer sk_test_kelid' };
  await fetch(`${simulators.url}/stripe/v1/checkout/sessions/${token}/expire`, { method: 'POST', headers });
  await becomes(attemptId, 'failed');
});

test('a dispute of captured money, and a refund that did not arrive, call for a person; one that was won does not', async () => {
  const contested = async (type: string, status: string) => {
    const { attemptId, token } = await beginUnheard();
    await comeBack(await bank.decide(token, 'pay'));
    const before = await booksOf(attemptId);
    expect(before.row).toMatchObject({ status: 'captured' });
    expect(await tell(type, { payment_intent: before.row?.['psp_reference'], status })).toBe(202);
    expect(await booksOf(attemptId)).toEqual(before);
    return shop.hasAlarm('payment-contested', attemptId);
  };
  expect(await contested('charge.dispute.created', 'needs_response')).toBe(true);
  expect(await contested('charge.dispute.closed', 'lost')).toBe(true);
  expect(await contested('refund.failed', 'failed')).toBe(true);
  expect(await contested('charge.dispute.closed', 'won')).toBe(false);
  expect(await contested('refund.created', 'pending')).toBe(false);
});

test('A52: ten callbacks and the messages at the same moment capture once', async () => {
  for (let round = 0; round < 5; round += 1) {
    const order = await shop.owe();
    const { attemptId, token } = await begin(order);
    const params = await bank.decide(token, 'pay');
    const text = textOf('checkout.session.completed', { id: token });
    await Promise.all([
      ...Array.from({ length: 10 }, () => comeBack(params)),
      ...Array.from({ length: 3 }, () => send(text, sign(text))),
    ]);
    await becomes(attemptId, 'captured');
    expect(await shop.attempt(attemptId)).toMatchObject({ verifyCount: 1, isSurplus: false });
    expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
    expect(shop.hasAlarm('payment-review', attemptId)).toBe(false);
  }
});

test.each(['duplicate', 'out-of-order'])('PA-5: messages that come %s capture once', async (mode) => {
  const order = await shop.owe();
  const { attemptId, token } = await begin(order);
  await bank.fault('stripe.webhook', { mode, count: 1 });
  await bank.decide(token, 'pay');
  await becomes(attemptId, 'captured');
  const count = mode === 'duplicate' ? 5 : 3;
  await waitFor('all messages', async () => visitsOf(attemptId).length === count);
  expect(visitsOf(attemptId)).toEqual(Array.from({ length: count }, () => 202));
  expect(await shop.attempt(attemptId)).toMatchObject({ verifyCount: 1 });
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
});

test('PA-5: messages that come late find the payment that the browser has brought, and change nothing', async () => {
  const { attemptId, token } = await begin(await shop.owe());
  await bank.fault('stripe.webhook', { mode: 'late', delayMs: 1_500, count: 1 });
  await comeBack(await bank.decide(token, 'pay'));
  const before = await booksOf(attemptId);
  expect(before.row).toMatchObject({ status: 'captured' });
  await waitFor('both and the one of the capture', async () => visitsOf(attemptId).length === 3);
  expect(await booksOf(attemptId)).toEqual(before);
});

test.each(['never', 'forged'])('PA-5 F17: messages that come %s leave the payment to the sweep', async (mode) => {
  const order = await shop.owe();
  const { attemptId, token } = await begin(order);
  await bank.fault('stripe.webhook', { mode, count: 1 });
  await bank.decide(token, 'pay');
  if (mode === 'forged') await waitFor('both messages', async () => visitsOf(attemptId).length >= 2);
  expect(visitsOf(attemptId).every((status) => status === 401)).toBe(true);
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'redirected', verifyCount: 0 });
  await shop.comeDue(attemptId, 1);
  await sweep('settle-unverified');
  expect(await shop.intentStatus(order)).toBe('captured');
});
