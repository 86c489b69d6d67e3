import type { ServerResponse } from 'node:http';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { paymentBeingChecked } from '@kelid/contracts/payments';
import { serviceUnavailable } from '@kelid/contracts/common';
import { newId } from '@kelid/service/ids';
import { waitFor } from '@kelid/testing/start-service';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import pg from 'pg';
import {
  answerJson,
  asked,
  controlOf,
  startPayments,
  startScriptedBank,
  type TestPayments,
  zarinpalOf,
} from '../test-payments.ts';
import type { AttemptRow } from './attempts.ts';
import { fail } from './settling.ts';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  bank = controlOf(simulators.url);
});
// A process of its own for each test: a bank that was silent in one is not left alone in the next.
beforeEach(async () => {
  shop = await startPayments(`${simulators.url}/zarinpal`);
});
afterEach(async () => {
  await bank.calm();
  const broken = await shop.brokenInvariants();
  await shop.close();
  expect(broken).toEqual([]);
});
afterAll(() => simulators.close());

const comeBack = (params: Record<string, string>) => shop.browser.handlePspCallback({ psp: 'zarinpal', params });
const sweep = (name = 'settle-due-attempts') => shop.host.sweep('payments', name);

/** An order whose customer has paid at the bank and has not come back yet. */
async function payAtBank() {
  const order = await shop.owe();
  const attempt = await shop.start(order);
  return { order, ...attempt, params: await bank.decide(attempt.authority, 'pay') };
}

/** The bank verifies, and its answer is lost: the money is taken and the shop does not know it. */
async function loseVerify() {
  const paid = await payAtBank();
  await bank.fault('zarinpal.verify', { mode: 'lose-answer' });
  await comeBack(paid.params);
  await bank.calm();
  expect((await shop.attempt(paid.attemptId)).status).toBe('unknown');
  expect(await bank.statusOf(paid.authority)).toBe('VERIFIED');
  return paid;
}

/** The time since this attempt's first verify, for the app can't change the history. */
async function ageHistory(attemptId: string, minutes: number): Promise<void> {
  await shop.ownerSql('payments', 'alter table attempt_history disable trigger attempt_history_stays');
  await shop.ownerSql(
    'payments',
    'update attempt_history set at = at - make_interval(mins => $2) where attempt_id = $1',
    [attemptId, minutes],
  );
  await shop.ownerSql('payments', 'alter table attempt_history enable trigger attempt_history_stays');
}

async function historyOf(attemptId: string) {
  return shop.sql(
    'payments',
    'select from_status, to_status, cause, actor from attempt_history where attempt_id = $1 order by id',
    [attemptId],
  );
}

test('PA-11: each move of a payment is kept with who made it, why, before and after', async () => {
  const { attemptId } = await loseVerify();
  await shop.comeDue(attemptId);
  await sweep();
  expect(await historyOf(attemptId)).toEqual([
    { from_status: null, to_status: 'requesting', cause: 'checkout', actor: 'service:orders' },
    { from_status: 'requesting', to_status: 'redirected', cause: 'accepted by the bank', actor: 'service:orders' },
    { from_status: 'redirected', to_status: 'verifying', cause: 'verify', actor: 'guest' },
    { from_status: 'verifying', to_status: 'unknown', cause: 'verify not answered', actor: 'guest' },
    { from_status: 'unknown', to_status: 'verifying', cause: 'verify', actor: 'service:payments' },
    { from_status: 'verifying', to_status: 'captured', cause: 'verified', actor: 'service:payments' },
  ]);
});

test('PA-11: a payment makes only moves that the table allows, and stays for its order and its amount', async () => {
  const { attemptId, params } = await payAtBank();
  const change = (set: string) => shop.sql('payments', `update payment_attempts set ${set} where id = $1`, [attemptId]);
  await expect(change("status = 'captured', psp_reference = 'x'")).rejects.toMatchObject({ code: 'KE021' });
  await expect(change("status = 'requesting'")).rejects.toMatchObject({ code: 'KE021' });
  await expect(change('amount_rial = 1')).rejects.toMatchObject({ code: 'KE022' });
  await expect(change('order_id = gen_random_uuid()')).rejects.toMatchObject({ code: 'KE022' });
  await expect(change("psp_token = 'another'")).rejects.toMatchObject({ code: 'KE022' });
  await comeBack(params);
  await expect(change("status = 'failed'")).rejects.toMatchObject({ code: 'KE021' });
  const intent = 'update payment_intents set %s where id = (select intent_id from payment_attempts where id = $1)';
  for (const [set, code] of [
    ["status = 'open', paid_attempt_id = null", 'KE023'],
    ['paid_attempt_id = gen_random_uuid()', 'KE023'],
    ['amount_rial = 1', 'KE024'],
  ] as const)
    await expect(shop.sql('payments', intent.replace('%s', set), [attemptId])).rejects.toMatchObject({ code });
});

test('I14 PA-11: a failed payment and the news of it are written together or not at all', async () => {
  const order = await shop.owe();
  const { orderId } = order;
  const { attemptId } = await shop.start(order);
  await shop.ownerSql(
    'payments',
    `create function refuse_news() returns trigger language plpgsql as $$ begin raise exception 'no room for news'; end $$;
     create trigger refuse_news before insert on outbox for each row when (new.type = 'payment.failed') execute function refuse_news()`,
  );
  const row = (await shop.attempt(attemptId)) as AttemptRow;
  await expect(fail(shop.ctx(), row, ['redirected'], 'of the test')).rejects.toThrow();
  expect((await shop.attempt(attemptId)).status).toBe('redirected');
  await shop.ownerSql('payments', 'drop trigger refuse_news on outbox; drop function refuse_news()');
  await fail(shop.ctx(), row, ['redirected'], 'of the test');
  expect((await shop.attempt(attemptId)).status).toBe('failed');
  expect(await shop.published('payment.failed', orderId)).toHaveLength(1);
});

test('CP5: a request whose answer nobody stored fails at two minutes; the next try is another payment at the bank', async () => {
  const order = await shop.owe();
  const attemptId = newId();
  // What a process leaves behind that dies between the bank's answer and its own commit.
  await shop.sql(
    'payments',
    `insert into payment_attempts (id, intent_id, order_id, customer_id, psp, status, amount_rial, due_at, moved_by, move_cause)
     select $1, id, order_id, customer_id, 'zarinpal', 'requesting', amount_rial, now() + interval '2 minutes', 'test', 'checkout'
     from payment_intents where order_id = $2`,
    [attemptId, order.orderId],
  );
  await sweep();
  expect((await shop.attempt(attemptId)).status).toBe('requesting');
  await shop.comeDue(attemptId);
  await sweep();
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed', due_at: null });
  const next = await shop.start(order);
  const { items } = (await (await fetch(`${simulators.url}/banks/attempts`)).json()) as {
    items: { authority: string; orderId: string }[];
  };
  expect(items.find((item) => item.authority === next.authority)?.orderId).toBe(next.attemptId);
  await comeBack(await bank.decide(next.authority, 'pay'));
  expect((await shop.attempt(next.attemptId)).status).toBe('captured');
});

test("CP6: paid and never back: the bank's list of unverified payments finds it within a minute", async () => {
  const { attemptId } = await payAtBank();
  await sweep('settle-unverified');
  expect((await shop.attempt(attemptId)).status).toBe('redirected'); // Its browser may still be on the way.
  await shop.comeDue(attemptId, 1);
  await sweep('settle-unverified');
  expect((await shop.attempt(attemptId)).status).toBe('captured');
});

test('CP6: paid and never back, and the list does not tell: asking the bank at five minutes finds it', async () => {
  const { attemptId } = await payAtBank();
  expect((await shop.attempt(attemptId))['dueInSeconds']).toBe('300');
  await shop.comeDue(attemptId, 5);
  await sweep();
  expect((await shop.attempt(attemptId)).status).toBe('captured');
});

test('CP6: not paid and never back: asked about at 5, 8, 12, 18 and 25 minutes, and given up when the window is over', async () => {
  const order = await shop.owe();
  const { attemptId, authority } = await shop.start(order);
  const waits: number[] = [];
  for (const minutesLater of [5, 3, 4, 6, 7]) {
    await shop.comeDue(attemptId, minutesLater);
    await sweep();
    const [row] = await shop.sql(
      'payments',
      `select status, round(extract(epoch from due_at - now()) / 60)::int as minutes from payment_attempts where id = $1`,
      [attemptId],
    );
    expect(row?.['status']).toBe('redirected');
    waits.push(Number(row?.['minutes']));
  }
  expect(waits).toEqual([3, 4, 6, 7, 5]);
  await shop.comeDue(attemptId, 6);
  await sweep();
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'abandoned', due_at: null });

  // The bank lets the customer pay on a page that was left open: late money is looked at like any other.
  await comeBack(await bank.decide(authority, 'pay'));
  expect((await shop.attempt(attemptId)).status).toBe('captured');
  expect(await shop.intentStatus(order)).toBe('captured');
});

test('CP7: the process died after "verifying" and before it asked: at 30 seconds the sweep asks', async () => {
  const { attemptId, authority } = await payAtBank();
  await shop.sql(
    'payments',
    `update payment_attempts set status = 'verifying', verify_count = 1, due_at = now() + interval '30 seconds' where id = $1`,
    [attemptId],
  );
  await sweep();
  expect((await shop.attempt(attemptId)).status).toBe('verifying');
  await shop.comeDue(attemptId);
  await sweep();
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', verifyCount: 2 });
  expect(await bank.statusOf(authority)).toBe('VERIFIED');
});

test('CP8: the bank verified and we died before we wrote it down: asked again, it says "before", and that is our money', async () => {
  const { attemptId, authority, order } = await payAtBank();
  await shop.sql(
    'payments',
    `update payment_attempts set status = 'verifying', verify_count = 1, due_at = now() where id = $1`,
    [attemptId],
  );
  expect((await zarinpalOf(shop.ctx()).verify(asked(authority, order.amountRial))).kind).toBe('approved');
  await sweep();
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', due_at: null });
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
});

test('CP9: captured and the browser not answered: it comes again to the same page, and nothing is left to do', async () => {
  const { attemptId, params, order } = await payAtBank();
  await comeBack(params);
  const before = await shop.attempt(attemptId);
  expect(before['due_at']).toBe(null);
  expect((await comeBack(params)).location).toContain(`attempt=${attemptId}`);
  expect(await shop.attempt(attemptId)).toEqual(before);
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
});

test('F13: the bank verified and its answer was lost: unknown, asked again after 5 seconds, captured once', async () => {
  const { attemptId, order } = await loseVerify();
  expect((await shop.attempt(attemptId))['dueInSeconds']).toBe('5');
  await sweep();
  expect((await shop.attempt(attemptId)).status).toBe('unknown');
  await shop.comeDue(attemptId);
  await sweep();
  expect((await shop.attempt(attemptId)).status).toBe('captured');
  expect(await shop.published('payment.captured', order.orderId)).toHaveLength(1);
});

test('F13: while the bank stays silent the waits are 5, 15, 30, 60, 120 and 120 seconds, and for 3 minutes nobody pays twice', async () => {
  const { attemptId, order, params } = await payAtBank();
  const startAnother = () => shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp: 'zarinpal' });
  const waits: unknown[] = [];
  for (const mode of ['error', 'garbage', 'down', 'error', 'garbage', 'down']) {
    await bank.fault('zarinpal.verify', { mode, count: 1 });
    if (waits.length === 0) await comeBack(params);
    else {
      await shop.comeDue(attemptId);
      await sweep();
    }
    const row = await shop.attempt(attemptId);
    expect(row.status).toBe('unknown');
    waits.push(row['dueInSeconds']);
    await expect(startAnother()).rejects.toSatisfy(paymentBeingChecked.is);
  }
  expect(waits).toEqual(['5', '15', '30', '60', '120', '120']);

  // After 3 minutes the customer may try again, though the bank is still being asked; paid twice, one goes to the wallet.
  await ageHistory(attemptId, 3);
  await bank.fault('zarinpal.verify', { mode: 'down', count: 1 });
  await shop.comeDue(attemptId);
  await sweep();
  const { redirectUrl } = await startAnother();
  await comeBack(await bank.decide(redirectUrl?.slice(-36) ?? '', 'pay'));
  expect(await shop.intentStatus(order)).toBe('captured');
  await shop.comeDue(attemptId, 4);
  await sweep();
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', isSurplus: true });
  expect(await shop.customer(order.customerId).getWallet({})).toEqual({ balanceRial: order.amountRial, heldRial: 0 });
});

test("F13: unknown until the bank's window ends: its own record is read each hour, and on the second day a person looks", async () => {
  const { attemptId, params } = await payAtBank();
  await bank.fault('zarinpal.verify', { mode: 'down', count: 1 });
  await comeBack(params);
  await bank.fault('zarinpal.inquiry', { mode: 'down', count: 2 });
  await shop.comeDue(attemptId, 31);
  await sweep();
  const [row] = await shop.sql(
    'payments',
    `select status, verify_count, round(extract(epoch from due_at - now()) / 60)::int as minutes from payment_attempts where id = $1`,
    [attemptId],
  );
  expect(row).toEqual({ status: 'unknown', verify_count: 1, minutes: 60 });
  await shop.comeDue(attemptId, 24 * 60);
  await sweep();
  expect((await shop.attempt(attemptId)).status).toBe('review');
  expect(shop.hasAlarm('payment-review', attemptId)).toBe(true);
});

test("F13: the answer was lost and the window is over: the bank's record says verified, so it is captured", async () => {
  const { attemptId } = await loseVerify();
  await shop.comeDue(attemptId, 60);
  await sweep();
  expect((await shop.attempt(attemptId)).status).toBe('captured');
});

test('A51 I7: the bank says that another amount was paid: a person looks at it, and nothing is sold', async () => {
  const { attemptId, params, order } = await payAtBank();
  await bank.fault('zarinpal.verify', { mode: 'amount-mismatch', count: 1 });
  await comeBack(params);
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'review', failureReason: 'amount-mismatch -50' });
  expect(shop.hasAlarm('payment-review', attemptId)).toBe(true);
  expect(await shop.intentStatus(order)).toBe('open');
  expect(await shop.published('payment.captured', order.orderId)).toEqual([]);
  await comeBack(params);
  expect((await shop.attempt(attemptId)).status).toBe('review');
});

test('A50: the bank says "verified before" though we never asked: somebody else holds our credentials, a person looks', async () => {
  const { attemptId, params, authority, order } = await payAtBank();
  await zarinpalOf(shop.ctx()).verify(asked(authority, order.amountRial));
  await comeBack(params);
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'review', failureReason: 'verified-before-we-asked' });
  expect(shop.hasAlarm('payment-review', attemptId)).toBe(true);
  expect(await shop.intentStatus(order)).toBe('open');
});

test('F16: money for an expired order: first its stock is held again, then it is verified and the order is paid', async () => {
  const { attemptId, params, order } = await payAtBank();
  await shop.deliver('order.expired', { ...order, orderNumber: 'KL-1', version: 2 });
  expect(await shop.intentStatus(order)).toBe('expired');
  await comeBack(params);
  expect(shop.revive.askedFor).toContain(order.orderId);
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', isSurplus: false });
  expect(await shop.intentStatus(order)).toBe('captured');
});

test('F16: money for an expired order that is sold out is not verified: the bank gives it back by itself', async () => {
  const { attemptId, params, authority, order } = await payAtBank();
  await shop.orders.closeIntent({ orderId: order.orderId, status: 'expired' });
  shop.revive.isPayable = false;
  await comeBack(params);
  expect(await shop.attempt(attemptId)).toMatchObject({ status: 'failed', failureReason: 'order-dead' });
  expect(await bank.statusOf(authority)).toBe('PAID');
  expect(await shop.intentStatus(order)).toBe('expired');
});

test('F16: money for a cancelled order is not verified, whoever finds it, and its stock is not asked for', async () => {
  const { attemptId, params, authority, order } = await payAtBank();
  await shop.deliver('order.cancelled', { ...order, orderNumber: 'KL-1', version: 2, reason: 'customer' });
  expect(await shop.intentStatus(order)).toBe('cancelled');
  await Promise.all([comeBack(params), comeBack(params)]);
  await shop.comeDue(attemptId, 1);
  await sweep('settle-unverified');
  await sweep();
  await comeBack(params);
  expect(await shop.attempt(attemptId)).toMatchObject({
    status: 'failed',
    failureReason: 'order-dead',
    verifyCount: 0,
  });
  expect(await bank.statusOf(authority)).toBe('PAID');
  expect(shop.revive.askedFor).not.toContain(order.orderId);
});

test.each(['cancelled', 'expired'] as const)(
  'F16 I5: the money was taken, the answer lost, and the order is %s by now: it is in the wallet, with a message',
  async (status) => {
    const { attemptId, order } = await loseVerify();
    await shop.orders.closeIntent({ orderId: order.orderId, status });
    shop.revive.isPayable = false;
    await shop.comeDue(attemptId);
    await sweep();
    expect(await shop.attempt(attemptId)).toMatchObject({ status: 'captured', isSurplus: true });
    expect(await shop.intentStatus(order)).toBe(status);
    expect(await shop.customer(order.customerId).getWallet({})).toMatchObject({ balanceRial: order.amountRial });
    expect(await shop.published('payment.surplus', order.orderId)).toHaveLength(1);
    expect(await shop.published('payment.captured', order.orderId)).toEqual([]);
  },
);

test('what cannot be written down is not verified: the browser hears 503 and the bank was not asked', async () => {
  const { attemptId, params, authority } = await payAtBank();
  const holder = new pg.Client({ connectionString: shop.databaseUrls['payments']?.appUrl });
  await holder.connect();
  await holder.query('begin');
  await holder.query('select from payment_attempts where id = $1 for update', [attemptId]);
  await expect(comeBack(params)).rejects.toSatisfy(serviceUnavailable.is);
  expect(await bank.statusOf(authority)).toBe('PAID');
  await holder.end();
  await comeBack(params);
  expect((await shop.attempt(attemptId)).status).toBe('captured');
});

test('F8: with a full disk no payment is begun or verified and its callers hear 503, what can be read is read, and with room again all goes on by itself', async () => {
  const scripted = await startScriptedBank();
  const full = await startPayments(scripted.url);
  try {
    scripted.answers.set('request.json', (_body, response) =>
      answerJson(response, {
        data: { code: 100, authority: `A${newId().replaceAll('-', '').padStart(35, '0')}` },
        errors: [],
      }),
    );
    scripted.answers.set('verify.json', (_body, response) =>
      answerJson(response, { data: { code: 100, ref_id: 8_201 }, errors: [] }),
    );
    const order = await full.owe();
    const { attemptId, authority } = await full.start(await full.owe());
    const asked = scripted.calls.length;
    // Nothing can be written, as PostgreSQL says it when its disk is full.
    await full.ownerSql(
      'payments',
      `create function disk_is_full() returns trigger language plpgsql as $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$;
      do $$ declare name text; begin for name in select tablename from pg_tables where schemaname = 'public' loop
        execute format('create trigger aaa_disk_is_full before insert or update or delete on %I for each statement execute function disk_is_full()', name);
      end loop; end $$`,
    );
    const callback = { psp: 'zarinpal', params: { Authority: authority, Status: 'OK' } };
    for (const refused of [() => full.start(order), () => full.owe(), () => full.browser.handlePspCallback(callback)])
      await expect(refused()).rejects.toSatisfy(serviceUnavailable.is);
    await full.host.sweep('payments', 'settle-due-attempts').catch(() => undefined);
    expect(scripted.calls).toHaveLength(asked);
    expect(await full.orders.getOrderMoney({ orderId: order.orderId })).toMatchObject({ state: expect.any(String) });
    expect(full.hasAlarm('bug')).toBe(false);

    await full.ownerSql('payments', 'drop function disk_is_full cascade');
    await full.browser.handlePspCallback(callback);
    expect((await full.attempt(attemptId)).status).toBe('captured');
    expect((await full.start(order)).authority).toMatch(/^A/);
    expect(await full.brokenInvariants()).toEqual([]);
  } finally {
    await full.close();
    scripted.close();
  }
});

test('A48 A49 A50: a receipt that has paid once pays nothing else, even when the bank itself names it again', async () => {
  const scripted = await startScriptedBank();
  const strange = await startPayments(scripted.url);
  try {
    let authorities = 0;
    scripted.answers.set('request.json', (_body, response) => {
      authorities += 1;
      answerJson(response, { data: { code: 100, authority: `A${String(authorities).padStart(35, '0')}` }, errors: [] });
    });
    scripted.answers.set('verify.json', (_body, response) =>
      answerJson(response, { data: { code: 100, ref_id: 201 }, errors: [] }),
    );
    const [cheap, expensive] = [await strange.owe(100_000), await strange.owe(10_000_000)];
    const attempts = [await strange.start(cheap), await strange.start(expensive)];
    for (const { authority } of attempts)
      await strange.browser.handlePspCallback({ psp: 'zarinpal', params: { Authority: authority, Status: 'OK' } });
    const [first, second] = await Promise.all(attempts.map(({ attemptId }) => strange.attempt(attemptId)));
    expect(first?.status).toBe('captured');
    expect(second).toMatchObject({ status: 'review', failureReason: 'reference-used-before' });
    expect(strange.hasAlarm('payment-review', attempts[1]?.attemptId)).toBe(true);
    expect(await strange.intentStatus(expensive)).toBe('open');
    expect((await strange.orders.getTrialBalance({})).accounts).toContainEqual({
      account: 'clearing:zarinpal',
      balanceRial: 100_000,
    });
    expect(await strange.brokenInvariants()).toEqual([]);
  } finally {
    await strange.close();
    scripted.close();
  }
});

test('F13: a "no" that arrives late, after another verify was sent, does not lose the money that this one finds', async () => {
  const scripted = await startScriptedBank();
  const strange = await startPayments(scripted.url);
  try {
    const verifies: ServerResponse[] = [];
    scripted.answers.set('request.json', (_body, response) =>
      answerJson(response, { data: { code: 100, authority: `A${'0'.repeat(35)}` }, errors: [] }),
    );
    scripted.answers.set('verify.json', (_body, response) => void verifies.push(response));
    const order = await strange.owe();
    const { attemptId, authority } = await strange.start(order);
    const params = { Authority: authority, Status: 'OK' };
    const page = strange.browser.handlePspCallback({ psp: 'zarinpal', params });
    await waitFor('the first verify', async () => verifies.length === 1);
    await strange.comeDue(attemptId); // The first runner is taken for dead.
    const swept = strange.host.sweep('payments', 'settle-due-attempts');
    await waitFor('the second verify', async () => verifies.length === 2);
    const [first, second] = verifies;
    if (!first || !second) throw new Error('Two verifies were expected');
    answerJson(first, { data: [], errors: { code: -51 } });
    await page;
    expect((await strange.attempt(attemptId)).status).toBe('verifying');
    answerJson(second, { data: { code: 100, ref_id: 7 }, errors: [] });
    await swept;
    expect((await strange.attempt(attemptId)).status).toBe('captured');
    expect(await strange.intentStatus(order)).toBe('captured');
  } finally {
    await strange.close();
    scripted.close();
  }
});
