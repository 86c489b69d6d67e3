import { paymentsContract } from '@kelid/contracts/payments';
import { newId } from '@kelid/service/ids';
import { userActor } from '@kelid/testing/start-service';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { controlOf, startPayments, type TestOrder, type TestPayments } from '../test-payments.ts';
import { settleDueRefunds } from './settle-due-refunds.ts';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`, {
    PAYMENTS_ZIBAL_URL: `${simulators.url}/zibal`,
    PAYMENTS_ZIBAL_MERCHANT: 'zibal',
    PAYMENTS_ZIBAL_PLATFORM_URL: `${simulators.url}/zibal-platform`,
    PAYMENTS_ZIBAL_PLATFORM_TOKEN: 'a-panel-token',
    // What is given in a day has its own test.
    PAYMENTS_GOODWILL_STAFF_DAY_MAX_RIAL: '1000000000000',
    PAYMENTS_GOODWILL_DAY_MAX_RIAL: '1000000000000',
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

type Bank = 'zarinpal' | 'zibal';
const walletOf = async (customerId: string) => (await shop.customer(customerId).getWallet({})).balanceRial;
const sumOf = async (account: string) => {
  const { accounts, sumRial } = await shop.orders.getTrialBalance({});
  expect(sumRial).toBe(0);
  return accounts.find((entry) => entry.account === account)?.balanceRial ?? 0;
};

/** An order that was paid at a bank and delivered. */
async function delivered(amountRial = 2_500_000, psp: Bank = 'zarinpal') {
  const order = await shop.owe(amountRial);
  const { redirectUrl } = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp });
  const token = redirectUrl?.split('/').at(-1) ?? '';
  await shop.browser.handlePspCallback({ psp, params: await bank.decide(token, 'pay') });
  await deliver(order);
  return { ...order, token };
}

async function deliver({ orderId, customerId, amountRial }: TestOrder, at = shop): Promise<void> {
  const ref = { orderId, customerId, orderNumber: 'KL-1', version: 4 };
  const fulfilledAt = new Date().toISOString();
  await at.deliver('order.fulfilled', { ...ref, totalRial: amountRial, contact: {}, lines: [], fulfilledAt });
}

const ask = (order: TestOrder, more: object = {}, who = 'mina') =>
  shop.staff(who).requestRefund({ orderId: order.orderId, method: 'wallet', reason: 'مشتری پشیمان شد', ...more });

async function comeDue(refundId: string, submittedHoursAgo = 0): Promise<void> {
  await shop.sql(
    'payments',
    'update refunds set due_at = now(), submitted_at = submitted_at - make_interval(hours => $2) where id = $1',
    [refundId, submittedHoursAgo],
  );
  await settleDueRefunds(shop.ctx());
}
const sheba = 'IR200170000000000123456789';
/** A bank account of this customer that staff have looked at. */
async function checkedAccount(customerId: string, checkedBy = 'nader'): Promise<string> {
  const { id } = await shop.customer(customerId).addBankAccount({ sheba, holderName: 'سارا احمدی' });
  await shop.staff(checkedBy).verifyBankAccount({ bankAccountId: id, isVerified: true, reason: 'نام یکی است' });
  return sheba;
}
/** Gives a delivered order units of these prices, none of which was seen. */
function unitsOf(order: TestOrder, pricesRial: number[]) {
  const units = pricesRial.map((paidRial) => ({
    keyId: newId(),
    state: 'open' as 'open' | 'seen' | 'closed',
    paidRial,
  }));
  shop.units.set(order.orderId, units);
  return { ids: units.map(({ keyId }) => keyId), states: () => units.map(({ state }) => state), units };
}
const refund = async (id: string) =>
  (await shop.staff('mina').listRefunds({ limit: 100 })).items.find((r) => r.id === id);

test('PA-8 I8: a refund of all goes to the wallet at once, its unseen keys are withdrawn first, and its owner is told', async () => {
  const order = await delivered();
  const before = await sumOf('revenue:refunds');
  const given = await ask(order);
  expect(given).toMatchObject({ status: 'succeeded', amountRial: 2_500_000, isWhole: true, needsApproval: false });
  expect(shop.withdrawn).toContain(order.orderId);
  expect(await walletOf(order.customerId)).toBe(2_500_000);
  expect((await sumOf('revenue:refunds')) - before).toBe(2_500_000);
  expect(await shop.published('payment.refunded', order.orderId)).toMatchObject([
    { refundRial: 2_500_000, refundId: given.id, method: 'wallet', isWhole: true },
  ]);
  expect(await shop.customer(order.customerId).getOrderPayments({ orderId: order.orderId })).toMatchObject({
    refunds: [{ id: given.id, amountRial: 2_500_000, status: 'succeeded' }],
  });
});

test('I11 PA-8: two people refund 60% of an order at once: one succeeds, the other hears what is left', async () => {
  for (let round = 0; round < 10; round += 1) {
    const order = await delivered();
    const both = await Promise.allSettled([
      ask(order, { amountRial: 1_500_000 }, 'mina'),
      ask(order, { amountRial: 1_500_000 }, 'reza'),
    ]);
    expect(both.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    expect(both.find((one) => one.status === 'rejected')?.reason).toMatchObject({ code: 'payments.refund-too-large' });
    expect(await walletOf(order.customerId)).toBe(1_500_000);
    expect(shop.withdrawn).not.toContain(order.orderId);
  }
});

test('I11 race pack: 20 refunds of 20% at once give back exactly all, and a staff refund beside an automatic one never more', async () => {
  const order = await delivered();
  const all = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => ask(order, { amountRial: 500_000 }, `person ${index}`)),
  );
  expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(5);
  expect(await walletOf(order.customerId)).toBe(2_500_000);

  const other = await delivered();
  const unit = { orderId: other.orderId, customerId: other.customerId, orderNumber: 'KL-1', version: 4 };
  const complaintId = newId();
  await Promise.allSettled([
    ask(other, { amountRial: 1_500_000 }),
    shop.deliver('order.refund-due', { ...unit, refundRial: 1_500_000, totalRial: 2_500_000, complaintId }),
  ]);
  expect(await walletOf(other.customerId)).toBe(1_500_000);
});

test.each([0, -1, 1.5, 2 ** 53, '2'])(
  'I11 A56: a refund of %s Rial is refused, and nothing moves',
  async (amountRial) => {
    const order = await delivered();
    await expect(ask(order, { amountRial })).rejects.toMatchObject({ status: 422 });
    expect(await walletOf(order.customerId)).toBe(0);
  },
);

test('PA-10: the same key asks for one refund; with another amount it is refused', async () => {
  const order = await delivered();
  const idempotencyKey = newId();
  const one = { orderId: order.orderId, amountRial: 400_000, method: 'wallet' as const, reason: 'جبران' };
  const again = () => shop.staff('mina').requestRefund(one, { idempotencyKey });
  const first = await again();
  expect(await Promise.all([again(), again()])).toEqual([first, first]);
  await expect(
    shop.staff('mina').requestRefund({ ...one, amountRial: 500_000 }, { idempotencyKey }),
  ).rejects.toMatchObject({ status: 422 });
  expect(await walletOf(order.customerId)).toBe(400_000);
});

test('A64 PA-8: above 50,000,000 Rial another person approves; who asked is refused, and nothing moves before', async () => {
  const order = await delivered(60_000_000);
  const asked = await ask(order, {}, 'mina');
  expect(asked).toMatchObject({ status: 'requested', needsApproval: true });
  expect(await walletOf(order.customerId)).toBe(0);
  const decision = { refundId: asked.id, isApproved: true, reason: 'درست است' };
  await expect(shop.staff('mina').decideRefund(decision)).rejects.toMatchObject({ status: 403 });
  const both = await Promise.allSettled([
    shop.staff('reza').decideRefund(decision),
    shop.staff('sara').decideRefund(decision),
  ]);
  expect(both.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  expect(await walletOf(order.customerId)).toBe(60_000_000);
  const history = await shop.sql(
    'payments',
    'select to_status, actor from payout_history where payout_id = $1 order by id',
    [asked.id],
  );
  expect(history.map((row) => row['to_status'])).toEqual(['requested', 'approved', 'succeeded']);
  expect(new Set(history.map((row) => row['actor'])).size).toBe(2);
});

test('A64: after a look at a key another person approves even a small refund; a refused one is free to be asked again', async () => {
  const order = await delivered();
  shop.revealed.set(order.orderId, 1);
  const asked = await ask(order);
  expect(asked).toMatchObject({ status: 'requested', needsApproval: true });
  await shop.staff('reza').decideRefund({ refundId: asked.id, isApproved: false, reason: 'کد استفاده شده' });
  expect(await walletOf(order.customerId)).toBe(0);
  const again = await ask(order);
  await shop.staff('reza').decideRefund({ refundId: again.id, isApproved: true, reason: 'کد باطل بود' });
  expect(await walletOf(order.customerId)).toBe(2_500_000);
});

test('A64: a key that is seen between the request and the payment stops it, and its amount is free again', async () => {
  const order = await delivered(60_000_000);
  const asked = await ask(order);
  shop.revealed.set(order.orderId, 1);
  await shop.staff('reza').decideRefund({ refundId: asked.id, isApproved: true, reason: 'درست است' });
  expect(await refund(asked.id)).toMatchObject({ status: 'failed', failureReason: 'a product key was seen meanwhile' });
  expect(await walletOf(order.customerId)).toBe(0);
});

test('PA-8: an order that is not delivered is not refunded by hand', async () => {
  const order = await shop.owe();
  await expect(ask(order)).rejects.toMatchObject({ code: 'payments.intent-not-found' });
  const { authority } = await shop.start(order);
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params: await bank.decide(authority, 'pay') });
  await expect(ask(order)).rejects.toMatchObject({ code: 'payments.refund-too-early' });
  await deliver(order);
  expect((await ask(order)).status).toBe('succeeded');
});

test('PA-8: all of a fresh payment goes back to the card by a reversal; a part of it cannot, and says so', async () => {
  const order = await delivered();
  await expect(ask(order, { method: 'psp', amountRial: 1_000_000 })).rejects.toMatchObject({
    code: 'payments.refund-method-unavailable',
  });
  const before = await sumOf('clearing:zarinpal');
  expect(await ask(order, { method: 'psp' })).toMatchObject({ status: 'succeeded', reference: order.token });
  expect(await bank.statusOf(order.token)).toBe('REVERSED');
  expect((await sumOf('clearing:zarinpal')) - before).toBe(-2_500_000);
  expect(await walletOf(order.customerId)).toBe(0);
});

test('PA-8 I11: parts go back to the card by refunds, never more than the card paid', async () => {
  const order = await delivered(2_500_000, 'zibal');
  expect((await ask(order, { method: 'psp', amountRial: 1_000_000 })).status).toBe('succeeded');
  await expect(ask(order, { method: 'psp', amountRial: 1_600_000 })).rejects.toMatchObject({
    code: 'payments.refund-too-large',
  });
  expect((await ask(order, { method: 'psp' })).status).toBe('succeeded');
  expect(await bank.statusOf(order.token)).toBe('REVERSED');
});

test('CP16 I11: a refund whose answer is lost stays reserved, is never sent again, and ends by inquiry', async () => {
  const order = await delivered();
  await bank.fault('zarinpal.reverse', { mode: 'lose-answer', count: 1 });
  const asked = await ask(order, { method: 'psp' });
  expect(asked.status).toBe('unknown');
  await expect(ask(order, { amountRial: 1 })).rejects.toMatchObject({ code: 'payments.refund-too-large' });
  await bank.fault('zarinpal.inquiry', { mode: 'error', count: 1 });
  await comeDue(asked.id);
  expect((await refund(asked.id))?.status).toBe('unknown');
  await comeDue(asked.id);
  expect((await refund(asked.id))?.status).toBe('succeeded');
  expect(await bank.statusOf(order.token)).toBe('REVERSED');
});

test('CP16: a runner that dies after the PSP was asked leaves the refund to the inquiry; one that dies before is taken up', async () => {
  const sent = await delivered();
  const asked = await ask(sent, { method: 'psp', amountRial: 2_500_000 });
  expect(asked.status).toBe('succeeded');

  // As a dead runner leaves them: the row says submitting, and nobody is there.
  const order = await delivered();
  await bank.fault('zarinpal.reverse', { mode: 'down', count: 1 });
  const lost = await ask(order, { method: 'psp' });
  await comeDue(lost.id);
  expect(await bank.statusOf(order.token)).toBe('VERIFIED');
  expect((await refund(lost.id))?.status).toBe('unknown');
  await comeDue(lost.id, 25);
  expect((await refund(lost.id))?.status).toBe('review');
  expect(shop.hasAlarm('refund-review')).toBe(true);
  await shop.staff('reza').recordRefundTransfer({ refundId: lost.id, wasSent: false, reference: 'بانک می‌گوید نرفته' });
  expect((await refund(lost.id))?.status).toBe('failed');
  expect((await ask(order)).status).toBe('succeeded');
});

test('PA-8: what the PSP refuses is free again for another way', async () => {
  const order = await delivered(2_500_000, 'zibal');
  await bank.decide(order.token, 'cancel');
  const first = await ask(order, { method: 'psp', amountRial: 500 });
  expect(first).toMatchObject({ status: 'failed', failureReason: 'refused by the PSP: 9' });
  expect((await ask(order)).status).toBe('succeeded');
  expect(await walletOf(order.customerId)).toBe(2_500_000);
});

test('PA-8: a transfer by hand waits for its reference, is posted once, and wants a Sheba', async () => {
  const order = await delivered();
  await expect(ask(order, { method: 'manual', sheba: 'IR12' })).rejects.toMatchObject({ status: 422 });
  const asked = await ask(order, { method: 'manual', sheba: await checkedAccount(order.customerId) });
  expect(asked.status).toBe('submitting');
  await settleDueRefunds(shop.ctx());
  const transfer = { refundId: asked.id, reference: '14050830001' };
  const both = await Promise.allSettled([
    shop.staff('reza').recordRefundTransfer(transfer),
    shop.staff('sara').recordRefundTransfer(transfer),
  ]);
  expect(both.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  expect(await refund(asked.id)).toMatchObject({ status: 'succeeded', reference: '14050830001' });
  expect(await sumOf('bank:payouts')).toBeLessThanOrEqual(-2_500_000);
});

test('PA-11 A64: no statement of the service itself skips the second person or a step', async () => {
  const order = await delivered(60_000_000);
  const asked = await ask(order);
  const run = (text: string) => shop.sql('payments', text, [asked.id]);
  await expect(run("update refunds set status = 'approved', approved_by = requested_by where id = $1")).rejects.toThrow(
    /refunds_second_person/,
  );
  await expect(run("update refunds set status = 'approved' where id = $1")).rejects.toThrow(/refunds_approved/);
  await expect(run("update refunds set status = 'succeeded' where id = $1")).rejects.toThrow(/cannot go from/);
  await expect(run('update refunds set amount_rial = 1 where id = $1')).rejects.toThrow(/stays what it is/);
  await expect(run('delete from refunds where id = $1')).rejects.toThrow(/permission denied/);
  await expect(run('delete from payout_history where payout_id = $1')).rejects.toThrow(/permission denied/);
});

test('A64 I11: slices of one order count together, whoever asks for them and wherever they go: above the limit another person approves', async () => {
  const order = await delivered(120_000_000, 'zibal');
  const keys = unitsOf(
    order,
    Array.from({ length: 12 }, () => 10_000_000),
  );
  const first = await ask(order, { amountRial: 30_000_000 }, 'mina');
  expect(first).toMatchObject({ status: 'succeeded', needsApproval: false });
  const slices = [
    await ask(order, { amountRial: 30_000_000 }, 'sara'),
    await ask(order, { amountRial: 30_000_000, method: 'psp' }, 'reza'),
    await ask(order, {}, 'nader'),
  ];
  expect(slices.map(({ status, needsApproval }) => ({ status, needsApproval }))).toEqual(
    slices.map(() => ({ status: 'requested', needsApproval: true })),
  );
  expect(await walletOf(order.customerId)).toBe(30_000_000);
  // What was given back has closed its keys; what only waits has closed none yet.
  expect(keys.states().filter((state) => state === 'closed')).toHaveLength(3);
  for (const { id } of slices)
    await shop.staff('leila').decideRefund({ refundId: id, isApproved: true, reason: 'درست است' });
  expect(keys.states()).toEqual(keys.states().map(() => 'closed'));
  expect(await walletOf(order.customerId)).toBe(90_000_000);

  // Ten people at once, each within what one may decide: one of them is.
  const other = await delivered(120_000_000);
  unitsOf(
    other,
    Array.from({ length: 12 }, () => 10_000_000),
  );
  const all = await Promise.all(
    Array.from({ length: 4 }, (_, index) => ask(other, { amountRial: 30_000_000 }, `person ${index}`)),
  );
  expect(all.filter(({ status }) => status === 'succeeded')).toHaveLength(1);
  expect(await walletOf(other.customerId)).toBe(30_000_000);
});

test('A64: a part refund closes the keys it pays for, also in slices; two slices at once never count on the same key', async () => {
  const order = await delivered(10_000_000);
  const keys = unitsOf(order, [4_000_000, 3_000_000, 3_000_000]);
  const part = await ask(order, { amountRial: 3_000_000 });
  expect(part).toMatchObject({ status: 'succeeded', keyIds: [keys.ids[1]] });
  expect(keys.states()).toEqual(['open', 'closed', 'open']);
  expect(shop.withdrawn).not.toContain(order.orderId);
  // Two halves of the next one: the second closes it.
  expect(await ask(order, { amountRial: 1_500_000 })).toMatchObject({ status: 'succeeded', keyIds: [] });
  expect(await ask(order, { amountRial: 1_500_000 })).toMatchObject({ status: 'succeeded', keyIds: [keys.ids[2]] });
  expect(keys.states()).toEqual(['open', 'closed', 'closed']);

  for (let race = 0; race < 10; race += 1) {
    const two = await delivered(6_000_000);
    const both = unitsOf(two, [2_000_000, 2_000_000, 2_000_000]);
    await Promise.all([
      ask(two, { amountRial: 2_000_000 }, 'mina'),
      ask(two, { amountRial: 2_000_000, method: 'wallet' }, 'reza'),
    ]);
    expect(await walletOf(two.customerId)).toBe(4_000_000);
    expect(both.states().filter((state) => state === 'closed')).toHaveLength(2);
  }
});

test('A64: money beyond the keys that close with it is goodwill up to a limit; above it another person approves, in slices too', async () => {
  const order = await delivered(30_000_000);
  const keys = unitsOf(order, [30_000_000]);
  expect(await ask(order, { amountRial: 1_200_000 })).toMatchObject({ status: 'succeeded', keyIds: [] });
  const more = await ask(order, { amountRial: 1_200_000 }, 'reza');
  expect(more).toMatchObject({ status: 'requested', needsApproval: true });
  expect(keys.states()).toEqual(['open']);
  // A price less one Rial closes nothing, and is not for one person to give.
  const almost = await delivered(30_000_000);
  unitsOf(almost, [30_000_000]);
  expect(await ask(almost, { amountRial: 29_999_999 })).toMatchObject({ status: 'requested', needsApproval: true });
  // Nor does naming no key at all get round it.
  const named = await delivered(20_000_000);
  const two = unitsOf(named, [10_000_000, 10_000_000]);
  expect(await ask(named, { amountRial: 10_000_000, keyIds: [] })).toMatchObject({ status: 'requested' });
  expect(two.states()).toEqual(['open', 'open']);
});

test('A64: goodwill over many orders ends at a limit of the day, for each of staff and for all of them, however many ask at once', async () => {
  const limited = await startPayments(`${simulators.url}/zarinpal`, {
    PAYMENTS_GOODWILL_STAFF_DAY_MAX_RIAL: '3000000',
    PAYMENTS_GOODWILL_DAY_MAX_RIAL: '5000000',
  });
  const give = async (who: string, amountRial = 1_000_000) => {
    const order = await limited.owe(30_000_000);
    const { authority } = await limited.start(order);
    await limited.browser.handlePspCallback({ psp: 'zarinpal', params: await bank.decide(authority, 'pay') });
    await deliver(order, limited);
    limited.units.set(order.orderId, [{ keyId: newId(), state: 'open', paidRial: 30_000_000 }]);
    const ask = (actor: string, rial = amountRial) =>
      limited
        .staff(actor)
        .requestRefund({ orderId: order.orderId, method: 'wallet', reason: 'دلجویی', amountRial: rial });
    return { ask, given: await ask(who) };
  };
  const alarms = (scope: string) =>
    limited.logLines.filter((line) => line.includes('goodwill-limit') && line.includes(`"scope":"${scope}"`)).length;
  const dayBefore = () => limited.ownerSql('payments', "update refunds set created_at = created_at - interval '1 day'");
  try {
    const atOnce = await Promise.all(Array.from({ length: 6 }, () => give('mina')));
    expect(atOnce.filter(({ given }) => !given.needsApproval)).toHaveLength(3);
    expect(atOnce.filter(({ given }) => given.status === 'succeeded')).toHaveLength(3);
    expect(alarms('staff')).toBe(3);

    // What another person approved is nobody's own gift; the others of staff have what is left of all.
    const waits = atOnce.find(({ given }) => given.needsApproval)?.given.id ?? '';
    await limited.staff('sara').decideRefund({ refundId: waits, isApproved: true, reason: 'درست است' });
    expect((await give('reza')).given.needsApproval).toBe(false);
    expect((await give('reza')).given.needsApproval).toBe(false);
    expect((await give('reza')).given.needsApproval).toBe(true);
    expect(alarms('shop')).toBe(1);

    // Slices of one order count what each of them adds; another day is another.
    await dayBefore();
    const slices = await give('mina');
    expect((await slices.ask('mina', 500_000)).needsApproval).toBe(false);
    expect((await give('mina')).given.needsApproval).toBe(false);
    expect((await give('mina', 500_001)).given.needsApproval).toBe(true);
    expect((await give('mina', 500_000)).given.needsApproval).toBe(false);
    expect(await limited.brokenInvariants()).toEqual([]);
  } finally {
    await limited.close();
  }
});

test('A64: where some keys were seen, staff say which of the others the money is for, and another person approves', async () => {
  const order = await delivered(6_000_000);
  const keys = unitsOf(order, [2_000_000, 2_000_000, 2_000_000]);
  const [seen] = keys.units;
  if (seen) seen.state = 'seen';
  const [seenId = '', openId = ''] = keys.ids;
  for (const keyIds of [undefined, [seenId], [newId()]])
    await expect(ask(order, { amountRial: 2_000_000, ...(keyIds ? { keyIds } : {}) })).rejects.toMatchObject({
      code: 'invalid-input',
      data: { errors: [{ field: 'keyIds' }] },
    });
  const asked = await ask(order, { amountRial: 2_000_000, keyIds: [openId] });
  expect(asked).toMatchObject({ status: 'requested', keyIds: [openId] });
  // What one refund waits to close, no other counts on.
  await expect(ask(order, { amountRial: 2_000_000, keyIds: [openId] }, 'reza')).rejects.toMatchObject({ status: 422 });
  await shop.staff('reza').decideRefund({ refundId: asked.id, isApproved: true, reason: 'درست است' });
  expect(keys.states()).toEqual(['seen', 'closed', 'open']);
  expect(await walletOf(order.customerId)).toBe(2_000_000);

  // What staff looked at, or a top-up, counts as well: its code may be anywhere.
  const told = await delivered();
  const [unit] = unitsOf(told, [2_500_000]).units;
  if (unit) Object.assign(unit, { state: 'seen', byStaff: true });
  expect(await ask(told)).toMatchObject({ status: 'requested', needsApproval: true });

  // A look between the request and the payment stops a part as it stops the whole.
  const late = await delivered(60_000_000);
  const open = unitsOf(late, [30_000_000, 30_000_000]);
  await ask(late, { amountRial: 30_000_000 });
  const second = await ask(late, { amountRial: 29_000_000 }, 'reza');
  expect(second.status).toBe('requested');
  const [, last] = open.units;
  if (last) last.state = 'seen';
  await shop.staff('sara').decideRefund({ refundId: second.id, isApproved: true, reason: 'درست است' });
  expect(await refund(second.id)).toMatchObject({
    status: 'failed',
    failureReason: 'a product key was seen meanwhile',
  });
});

test('A64: what a person only says was not sent still counts when the order is refunded again', async () => {
  const order = await delivered(60_000_000);
  unitsOf(order, [30_000_000, 30_000_000]);
  const account = { method: 'manual', sheba: await checkedAccount(order.customerId), amountRial: 30_000_000 };
  const sent = await ask(order, account);
  expect(sent.status).toBe('submitting');
  await shop.staff('mina').recordRefundTransfer({ refundId: sent.id, wasSent: false, reference: 'حساب بسته بود' });
  expect(await ask(order, { amountRial: 30_000_000 })).toMatchObject({ status: 'requested', needsApproval: true });
});

test('A64: money goes by hand to a checked account of this very customer, or another person approves; its Sheba is whole for who sends it alone', async () => {
  const order = await delivered();
  const stranger = newId();
  await checkedAccount(stranger);
  const asked = [await ask(order, { method: 'manual', sheba, amountRial: 500_000 })];
  const account = await shop.customer(order.customerId).addBankAccount({ sheba, holderName: 'سارا احمدی' });
  const no = { bankAccountId: account.id, isVerified: false, reason: 'نام دیگری است' };
  await shop.staff('nader').verifyBankAccount(no);
  asked.push(await ask(order, { method: 'manual', sheba, amountRial: 500_000 }));
  await checkedAccount(order.customerId, 'mina'); // Who checked it does not send there alone.
  asked.push(await ask(order, { method: 'manual', sheba, amountRial: 500_000 }, 'mina'));
  for (const one of asked) expect(one).toMatchObject({ status: 'requested', needsApproval: true });
  const sent = await ask(order, { method: 'manual', sheba, amountRial: 500_000 }, 'reza');
  expect(sent).toMatchObject({ status: 'submitting', sheba });

  const support = shop.as(paymentsContract, userActor(newId(), ['support']));
  const seen = (await support.listRefunds({ orderId: order.orderId })).items;
  expect(seen.map((one) => one.sheba)).toEqual(seen.map(() => 'IR20017***************6789'));
  await shop.staff('reza').recordRefundTransfer({ refundId: sent.id, reference: `REF-${sent.id}` });
  expect((await refund(sent.id))?.sheba).toBe('IR20017***************6789');
});

test('A64: nobody asks for, approves, refuses or records a refund of their own order', async () => {
  const order = await delivered(60_000_000);
  const own = { code: 'own-affair', status: 403 };
  const me = () =>
    shop.as(paymentsContract, userActor(order.customerId, ['customer', 'admin']), { idempotencyKey: newId() });
  const { orderId } = order;
  await expect(me().requestRefund({ orderId, method: 'wallet', reason: 'برای خودم' })).rejects.toMatchObject(own);
  const asked = await ask(order, { method: 'manual', sheba });
  for (const isApproved of [true, false])
    await expect(me().decideRefund({ refundId: asked.id, isApproved, reason: 'برای خودم' })).rejects.toMatchObject(own);
  await shop.staff('reza').decideRefund({ refundId: asked.id, isApproved: true, reason: 'درست است' });
  for (const wasSent of [true, false])
    await expect(me().recordRefundTransfer({ refundId: asked.id, wasSent, reference: 'OWN-1' })).rejects.toMatchObject(
      own,
    );
  expect((await refund(asked.id))?.status).toBe('submitting');
});

test('A64: complaints that are refunded count with all other refunds of the order: above the limit somebody else than who decided approves', async () => {
  const order = await delivered(90_000_000);
  const [decidedBy, complaintId] = [`user:${newId()}`, newId()];
  const unit = { orderId: order.orderId, customerId: order.customerId, orderNumber: 'KL-1', version: 4 };
  const due = { ...unit, totalRial: 90_000_000, refundRial: 30_000_000 };
  await shop.deliver('order.refund-due', { ...due, complaintId: newId(), decidedBy });
  expect(await walletOf(order.customerId)).toBe(30_000_000);
  const told = { ...due, complaintId, decidedBy };
  await Promise.all([1, 2, 3].map(() => shop.deliver('order.refund-due', told)));
  expect(await walletOf(order.customerId)).toBe(30_000_000);
  const waiting = (await shop.staff('mina').listRefunds({ orderId: order.orderId })).items;
  expect(waiting).toMatchObject([{ status: 'requested', amountRial: 30_000_000, requestedBy: decidedBy }]);
  const decision = { refundId: waiting[0]?.id ?? '', isApproved: true, reason: 'کلید باطل بود' };
  const first = shop.as(paymentsContract, userActor(decidedBy.slice(5), ['admin']));
  await expect(first.decideRefund(decision)).rejects.toMatchObject({ code: 'payments.second-person-needed' });
  await shop.staff('reza').decideRefund(decision);
  expect(await walletOf(order.customerId)).toBe(60_000_000);
  await shop.deliver('order.refund-due', told);
  expect(await walletOf(order.customerId)).toBe(60_000_000);
  expect((await shop.published('payment.refunded', order.orderId)).at(-1)).toMatchObject({ complaintId });
});

test('I16: who was promised the money of a complaint hears it when another person refuses it; of other refusals nobody was told anything', async () => {
  const order = await delivered(90_000_000);
  const complaintId = newId();
  await shop.deliver('order.refund-due', {
    orderId: order.orderId,
    customerId: order.customerId,
    orderNumber: 'KL-1',
    version: 4,
    totalRial: 90_000_000,
    refundRial: 60_000_000,
    complaintId,
    decidedBy: `user:${newId()}`,
  });
  const asked = await ask(await delivered(90_000_000));
  const [waiting] = (await shop.staff('mina').listRefunds({ orderId: order.orderId })).items;
  const refuse = (refundId = '') =>
    shop.staff('reza').decideRefund({ refundId, isApproved: false, reason: 'کلید سالم بود' });
  await refuse(waiting?.id);
  await refuse(asked.id);
  expect(await shop.published('payment.refund-refused', order.orderId)).toMatchObject([
    { customerId: order.customerId, refundRial: 60_000_000, complaintId },
  ]);
  expect(await shop.published('payment.refund-refused', asked.orderId)).toEqual([]);
});
