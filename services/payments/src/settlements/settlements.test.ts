import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { userActor } from '@kelid/testing/start-service';
import { paymentsContract } from '@kelid/contracts/payments';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { controlOf, startPayments, type TestOrder, type TestPayments } from '../test-payments.ts';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
let day: string;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`, {
    PAYMENTS_ZIBAL_URL: `${simulators.url}/zibal`,
    PAYMENTS_ZIBAL_MERCHANT: 'zibal',
    PAYMENTS_ZIBAL_PLATFORM_URL: `${simulators.url}/zibal-platform`,
    PAYMENTS_ZIBAL_PLATFORM_TOKEN: 'a-panel-token',
  });
  bank = controlOf(simulators.url);
});
beforeEach(async () => {
  // What an earlier test left is too old to be in anybody's report.
  await ageLedger(30);
  const [row] = await shop.sql('payments', "select ((now() at time zone 'Asia/Tehran')::date - 1)::text as day");
  day = String(row?.['day']);
});
afterEach(async () => expect(await shop.brokenInvariants()).toEqual([]));
afterAll(async () => {
  await shop.close();
  await simulators.close();
});

/** Everything that was posted, so many days earlier: a report is about a day that is over. */
async function ageLedger(days: number): Promise<void> {
  await shop.ownerSql(
    'payments',
    `do $$ begin
      alter table ledger_transactions disable trigger user;
      update ledger_transactions set at = at - make_interval(days => ${days});
      alter table ledger_transactions enable trigger user;
    end $$`,
  );
}

interface Paid extends TestOrder {
  attemptId: string;
  reference: string;
  token: string;
}

async function paid(amountRial = 2_500_000, psp: 'zarinpal' | 'zibal' = 'zarinpal'): Promise<Paid> {
  const order = await shop.owe(amountRial);
  const started = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp });
  const token = started.redirectUrl?.split('/').at(-1) ?? '';
  await shop.browser.handlePspCallback({ psp, params: await bank.decide(token, 'pay') });
  const row = await shop.attempt(started.attemptId);
  expect(row.status).toBe('captured');
  return { ...order, attemptId: started.attemptId, token, reference: String(row['psp_reference']) };
}
/** Paid and delivered. */
async function sold(amountRial?: number, psp?: 'zarinpal' | 'zibal'): Promise<Paid> {
  const order = await paid(amountRial, psp);
  const ref = { orderId: order.orderId, customerId: order.customerId, orderNumber: 'KL-1', version: 4 };
  const at = new Date().toISOString();
  await shop.deliver('order.fulfilled', {
    ...ref,
    totalRial: order.amountRial,
    contact: {},
    lines: [],
    fulfilledAt: at,
  });
  return order;
}

const header = 'شماره پیگیری,مبلغ,کارمزد,مبلغ خالص,نوع';
const line = (reference: string, amount: number, fee = 0, kind = 'خرید') =>
  `${reference},${amount},${fee},${kind === 'خرید' ? amount - fee : amount + fee},${kind}`;
const file = (...lines: string[]) => [header, ...lines].join('\n');
const upload = (csv: string, who = 'mina') => shop.staff(who).importSettlement({ psp: 'zarinpal', day, csv });
const differences = async (importId: string) =>
  (await shop.staff('mina').listSettlementDifferences({ importId, limit: 100 })).items.toReversed();
const balance = async (account: string) =>
  (await shop.staff('mina').getTrialBalance({})).accounts.find((entry) => entry.account === account)?.balanceRial ?? 0;
const accounts = ['clearing:zarinpal', 'bank:settlements', 'fees:zarinpal'];
/** What each of the accounts moves by while something happens. */
async function moved<T>(work: () => Promise<T>): Promise<{ answer: T; by: number[] }> {
  const before = await Promise.all(accounts.map(balance));
  const answer = await work();
  const after = await Promise.all(accounts.map(balance));
  return { answer, by: after.map((rial, index) => rial - (before[index] ?? 0)) };
}

test('F19: what agrees goes from the clearing account to the bank, its fee to an account of its own, and nothing is left open', async () => {
  const orders = [await paid(2_500_000), await paid(1_000_000)];
  await ageLedger(1);
  const csv = file(...orders.map(({ reference, amountRial }) => line(reference, amountRial, 10_000)));
  const { answer, by } = await moved(() => upload(csv));
  expect(by).toEqual([-3_500_000, 3_480_000, 20_000]);
  expect(answer).toMatchObject({
    psp: 'zarinpal',
    day,
    rowCount: 2,
    settledCount: 2,
    settledRial: 3_480_000,
    feeRial: 20_000,
  });
  expect(answer).toMatchObject({ differenceCount: 0, openCount: 0 });
  expect(await differences(answer.importId)).toEqual([]);
});

test('I9 F19: the same file again, at once and later, is one import, and its money moves once', async () => {
  const order = await paid();
  await ageLedger(1);
  const csv = file(line(order.reference, order.amountRial, 5_000), line('1234567', 900_000));
  const { answer, by } = await moved(async () => {
    const both = await Promise.all([upload(csv, 'mina'), upload(csv, 'reza'), upload(csv, 'sara')]);
    return [...both, await upload(csv)];
  });
  expect(by).toEqual([-2_500_000, 2_495_000, 5_000]);
  expect(answer).toEqual(answer.map(() => answer[0]));
  expect(await differences(answer[0]?.importId ?? '')).toHaveLength(1);
  await expect(shop.staff('mina').importSettlement({ psp: 'zarinpal', day: '2026-01-01', csv })).rejects.toMatchObject({
    code: 'payments.settlement-other-day',
    data: { day },
  });
});

test('I9 F19: two other files with the same payment, at once: it is settled by one, and a duplicate in the other', async () => {
  for (let round = 0; round < 5; round += 1) {
    const order = await paid();
    await ageLedger(1);
    const csv = file(line(order.reference, order.amountRial));
    const { answer, by } = await moved(() => Promise.all([upload(csv), upload(`${csv}\n`)]));
    expect(by).toEqual([-2_500_000, 2_500_000, 0]);
    expect(answer.map((settlement) => settlement.settledCount).toSorted()).toEqual([0, 1]);
    const listed = await Promise.all(answer.map(({ importId }) => differences(importId)));
    expect(listed.flat()).toMatchObject([{ cause: 'duplicate-row', attemptId: order.attemptId }]);
    await ageLedger(30);
  }
});

test('F19: each difference is listed with its cause, and none moves money', async () => {
  const [good, wrongAmount, wrongSums, lacking] = [await paid(), await paid(), await paid(), await paid()];
  const waiting = await shop.owe();
  const waitingAttempt = await shop.start(waiting);
  const dead = await shop.owe();
  const deadAttempt = await shop.start(dead);
  await shop.orders.closeIntent({ orderId: dead.orderId, status: 'cancelled' });
  await ageLedger(1);

  const csv = [
    `authority,${header}`,
    `,${line(good.reference, good.amountRial, 4_000)}`,
    `,${line(wrongAmount.reference, 2_499_999)}`,
    `,${wrongSums.reference},2500000,4000,2495999,خرید`,
    `,${line('99999999', 700_000)}`,
    `,${line(good.reference, good.amountRial, 4_000)}`,
    `,${line('99999999', 700_000)}`,
    `${waitingAttempt.authority},${line('', waiting.amountRial)}`,
    `${deadAttempt.authority},${line('55555555', dead.amountRial)}`,
  ].join('\n');
  const { answer, by } = await moved(() => upload(csv));
  expect(by).toEqual([-2_500_000, 2_496_000, 4_000]);
  expect(answer).toMatchObject({ rowCount: 8, settledCount: 1, differenceCount: 8, openCount: 8 });
  expect(await differences(answer.importId)).toMatchObject([
    { cause: 'amount-differs', line: 3, reportedRial: 2_499_999, ledgerRial: 2_500_000, orderId: wrongAmount.orderId },
    { cause: 'sums-differ', line: 4, attemptId: wrongSums.attemptId },
    { cause: 'not-in-ledger', line: 5, reference: '99999999', reportedRial: 700_000, attemptId: null },
    { cause: 'duplicate-row', line: 6, attemptId: good.attemptId, isSettledSince: false },
    { cause: 'duplicate-row', line: 7, reference: '99999999' },
    { cause: 'not-captured', line: 8, attemptId: waitingAttempt.attemptId },
    { cause: 'dead-order', line: 9, attemptId: deadAttempt.attemptId, orderId: dead.orderId },
    { cause: 'not-in-report', line: null, attemptId: lacking.attemptId, ledgerRial: 2_500_000 },
  ]);
});

test('F19 A39: a fee of the whole payment, or more, is never booked: the line does not add up, and a person looks', async () => {
  const orders = [await paid(1_000_000), await paid(1_000_000)];
  await ageLedger(1);
  const [whole, more] = orders.map(({ reference }) => reference);
  const csv = file(`${whole},1000000,1000000,0,خرید`, line(more ?? '', 1_000_000, 1_000_000));
  const { answer, by } = await moved(() => upload(csv));
  expect(by).toEqual([0, 0, 0]);
  expect(answer).toMatchObject({ settledCount: 0 });
  expect((await differences(answer.importId)).map(({ cause }) => cause)).toEqual(['sums-differ', 'sums-differ']);
});

test('F19: a fee above the contract is booked as it was taken, and listed', async () => {
  const order = await paid();
  await ageLedger(1);
  const { answer, by } = await moved(() => upload(file(line(order.reference, order.amountRial, 500_000))));
  expect(by).toEqual([-2_500_000, 2_000_000, 500_000]);
  expect(await differences(answer.importId)).toMatchObject([{ cause: 'fee-too-high', feeRial: 500_000 }]);
});

test('F19: a refund is matched as well; one that the report lacks and one that the ledger lacks are differences', async () => {
  const psp = 'zibal' as const;
  const [refunded, unreported, kept] = [await sold(900_000, psp), await sold(800_000, psp), await sold(700_000, psp)];
  const give = ({ orderId }: Paid, amountRial: number) =>
    shop.staff('mina').requestRefund({ orderId, amountRial, method: 'psp', reason: 'مشتری پشیمان شد' });
  const parts = [await give(refunded, 300_000), await give(refunded, 200_000), await give(unreported, 100_000)];
  expect(parts.map((part) => part.status)).toEqual(['succeeded', 'succeeded', 'succeeded']);
  await ageLedger(1);

  const before = await Promise.all(['clearing:zibal', 'bank:settlements', 'fees:zibal'].map(balance));
  const csv = [
    'refNumber,amount,fee,type',
    ...[refunded, unreported, kept].map(({ reference, amountRial }) => `${reference},${amountRial},1000,payment`),
    `${refunded.reference},200000,500,refund`,
    `${refunded.reference},300000,0,refund`,
    `${refunded.reference},300000,0,refund`,
    `${kept.reference},50000,0,refund`,
  ].join('\n');
  const settlement = await shop.staff('mina').importSettlement({ psp, day, csv });
  const after = await Promise.all(['clearing:zibal', 'bank:settlements', 'fees:zibal'].map(balance));
  expect(after.map((rial, index) => rial - (before[index] ?? 0))).toEqual([-1_900_000, 1_896_500, 3_500]);
  expect(settlement).toMatchObject({ rowCount: 7, settledCount: 5, settledRial: 1_896_500, feeRial: 3_500 });
  expect(await differences(settlement.importId)).toMatchObject([
    { cause: 'duplicate-row', line: 7 },
    { cause: 'refund-not-in-ledger', line: 8, reportedRial: 50_000, attemptId: kept.attemptId, refundId: null },
    { cause: 'refund-not-in-report', line: null, refundId: parts[2]?.id, ledgerRial: 100_000 },
  ]);
});

test('F19: what one report lacks and a later one has is settled then; the difference says so and waits for a person', async () => {
  const order = await paid();
  await ageLedger(1);
  const first = await upload(file(line('31313131', 1_000)));
  const again = await upload(file(line('32323232', 1_000)));
  expect((await differences(again.importId)).map((one) => one.cause)).toEqual(['not-in-ledger']);
  expect(await upload(file(line(order.reference, order.amountRial)))).toMatchObject({
    settledCount: 1,
    differenceCount: 0,
  });
  expect((await differences(first.importId)).find((one) => one.cause === 'not-in-report')).toMatchObject({
    attemptId: order.attemptId,
    isSettledSince: true,
    status: 'open',
  });
});

test.each([
  ['شماره پیگیری,مبلغ\n', 'a,b', 2],
  ['شماره پیگیری,مبلغ\n', '1', 2],
  ['شماره پیگیری,مبلغ\n', '"1,2', 2],
  ['مبلغ\n', '5', 1],
])('F19: a broken file changes nothing, and the problem names the line: %j', async (head, broken, at) => {
  const order = await paid();
  await ageLedger(1);
  const good = head.includes(',') ? `${order.reference},${order.amountRial}\n` : '';
  const { by } = await moved(async () => {
    await expect(upload(`${head}${broken}\n${good}`)).rejects.toMatchObject({
      code: 'payments.settlement-unreadable',
      status: 422,
      data: { errors: [expect.objectContaining({ line: at })] },
    });
  });
  expect(by).toEqual([0, 0, 0]);
  if (good) expect(await upload(`${head}${good}`)).toMatchObject({ settledCount: 1, differenceCount: 0 });
});

test('F19: a line that the database refuses takes the whole file back', async () => {
  const order = await paid();
  await ageLedger(1);
  const rows = [
    { line: 2, kind: 'payment', reference: order.reference, amount: order.amountRial, fee: 0, net: order.amountRial },
    { line: 2, kind: 'payment', reference: 'other', amount: 1, fee: 0, net: 1 },
  ];
  const { by } = await moved(() =>
    expect(
      shop.sql('payments', "select payments_import_settlement($1, 'zarinpal', $2, 'hash', 'test', false, $3)", [
        newId(),
        day,
        JSON.stringify(rows),
      ]),
    ).rejects.toMatchObject({ code: '23505' }),
  );
  expect(by).toEqual([0, 0, 0]);
  expect(await shop.sql('payments', "select 1 from settlement_imports where content_hash = 'hash'")).toEqual([]);
});

test('a report of a day that is not over is refused, and of a PSP that nobody described', async () => {
  const today = await shop.sql('payments', "select (now() at time zone 'Asia/Tehran')::date::text as day");
  const ask = (psp: 'zarinpal' | 'webhook', of: string) =>
    shop.staff('mina').importSettlement({ psp, day: of, csv: file(line('1', 1_000)) });
  await expect(ask('zarinpal', String(today[0]?.['day']))).rejects.toMatchObject({
    code: 'payments.settlement-too-early',
  });
  await expect(ask('webhook', day)).rejects.toMatchObject({ code: 'payments.settlement-unknown-psp' });
  await expect(ask('zarinpal', '2026-02-30')).rejects.toMatchObject({ status: 422 });
});

test('a foreign PSP reports cents: they are compared in cents and booked in the Rial that the attempt was', async () => {
  const order = await paid(2_500_000);
  await shop.ownerSql(
    'payments',
    `do $$ begin alter table payment_attempts disable trigger user;
      update payment_attempts set psp = 'stripe', terms = '{"amountMinor": "1250"}' where id = '${order.attemptId}';
      alter table payment_attempts enable trigger user; end $$`,
  );
  await ageLedger(1);
  const csv = (gross: string, net: string) =>
    `payment_intent_id,gross,fee,net,reporting_category\n${order.reference},${gross},0.50,${net},charge\n`;
  const ask = (text: string) => shop.staff('mina').importSettlement({ psp: 'stripe', day, csv: text });
  expect(await ask(csv('12.49', '11.99'))).toMatchObject({ settledCount: 0, differenceCount: 1 });
  expect(await ask(csv('12.50', '12.00'))).toMatchObject({
    settledRial: 2_400_000,
    feeRial: 100_000,
    differenceCount: 0,
  });
  await shop.ownerSql(
    'payments',
    `do $$ begin alter table payment_attempts disable trigger user;
      update payment_attempts set psp = 'zarinpal' where id = '${order.attemptId}';
      alter table payment_attempts enable trigger user; end $$`,
  );
});

test('a difference is resolved once, by a person, with a note; no money moves by it', async () => {
  const { importId } = await upload(file(line('41414141', 1_000)));
  const [difference] = await differences(importId);
  const resolve = (who: string, differenceId = difference?.id ?? '') =>
    shop.staff(who).resolveSettlementDifference({ differenceId, note: 'پرداخت دستی بود' });
  const { answer, by } = await moved(() => Promise.allSettled([resolve('mina'), resolve('reza')]));
  expect(by).toEqual([0, 0, 0]);
  expect(answer.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  expect(answer.find((one) => one.status === 'rejected')?.reason).toMatchObject({
    code: 'payments.difference-resolved',
  });
  await expect(resolve('mina', newId())).rejects.toMatchObject({ status: 404 });
  expect(await differences(importId)).toMatchObject([
    { status: 'resolved', note: 'پرداخت دستی بود', resolvedBy: expect.stringMatching(/^user:/) },
  ]);
  const { items } = await shop.staff('mina').listSettlementDifferences({ status: 'open', limit: 100 });
  expect(items.map((one) => one.id)).not.toContain(difference?.id);
  expect((await shop.staff('mina').listSettlements({ psp: 'zarinpal', limit: 1 })).items).toMatchObject([
    { importId, differenceCount: 1, openCount: 0 },
  ]);
  // What a file said, and what was found, is no one's to change.
  for (const statement of [
    "update settlement_differences set cause = 'fee-too-high'",
    'delete from settlement_differences',
    'update settlement_rows set amount_rial = 1',
    'delete from settlement_imports',
    "insert into settlement_imports values (uuidv7(), 'zarinpal', '2026-01-01', 'x', 'x')",
  ])
    await expect(shop.sql('payments', statement), statement).rejects.toMatchObject({ code: '42501' });
});

test.each([['customer'], ['seller'], ['support'], ['developer']] as const)(
  'A36 A37 A39: the books are for admins: a %s is refused everywhere, and nothing of theirs is in the books',
  async (role) => {
    const real = await paid(1_000_000);
    await ageLedger(1);
    const [difference] = (await shop.staff('mina').listSettlementDifferences({ status: 'open', limit: 1 })).items;
    const booksOf = () =>
      Promise.all([
        shop.sql('payments', 'select id, status from settlement_differences order by id'),
        shop.sql('payments', 'select id from settlement_imports order by id'),
        shop.sql('payments', 'select count(*)::int as n from ledger_entries'),
      ]);
    const before = await booksOf();
    const other = shop.as(paymentsContract, userActor(newId(), [role]));
    const days = { from: day, until: day };
    for (const call of [
      () => other.importSettlement({ psp: 'zarinpal', day, csv: file(line(real.reference, 1_000_000)) }),
      () => other.listSettlements({}),
      () => other.listSettlementDifferences({}),
      () => other.resolveSettlementDifference({ differenceId: difference?.id ?? newId(), note: 'یادداشت' }),
      () => other.getTrialBalance({}),
      () => other.listLedgerCloses({}),
      () => other.getSalesReport(days),
      () => other.exportBooks({ report: 'sales', ...days }),
    ])
      await expect(call()).rejects.toMatchObject({ status: 403 });
    await expect(shop.browser.exportBooks({ report: 'journal', ...days })).rejects.toMatchObject({ status: 401 });
    expect(await booksOf()).toEqual(before);
  },
);
