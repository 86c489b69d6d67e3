import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Psp } from '@kelid/contracts/payments';
import { newId } from '@kelid/service/ids';
import { simulatorEnvironment } from '@kelid/simulators/environment';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { controlOf, startPayments, type TestOrder, type TestPayments } from './test-payments.ts';

// The gateway pack and the race pack of the requirements, whole, for every PSP: one suite, and what differs between them as data.

interface Way {
  /** Where one fault at a time is set; absent where nobody is asked over the network. */
  faults?: { request: string; verify: string; amountMismatch?: true; verifiedBefore?: string };
  /** The browser brings nothing that could be believed or forged. */
  isByMessage?: true;
  isByHand?: true;
  /** Unverified money goes back by itself, so a dead order's is better not taken. */
  goesBack?: true;
  /** The PSP can be asked about a payment whose browser never came back. */
  isFound?: true;
  canRefund?: true;
}
const ways: Partial<Record<Psp, Way>> = {
  zarinpal: {
    faults: {
      request: 'zarinpal.request',
      verify: 'zarinpal.verify',
      amountMismatch: true,
      verifiedBefore: 'zarinpal.verify',
    },
    goesBack: true,
    isFound: true,
    canRefund: true,
  },
  zibal: {
    faults: { request: 'zibal.request', verify: 'zibal.verify', amountMismatch: true, verifiedBefore: 'zibal.verify' },
    goesBack: true,
    isFound: true,
    canRefund: true,
  },
  sep: {
    faults: { request: 'sep.request', verify: 'sep.verify', amountMismatch: true, verifiedBefore: 'sep.verify' },
    goesBack: true,
    isFound: true,
    canRefund: true,
  },
  sadad: {
    faults: { request: 'sadad.request', verify: 'sadad.verify', amountMismatch: true, verifiedBefore: 'sadad.verify' },
    goesBack: true,
    isFound: true,
  },
  behpardakht: {
    faults: { request: 'behpardakht.request', verify: 'behpardakht.verify', verifiedBefore: 'behpardakht.verify' },
    goesBack: true,
    canRefund: true,
  },
  stripe: {
    faults: {
      request: 'stripe.request',
      verify: 'stripe.verify',
      amountMismatch: true,
      verifiedBefore: 'stripe.inquiry',
    },
    goesBack: true,
    isFound: true,
    canRefund: true,
  },
  webhook: { isByMessage: true },
  'card-to-card': { isByHand: true },
};
const psps = Object.entries(ways).map(([psp, way]) => ({ psp: psp as Psp, way }));
const those = (is: (way: Way) => unknown) => psps.filter(({ way }) => is(way));
const secret = 'a-secret-of-the-partner-gateway-in-one-word';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
/** Where the simulators' signed messages arrive, as the gateway would bring them. */
const gateway = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    shop.browser
      .handlePspWebhook({ psp: request.url?.split('/').at(-1) ?? '', headers, body: Buffer.concat(chunks).toString() })
      .then(() => response.writeHead(202).end())
      .catch(() => response.writeHead(401).end());
  });
});
beforeAll(async () => {
  await new Promise<void>((ready) => gateway.listen(0, '127.0.0.1', ready));
  const gatewayUrl = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  simulators = await startSimulators({
    port: 0,
    smtpPort: 0,
    paymentWebhook: { url: `${gatewayUrl}/webhook`, secrets: [secret] },
    stripeWebhook: { url: `${gatewayUrl}/stripe`, secrets: [secret] },
  });
  shop = await startPayments(`${simulators.url}/zarinpal`, {
    ...simulatorEnvironment({ url: simulators.url, smtpPort: 0, gatewayUrl, secretOf: () => secret }),
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
  gateway.close();
});

test('the shopper is offered first what can be found without a browser, and last what only those can use who know it', async () => {
  const offered = (await shop.browser.listPaymentMethods({})).items.map(({ psp }) => psp);
  const places = offered.map((psp) =>
    ways[psp]?.isByMessage || ways[psp]?.isByHand || psp === 'stripe' ? 2 : ways[psp]?.isFound ? 0 : 1,
  );
  expect(offered.toSorted()).toEqual(psps.map(({ psp }) => psp).toSorted());
  expect(places).toEqual(places.toSorted());
});

interface Begun {
  psp: Psp;
  order: TestOrder;
  attemptId: string;
  token: string;
}

async function begin(psp: Psp, order?: TestOrder): Promise<Begun> {
  const owed = order ?? (await shop.owe());
  const started = await shop.orders.startAttempt({ attemptId: newId(), orderId: owed.orderId, psp });
  const row = await shop.attempt(started.attemptId);
  expect(row.psp).toBe(psp);
  // The partner's page learns of a payment from the browser that comes to it.
  if (psp === 'webhook') await fetch(started.redirectUrl ?? '');
  return { psp, order: owed, attemptId: started.attemptId, token: String(row['psp_token']) };
}

/** What the shopper does at the bank; answers what the browser brings back, or nothing where no bank sends one back. */
async function act({ psp, token, order, attemptId }: Begun, outcome: 'pay' | 'fail' | 'cancel') {
  if (psp !== 'card-to-card') return bank.decide(token, outcome);
  const trackingNumber = String(Date.now()) + String(order.orderId.replaceAll(/\D/g, '')).slice(-8);
  await shop.customer(order.customerId).submitTransfer({ attemptId, trackingNumber, cardLast4: '0006' });
  return undefined;
}

/** The word that settles it: the browser with its callback, or staff with theirs. Messages come by themselves. */
async function settle(begun: Begun, params: Record<string, string> | undefined, isPaid = true): Promise<void> {
  const { psp, attemptId, order } = begun;
  if (params) {
    await shop.browser.handlePspCallback({ psp, params });
    return;
  }
  const { trackingNumber } = await shop.customer(order.customerId).getTransfer({ attemptId });
  const decision = {
    attemptId,
    isApproved: isPaid,
    trackingNumber: trackingNumber ?? '',
    reason: 'as the bank shows',
    seenRial: order.amountRial,
  };
  await shop.staff(`staff ${newId()}`).decideTransfer(decision);
}

/** Statuses that a message leads to arrive a moment after it. */
async function becomes({ attemptId }: Begun, status: string): Promise<void> {
  await expect.poll(async () => (await shop.attempt(attemptId)).status).toBe(status);
}

async function sweep(attemptId: string, redirectedMinutesAgo = 0): Promise<void> {
  await shop.comeDue(attemptId, redirectedMinutesAgo);
  await shop.host.sweep('payments', 'settle-due-attempts');
}

/** Its order and its customer are told, staff are alarmed, and nobody pays again before a person has decided. */
async function expectReview({ attemptId, order }: Begun): Promise<void> {
  const { orderId, customerId, amountRial } = order;
  expect(await shop.published('payment.review-begun', orderId)).toEqual([
    { attemptId, orderId, customerId, amountRial },
  ]);
  expect(shop.hasAlarm('payment-review', attemptId)).toBe(true);
  expect(await shop.orders.getOrderMoney({ orderId })).toEqual({ state: 'review' });
  for (const { psp } of psps)
    await expect(shop.orders.startAttempt({ attemptId: newId(), orderId, psp })).rejects.toMatchObject({
      code: 'payments.payment_in_review',
      status: 409,
    });
}

const capturesOf = ({ order }: Begun) => shop.published('payment.captured', order.orderId);
const walletOf = async (order: TestOrder) => (await shop.customer(order.customerId).getWallet({})).balanceRial;

describe.each(psps)('gateway pack at $psp', ({ psp, way }) => {
  test(`PA-1 PA-2 PA-11 CK-7: a payment at ${psp} is captured with its reference, and each of its moves has an actor and a cause`, async () => {
    const begun = await begin(psp);
    const params = await act(begun, 'pay');
    if (way.isByHand) {
      expect(await shop.attempt(begun.attemptId)).toMatchObject({ status: 'redirected' });
      expect(await capturesOf(begun)).toEqual([]);
    }
    await settle(begun, params);
    await becomes(begun, 'captured');
    expect(await shop.intentStatus(begun.order)).toBe('captured');
    expect(await capturesOf(begun)).toMatchObject([{ amountRial: begun.order.amountRial }]);
    const row = await shop.attempt(begun.attemptId);
    expect(row['psp_reference']).not.toBeNull();
    const moves = await shop.sql('payments', 'select * from attempt_history where attempt_id = $1', [begun.attemptId]);
    expect(moves.length).toBeGreaterThan(2);
    for (const move of moves) expect(move['actor'] && move['cause'], JSON.stringify(move)).toBeTruthy();
  });

  test.each(['fail', 'cancel'] as const)(
    `OR-2: ${psp}: %s takes no money, and the customer pays again`,
    async (outcome) => {
      const begun = await begin(psp);
      await settle(begun, await act(begun, outcome), false);
      if ((await shop.attempt(begun.attemptId)).status === 'returned') await sweep(begun.attemptId);
      // Where nobody can be asked, it is known when its time is over.
      if (psp === 'stripe') await sweep(begun.attemptId, 4 * 24 * 60 + 1);
      // A signed message is followed a moment after it is answered.
      await expect.poll(async () => (await shop.attempt(begun.attemptId)).status).toMatch(/failed|abandoned/);
      expect(await capturesOf(begun)).toEqual([]);
      const again = await begin(psp, begun.order);
      await settle(again, await act(again, 'pay'));
      await becomes(again, 'captured');
      expect(await capturesOf(again)).toHaveLength(1);
    },
  );

  test(`PA-4 A52 F14 race pack: 50 words at once that ${psp} has the money are one capture`, async () => {
    const begun = await begin(psp);
    const params = await act(begun, 'pay');
    const sweeps = Array.from({ length: 5 }, () => shop.host.sweep('payments', 'settle-due-attempts'));
    await Promise.allSettled([...Array.from({ length: 50 }, () => settle(begun, params)), ...sweeps]);
    await becomes(begun, 'captured');
    expect(await capturesOf(begun)).toHaveLength(1);
    expect(await shop.attempt(begun.attemptId)).toMatchObject({ isSurplus: false, verifyCount: 1 });
    expect(await walletOf(begun.order)).toBe(0);
  });

  test(`F18 I6: who pays the same order twice at ${psp} has the second payment in the wallet`, async () => {
    const first = await begin(psp);
    const second = await begin(psp, first.order);
    const words = [await act(first, 'pay'), await act(second, 'pay')];
    await settle(first, words[0]);
    await settle(second, words[1]);
    await becomes(first, 'captured');
    await becomes(second, 'captured');
    expect(await capturesOf(first)).toHaveLength(1);
    await expect.poll(() => walletOf(first.order)).toBe(first.order.amountRial);
  });

  test(`F16: late money at ${psp} for an order that is cancelled delivers nothing and is never kept`, async () => {
    const begun = await begin(psp);
    await shop.orders.closeIntent({ orderId: begun.order.orderId, status: 'cancelled' });
    await settle(begun, await act(begun, 'pay'));
    await becomes(begun, way.goesBack ? 'failed' : 'captured');
    expect(await capturesOf(begun)).toEqual([]);
    await expect.poll(() => walletOf(begun.order)).toBe(way.goesBack ? 0 : begun.order.amountRial);
  });

  test.each([true, false])(
    `F16: late money at ${psp} for an expired order; its order can live again: %s`,
    async (isPayable) => {
      const begun = await begin(psp);
      await shop.orders.closeIntent({ orderId: begun.order.orderId, status: 'expired' });
      shop.revive.isPayable = isPayable;
      await settle(begun, await act(begun, 'pay'));
      await becomes(begun, isPayable || !way.goesBack ? 'captured' : 'failed');
      shop.revive.isPayable = true;
      expect(await capturesOf(begun)).toHaveLength(isPayable ? 1 : 0);
      const kept = !isPayable && !way.goesBack;
      await expect.poll(() => walletOf(begun.order)).toBe(kept ? begun.order.amountRial : 0);
    },
  );

  test(`A47 A53 F15: callbacks of ${psp} that were made up change nothing and lead to a neutral page`, async () => {
    const begun = await begin(psp);
    const row = JSON.stringify(await shop.attempt(begun.attemptId));
    const names =
      'Authority trackId Token token RefId session_id attempt Status status ResCode SaleOrderId SaleReferenceId'.split(
        ' ',
      );
    const forgeries: Record<string, string>[] = [
      {},
      ...['unknown', '<b>x</b>', 'A'.repeat(400), newId(), `${begun.token}x`].map((value) =>
        Object.fromEntries(names.map((name) => [name, value])),
      ),
    ];
    for (const params of forgeries) {
      const { location } = await shop.browser.handlePspCallback({ psp, params });
      expect(location).toMatch(/\/payment\/result$/);
    }
    expect(JSON.stringify(await shop.attempt(begun.attemptId))).toBe(row);
  });

  test(`A47 A48 A49: whoever says "paid" of an unpaid payment at ${psp}, in every way a callback can say so, has not paid`, async () => {
    const paid = await begin(psp, await shop.owe(1_000_000));
    const proof = await act(paid, 'pay');
    await settle(paid, proof);
    const begun = await begin(psp);
    const claims = {
      ...proof,
      ...Object.fromEntries(
        'Authority trackId Token token RefId session_id attempt'.split(' ').map((name) => [name, begun.token]),
      ),
      Status: 'OK',
      success: '1',
      status: '2',
      ResCode: '0',
      came: 'paid',
    };
    await shop.browser.handlePspCallback({ psp, params: claims });
    expect((await shop.attempt(begun.attemptId)).status).not.toBe('captured');
    expect(await capturesOf(begun)).toEqual([]);
    // What really happens afterwards still counts.
    const params = await act(begun, 'pay');
    await settle(begun, params);
    if ((await shop.attempt(begun.attemptId)).status !== 'captured') await sweep(begun.attemptId);
    await becomes(begun, 'captured');
  });

  test(`A63: a top-up of the wallet at ${psp} is credited once, however often it is told`, async () => {
    const customerId = newId();
    const { topUpId } = await shop.customer(customerId).topUpWallet({ amountRial: 1_000_000, psp });
    const row = await shop.attempt(topUpId);
    if (psp === 'webhook') await fetch(String(row['redirect_url']));
    const begun = {
      psp,
      order: { orderId: topUpId, customerId, amountRial: 1_000_000 },
      attemptId: topUpId,
      token: String(row['psp_token']),
    };
    const params = await act(begun, 'pay');
    await Promise.allSettled(Array.from({ length: 10 }, () => settle(begun, params)));
    await becomes(begun, 'captured');
    expect(await walletOf(begun.order)).toBe(1_000_000);
  });
});

describe.each(those((way) => way.faults))('what may go wrong at $psp', ({ psp, way }) => {
  test.each(['error', 'garbage', 'down', 'lose-answer'])(
    `F12: ${psp}: a request that ends with %s begins at another bank of its kind, or nowhere`,
    async (mode) => {
      await bank.fault(way.faults?.request ?? '', { mode, count: 1 });
      const order = await shop.owe();
      const attemptId = newId();
      const answer = shop.orders.startAttempt({ attemptId, orderId: order.orderId, psp });
      if (psp === 'stripe') {
        // Who chose a card of another country is not sent to a bank of this one.
        await expect(answer).rejects.toMatchObject({ code: 'payments.psp-unavailable' });
        expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed' });
        return;
      }
      const started = await answer;
      expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed' });
      const { psp: other } = await shop.attempt(started.attemptId);
      expect(started.psp).toBe(other);
      expect(other).not.toBe(psp);
      // Nobody is sent to a payment that they would have to know of.
      expect(['stripe', 'webhook', 'card-to-card']).not.toContain(other);
    },
  );

  test.each(['error', 'garbage', 'down', 'lose-answer'])(
    `F13 CP8: ${psp}: a verify that ends with %s is unknown, asked again, and captured once`,
    async (mode) => {
      const begun = await begin(psp);
      const params = await act(begun, 'pay');
      await bank.fault(way.faults?.verify ?? '', { mode, count: 1 });
      await settle(begun, params);
      if (psp !== 'stripe') expect(await shop.attempt(begun.attemptId)).toMatchObject({ status: 'unknown' });
      await expect.poll(async () => (await shop.attempt(begun.attemptId)).status).not.toBe('verifying');
      await sweep(begun.attemptId);
      await becomes(begun, 'captured');
      expect(await capturesOf(begun)).toHaveLength(1);
    },
  );

  test(`I7 A51 I27: ${psp} that says another amount is not believed; a person looks`, async () => {
    if (!way.faults?.amountMismatch) return; // Behpardakht's answer has no amount (A49 stands for it).
    const begun = await begin(psp);
    const params = await act(begun, 'pay');
    await bank.fault(way.faults.verify, { mode: 'amount-mismatch', count: 1 });
    await settle(begun, params);
    await becomes(begun, 'review');
    expect(await capturesOf(begun)).toEqual([]);
    await expectReview(begun);
    // A person finds the money in the bank after all.
    const found = {
      attemptId: begun.attemptId,
      decision: 'captured' as const,
      reference: `FOUND-${psp}`,
      reason: 'there',
    };
    expect(await shop.staff('mina').decideAttempt(found)).toMatchObject({ status: 'captured', isSurplus: false });
    expect(await capturesOf(begun)).toHaveLength(1);
  });

  test(`A50: ${psp} that says "verified before" though we never asked sells nothing; a person looks`, async () => {
    const begun = await begin(psp);
    await bank.fault(way.faults?.verifiedBefore ?? '', { mode: 'verified-before', count: 1 });
    await settle(begun, await act(begun, 'pay'));
    await becomes(begun, 'review');
    expect(await shop.intentStatus(begun.order)).toBe('open');
    await expectReview(begun);
    // A person does not find it: its order and its customer are told, and it may be paid again.
    const gone = { attemptId: begun.attemptId, decision: 'failed' as const, reason: 'only staff read this' };
    await shop.staff('mina').decideAttempt(gone);
    expect(await shop.published('payment.failed', begun.order.orderId)).toMatchObject([
      { attemptId: begun.attemptId, reason: 'not in the bank', reviewedRial: begun.order.amountRial },
    ]);
    expect(await shop.orders.getOrderMoney({ orderId: begun.order.orderId })).toEqual({ state: 'settled' });
    const again = await begin(psp, begun.order);
    await settle(again, await act(again, 'pay'));
    await becomes(again, 'captured');
  });
});

test.each(those((way) => way.isFound))(
  'CP6 PA-6: $psp: who pays and closes the window is found without a callback',
  async ({ psp }) => {
    const begun = await begin(psp);
    await act(begun, 'pay');
    if (psp === 'stripe') await becomes(begun, 'captured'); // Its message was faster than any question.
    else await sweep(begun.attemptId, 5);
    await becomes(begun, 'captured');
    expect(await capturesOf(begun)).toHaveLength(1);
  },
);

/** Minutes that each bank waits for a verify. */
const windows: Partial<Record<Psp, number>> = { zarinpal: 30, zibal: 15, sep: 30, sadad: 15, behpardakht: 20 };

test.each(those((way) => way.faults && way.goesBack).filter(({ psp }) => psp !== 'stripe'))(
  'F13: $psp: a verify that fails late is repeated before the window of its charge ends, and the sale is not lost',
  async ({ psp, way }) => {
    const begun = await begin(psp);
    const params = await act(begun, 'pay');
    const minutes = windows[psp] ?? 0;
    // Two minutes before the end, whichever moment the bank counts from.
    await shop.comeDue(begun.attemptId, minutes - 2);
    for (const mode of ['error', 'down']) {
      await bank.fault(way.faults?.verify ?? '', { mode, count: 1 });
      if (mode === 'error') await settle(begun, params);
      else await sweep(begun.attemptId);
      const row = await shop.attempt(begun.attemptId);
      expect(row).toMatchObject({ status: 'unknown' });
      expect(Number(row['dueInSeconds'])).toBeLessThanOrEqual(30);
    }
    await sweep(begun.attemptId, 3); // The redirect is older than the window; the card was charged after it.
    await becomes(begun, 'captured');
    expect(await capturesOf(begun)).toHaveLength(1);
  },
);

test.each(those((way) => way.isFound && way.faults).filter(({ psp }) => psp === 'zibal' || psp === 'zarinpal'))(
  'F13: $psp: when the bank says after the window that it is paid, it is verified at once, not an hour later',
  async ({ psp, way }) => {
    const begun = await begin(psp);
    const params = await act(begun, 'pay');
    await bank.fault(way.faults?.verify ?? '', { mode: 'error', count: 1 });
    await settle(begun, params);
    await sweep(begun.attemptId, 60); // By our clock it is over; by the bank's it is not.
    await becomes(begun, 'captured');
  },
);

test('PA-6 F15: sadad: a callback that says no although the money is there, or none at all, does not lose the sale', async () => {
  for (const comesBack of [true, false]) {
    const begun = await begin('sadad');
    const params = await act(begun, 'pay');
    // The bank itself does not know of it yet when the browser brings its no.
    await bank.fault('sadad.verify', { mode: 'not-yet', count: 1 });
    if (comesBack) await settle(begun, { ...params, ResCode: '-1' });
    else await sweep(begun.attemptId, 1);
    expect(await shop.attempt(begun.attemptId)).toMatchObject({
      status: comesBack ? 'failed' : 'redirected',
      verifyCount: 1,
    });
    expect((await shop.attempt(begun.attemptId))['due_at']).not.toBeNull();
    await sweep(begun.attemptId, 2);
    await becomes(begun, 'captured');
    expect(await shop.published('payment.failed', begun.order.orderId)).toHaveLength(comesBack ? 1 : 0);
  }
});

test('A50: sadad: questions that were answered with a no make nobody else’s verify ours', async () => {
  const begun = await begin('sadad');
  await sweep(begun.attemptId, 1);
  expect(await shop.attempt(begun.attemptId)).toMatchObject({ status: 'redirected', verifyCount: 1 });
  await bank.fault('sadad.verify', { mode: 'verified-before', count: 1 });
  await settle(begun, await act(begun, 'pay'));
  await becomes(begun, 'review');
});

test('F16: sadad: a payment that nobody speaks of is looked for while its order waits, not after that, and the customer hears of a failure once', async () => {
  const waiting = await begin('sadad');
  for (const minutes of [1, 2, 3, 4, 3, 5]) {
    await sweep(waiting.attemptId, minutes);
    expect(await shop.attempt(waiting.attemptId)).toMatchObject({ status: 'redirected' });
  }
  await sweep(waiting.attemptId, 7);
  expect(await shop.attempt(waiting.attemptId)).toMatchObject({ status: 'failed', due_at: null, verifyCount: 7 });
  expect(await shop.published('payment.failed', waiting.order.orderId)).toHaveLength(1);

  const dead = await begin('sadad');
  await act(dead, 'pay');
  await shop.orders.closeIntent({ orderId: dead.order.orderId, status: 'expired' });
  shop.revive.askedFor.length = 0;
  await sweep(dead.attemptId, 1);
  expect(await shop.attempt(dead.attemptId)).toMatchObject({ status: 'failed', verifyCount: 0, due_at: null });
  expect(await bank.statusOf(dead.token)).toBe('PAID');
  expect(shop.revive.askedFor).toEqual([]);
});

test.each(['sadad', 'sep', 'zibal'] as const)(
  'I5 A51: %s that says "done already" and not what, reaches a person when its window ends, not after a day',
  async (psp) => {
    const begun = await begin(psp);
    await bank.fault(`${psp}.verify`, { mode: psp === 'zibal' ? 'verified-before' : 'no-details' });
    if (psp === 'zibal') await bank.fault('zibal.inquiry', { mode: 'error' });
    await settle(begun, await act(begun, 'pay'));
    expect(await shop.attempt(begun.attemptId)).toMatchObject({ status: 'unknown' });
    await sweep(begun.attemptId, (windows[psp] ?? 0) - 1);
    expect(await shop.attempt(begun.attemptId)).toMatchObject({ status: 'unknown' });
    await sweep(begun.attemptId, 1);
    await expectReview(begun);
  },
);

test.each(those((way) => way.isByMessage))(
  'PA-5 PA-6: $psp: a browser that comes back before the message waits, and the message alone pays',
  async ({ psp }) => {
    await bank.fault('webhook.webhook', { mode: 'late', delayMs: 500, count: 1 });
    const begun = await begin(psp);
    const params = await act(begun, 'pay');
    await settle(begun, params);
    expect(await shop.attempt(begun.attemptId)).toMatchObject({ status: 'returned' });
    await becomes(begun, 'captured');
    await bank.fault('webhook.webhook', { mode: 'forged', count: 1 });
    const forged = await begin(psp);
    await settle(forged, await act(forged, 'pay'));
    await sweep(forged.attemptId);
    expect(await shop.attempt(forged.attemptId)).toMatchObject({ status: 'returned' });
    expect(shop.hasAlarm('webhook-refused')).toBe(true);
  },
);

test.each(those((way) => way.canRefund))(
  'PA-8 CP16: $psp: a refund to the card whose answer was lost is never paid twice',
  async ({ psp }) => {
    const begun = await begin(psp);
    await settle(begun, await act(begun, 'pay'));
    await becomes(begun, 'captured');
    const { orderId, amountRial } = begun.order;
    await shop.deliver('order.fulfilled', {
      orderId,
      customerId: begun.order.customerId,
      orderNumber: 'KL-1',
      version: 4,
      totalRial: amountRial,
      contact: {},
      lines: [],
      fulfilledAt: new Date().toISOString(),
    });
    const place = psp === 'zarinpal' || psp === 'sep' ? `${psp}.reverse` : `${psp}.refund`;
    await bank.fault(place, { mode: 'lose-answer', count: 1 });
    const refund = await shop.staff('one').requestRefund({ orderId, amountRial, method: 'psp', reason: 'asked for' });
    await expect
      .poll(async () => {
        await shop.sql('payments', 'update refunds set due_at = now() where id = $1', [refund.id]);
        await shop.host.sweep('payments', 'settle-due-refunds');
        const [row] = await shop.sql('payments', 'select status from refunds where id = $1', [refund.id]);
        return row?.['status'];
      })
      .toMatch(/succeeded|unknown|review/);
    const [sent] = await shop.sql('payments', 'select refunded_rial from payment_attempts where id = $1', [
      begun.attemptId,
    ]);
    expect(sent).toEqual({ refunded_rial: amountRial });
  },
);
