import { newId } from '@kelid/service/ids';
import { invariantsBeside } from '@kelid/service/invariants';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { paymentsContract } from '@kelid/contracts/payments';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { paymentsService } from './service.ts';
import { controlOf, startPayments, type TestOrder, type TestPayments } from './test-payments.ts';

// What these tests break on purpose stays broken, so the invariants are not looked at after them.
let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`, {
    PAYMENTS_ZIBAL_URL: `${simulators.url}/zibal`,
    PAYMENTS_ZIBAL_MERCHANT: 'zibal',
  });
  bank = controlOf(simulators.url);
});
beforeEach(async () => {
  await look();
  await shop.sql('payments', 'delete from psp_settings');
});
afterAll(async () => {
  await shop.close();
  await simulators.close();
});

async function look(): Promise<void> {
  await shop.sql('payments', 'update monitor_marks set due_at = now()');
  await shop.host.sweep('payments', 'watch-invariants');
}

type Bank = 'zarinpal' | 'zibal';
async function paid(psp: Bank = 'zarinpal', amountRial = 2_500_000): Promise<TestOrder & { attemptId: string }> {
  const order = await shop.owe(amountRial);
  const started = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp });
  const token = started.redirectUrl?.split('/').at(-1) ?? '';
  await shop.browser.handlePspCallback({ psp, params: await bank.decide(token, 'pay') });
  return { ...order, attemptId: started.attemptId };
}
const stopped = async () =>
  (await shop.sql('payments', 'select psp, reason from psp_settings where not is_enabled')).map((row) => row['psp']);
const found = async (subject: string) =>
  (await shop.staff('mina').listInvariantBreaches({ limit: 100 })).items.filter((breach) => breach.subject === subject);
/** As no operation of ours can: past triggers and rights. */
const tamper = (table: string, statement: string) =>
  shop.ownerSql(
    'payments',
    `do $$ begin alter table ${table} disable trigger user; ${statement}; alter table ${table} enable trigger user; end $$`,
  );

test('monitor: a shop where all is well is looked at again and again, and nothing is stopped', async () => {
  const order = await paid();
  await paid('zibal');
  await shop.deliver('order.payment-refused', order);
  for (let round = 0; round < 3; round += 1) await look();
  expect(await stopped()).toEqual([]);
  expect((await shop.staff('mina').listInvariantBreaches({ limit: 100 })).items).toEqual([]);
});

test('I9: a captured attempt that is not in the ledger stops its bank and no other, with the reason; staff open it again', async () => {
  const order = await paid('zibal');
  await tamper(
    'ledger_transactions',
    `update ledger_transactions set business_ref = uuidv7() where kind = 'capture' and business_ref = '${order.attemptId}'`,
  );
  await Promise.all([look(), look()]);
  expect(await stopped()).toEqual(['zibal']);
  expect(shop.hasAlarm('invariant-broken', order.attemptId)).toBe(true);
  expect(await found(order.attemptId)).toMatchObject([{ invariant: 'I9', psp: 'zibal' }]);
  const [setting] = await shop.sql('payments', 'select * from psp_settings');
  expect(setting).toMatchObject({
    changed_by: 'service:payments',
    reason: expect.stringContaining('stopped by the monitor: I9'),
  });

  // What staff have looked at does not stop the bank again; the next breach does.
  await shop.staff('mina').setPspEnabled({ psp: 'zibal', isEnabled: true, reason: 'بررسی شد' });
  await look();
  expect(await stopped()).toEqual([]);
  const next = await paid('zibal');
  await tamper(
    'ledger_entries',
    `update ledger_entries set amount_rial = amount_rial * 2 where transaction_id in (select id from ledger_transactions where business_ref = '${next.attemptId}')`,
  );
  await look();
  expect(await stopped()).toEqual(['zibal']);
});

test('I9: a capture in the ledger that no captured attempt has is found', async () => {
  const ref = newId();
  await shop.sql(
    'payments',
    "select ledger_post('capture', $1, null, array['clearing:zarinpal', 'deposits:orders'], array[10, -10])",
    [ref],
  );
  await look();
  expect(await found(ref)).toMatchObject([{ invariant: 'I9', psp: 'zarinpal' }]);
  expect(await stopped()).toEqual(['zarinpal']);
});

test('I8: a ledger transaction that does not sum to zero stops the bank whose money it is about', async () => {
  const order = await paid('zarinpal');
  await shop.deliver('order.fulfilled', {
    ...order,
    orderNumber: 'KL-1',
    version: 4,
    totalRial: order.amountRial,
    contact: {},
    lines: [],
    fulfilledAt: new Date().toISOString(),
  });
  await tamper(
    'ledger_entries',
    `update ledger_entries set amount_rial = amount_rial - 1 where account = 'revenue:sales' and transaction_id in (select id from ledger_transactions where kind = 'sale' and order_id = '${order.orderId}')`,
  );
  await look();
  const [transaction] = await shop.sql(
    'payments',
    "select id from ledger_transactions where kind = 'sale' and order_id = $1",
    [order.orderId],
  );
  expect(await found(String(transaction?.['id']))).toMatchObject([{ invariant: 'I8', psp: 'zarinpal' }]);
  expect(await stopped()).toEqual(['zarinpal']);
});

test('I5: captured money that pays nothing and is nobody’s surplus stops its bank', async () => {
  const order = await paid('zarinpal');
  await tamper(
    'payment_intents',
    `update payment_intents set status = 'expired', paid_attempt_id = null where order_id = '${order.orderId}'`,
  );
  await look();
  expect(await found(order.attemptId)).toMatchObject([{ invariant: 'I5', psp: 'zarinpal' }]);
  expect(await stopped()).toEqual(['zarinpal']);
});

test('I10: a wallet that is not the sum of its entries is an alarm, and no bank is stopped for it', async () => {
  const order = await paid();
  await shop.deliver('order.payment-refused', order);
  await shop.ownerSql('payments', 'update wallets set balance_rial = balance_rial + 1 where customer_id = $1', [
    order.customerId,
  ]);
  await look();
  expect(await found(order.customerId)).toMatchObject([{ invariant: 'I10', psp: null }]);
  expect(shop.hasAlarm('invariant-broken', order.customerId)).toBe(true);
  expect(await stopped()).toEqual([]);
});

/** A refund that no statement of ours would have written. */
const forgeRefund = ({ orderId }: TestOrder, method: 'psp' | 'wallet', amount: string) =>
  shop.sql(
    'payments',
    `insert into refunds (id, intent_id, attempt_id, order_id, customer_id, amount_rial, method, status, is_whole, needs_approval, revealed_count, reason, requested_by, moved_by, move_cause)
     select uuidv7(), i.id, case when $2 = 'psp' then i.paid_attempt_id end, i.order_id, i.customer_id, ${amount}, $2, 'requested', true, false, 0, 'test', 'test', 'test', 'test' from payment_intents i where i.order_id = $1`,
    [orderId, method],
  );
const intentOf = async ({ orderId }: TestOrder) =>
  String((await shop.sql('payments', 'select id from payment_intents where order_id = $1', [orderId]))[0]?.['id']);

test('I11: refunds above what was captured for an order stop the bank of that payment, though no card got too much', async () => {
  const order = await paid('zibal');
  await forgeRefund(order, 'wallet', 'i.amount_rial');
  await look();
  expect(await stopped()).toEqual([]); // All of it is not too much, though it was not reserved.
  expect(await found(await intentOf(order))).toMatchObject([{ invariant: 'I11 PA-8', psp: null }]);
  await forgeRefund(order, 'wallet', '1');
  await look();
  expect(await found(await intentOf(order))).toMatchObject([
    { invariant: 'I11', psp: 'zibal' },
    { invariant: 'I11 PA-8' },
  ]);
  expect(await stopped()).toEqual(['zibal']);
});

test('I11: refunds to a card above what it paid stop its bank, though the wallet paid the rest of the order', async () => {
  const customerId = newId();
  await shop.sql(
    'payments',
    "select ledger_post('gift', $1, null, array['revenue:gifts', 'wallet:' || $2], array[1000000::bigint, -1000000::bigint])",
    [newId(), customerId],
  );
  const order = { orderId: newId(), customerId, amountRial: 2_500_000 };
  await shop.orders.createIntent({ ...order, orderNumber: 'KL-1', walletMaxRial: 1_000_000 });
  const { authority } = await shop.start(order);
  await shop.browser.handlePspCallback({ psp: 'zarinpal', params: await bank.decide(authority, 'pay') });
  await forgeRefund(order, 'psp', '1500000');
  await look();
  expect(await stopped()).toEqual([]);
  await forgeRefund(order, 'psp', '1');
  await look();
  expect(await found(await intentOf(order))).toMatchObject([
    { invariant: 'I11', psp: 'zarinpal' },
    { invariant: 'I11 PA-8' },
  ]);
  expect(await stopped()).toEqual(['zarinpal']);
});

test('monitor: only what has moved since the last look is looked at, and ten minutes more for what commits late', async () => {
  const order = await paid();
  await tamper(
    'payment_attempts',
    `update payment_attempts set updated_at = now() - interval '9 minutes' where id = '${order.attemptId}'`,
  );
  await tamper(
    'ledger_transactions',
    `update ledger_transactions set business_ref = uuidv7(), kind = 'gone' where kind = 'capture' and business_ref = '${order.attemptId}'`,
  );
  await look();
  expect(await found(order.attemptId)).toMatchObject([{ invariant: 'I9' }]);
  const old = await paid();
  await tamper(
    'payment_attempts',
    `update payment_attempts set updated_at = now() - interval '11 minutes' where id = '${old.attemptId}'`,
  );
  await tamper(
    'ledger_transactions',
    `update ledger_transactions set kind = 'gone' where kind = 'capture' and business_ref = '${old.attemptId}'`,
  );
  await look();
  expect(await found(old.attemptId)).toEqual([]);
});

test('the breaches are for admins and developers to see; nobody else, and nobody changes them', async () => {
  for (const role of ['customer', 'seller', 'support'] as const)
    await expect(shop.as(paymentsContract, userActor(newId(), [role])).listInvariantBreaches({})).rejects.toMatchObject(
      { status: 403 },
    );
  const page = await shop.as(paymentsContract, userActor(newId(), ['developer'])).listInvariantBreaches({ limit: 1 });
  expect(page.nextCursor).not.toBeNull();
  await expect(shop.sql('payments', 'delete from invariant_breaches')).rejects.toMatchObject({ code: '42501' });
});

test('H13: every invariant of the money is watched, those that stop no bank too', async () => {
  const order = await paid();
  const eventId = newId();
  await shop.sql(
    'payments',
    "insert into outbox (id, type, data, created_at, claimed_until) values ($1, 'payment.failed', '{}', now() - interval '2 minutes', now() + interval '1 hour')",
    [eventId],
  );
  await tamper(
    'attempt_history',
    `update attempt_history set from_status = 'captured', to_status = 'failed' where attempt_id = '${order.attemptId}' and to_status = 'captured'`,
  );
  await look();
  const [move] = await shop.sql(
    'payments',
    "select id from attempt_history where attempt_id = $1 and to_status = 'failed'",
    [order.attemptId],
  );
  expect(await found(String(move?.['id']))).toMatchObject([{ invariant: 'I20', psp: null }]);
  expect(await found(eventId)).toMatchObject([{ invariant: 'I14', psp: null }]);
  expect(await stopped()).toEqual([]);
  const [marks] = await shop.sql(
    'payments',
    "select count(*)::int from monitor_marks where looked_until > '-infinity'",
  );
  expect(marks?.['count']).toBe((await invariantsBeside(paymentsService.migrationsFolder)).length);
});
