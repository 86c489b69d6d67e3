import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { readCsv } from '../settlements/csv.rules.ts';
import { controlOf, startPayments, type TestOrder, type TestPayments } from '../test-payments.ts';
import { closeLedgerDays } from './close-ledger-days.ts';

let simulators: Simulators;
let shop: TestPayments;
let bank: ReturnType<typeof controlOf>;
let today: string;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPayments(`${simulators.url}/zarinpal`, {
    PAYMENTS_ZIBAL_URL: `${simulators.url}/zibal`,
    PAYMENTS_ZIBAL_MERCHANT: 'zibal',
  });
  bank = controlOf(simulators.url);
});
beforeEach(async () => {
  await ageLedger(40);
  const [row] = await shop.sql('payments', "select (now() at time zone 'Asia/Tehran')::date::text as day");
  today = String(row?.['day']);
});
afterEach(async () => expect(await shop.brokenInvariants()).toEqual([]));
afterAll(async () => {
  await shop.close();
  await simulators.close();
});

/** Everything that was posted, so many days earlier. */
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
async function pay(order: TestOrder, psp: 'zarinpal' | 'zibal'): Promise<void> {
  const started = await shop.orders.startAttempt({ attemptId: newId(), orderId: order.orderId, psp });
  if (started.redirectUrl === null) return;
  const token = started.redirectUrl.split('/').at(-1) ?? '';
  await shop.browser.handlePspCallback({ psp, params: await bank.decide(token, 'pay') });
}
async function deliver({ orderId, customerId, amountRial }: TestOrder, vatRial = 0): Promise<void> {
  const at = new Date().toISOString();
  const order = { orderId, customerId, orderNumber: 'KL-1', version: 4, totalRial: amountRial, vatRial };
  await shop.deliver('order.fulfilled', { ...order, contact: {}, lines: [], fulfilledAt: at });
}
async function sold(amountRial: number, psp: 'zarinpal' | 'zibal', vatRial = 0): Promise<TestOrder> {
  const order = await shop.owe(amountRial);
  await pay(order, psp);
  await deliver(order, vatRial);
  return order;
}
/** An order of a customer whose wallet pays this much of it. */
async function soldWithWallet(amountRial: number, walletRial: number): Promise<void> {
  const order = { orderId: newId(), customerId: newId(), amountRial };
  await shop.sql(
    'payments',
    "select ledger_post('gift', $1, null, array['gifts', $2], array[$3::bigint, -$3::bigint])",
    [newId(), `wallet:${order.customerId}`, walletRial],
  );
  await shop.orders.createIntent({ ...order, orderNumber: 'KL-1', walletMaxRial: walletRial });
  await pay(order, 'zarinpal');
  await deliver(order);
}
const report = (from = today, until = today) => shop.staff('mina').getSalesReport({ from, until });
const exported = async (name: 'trial-balance' | 'sales' | 'journal' | 'differences', day = today) => {
  const { text } = await shop.staff('mina').exportBooks({ report: name, from: day, until: day });
  return readCsv(text).map((record) => record.fields);
};
const yesterday = async () =>
  String((await shop.sql('payments', 'select ($1::date - 1)::text as day', [today]))[0]?.['day']);

test('reports: sales by day and by what paid them, with VAT, the wallets’ part and refunds; they add up with the ledger', async () => {
  await sold(1_000_000, 'zibal');
  await ageLedger(1);
  const order = await sold(1_100_000, 'zarinpal', 100_000);
  await sold(500_000, 'zarinpal');
  await sold(700_000, 'zibal');
  await soldWithWallet(400_000, 150_000);
  await soldWithWallet(300_000, 300_000);
  await shop.owe(); // Neither what is owed nor what is paid and not delivered is a sale.
  await pay(await shop.owe(), 'zibal');
  await shop
    .staff('mina')
    .requestRefund({ orderId: order.orderId, amountRial: 200_000, method: 'wallet', reason: 'جبران' });

  const { rows, total } = await report(await yesterday());
  const none = { vatRial: 0, walletRial: 0, refundsRial: 0, feesRial: 0 };
  expect(rows).toEqual([
    { ...none, day: await yesterday(), psp: 'zibal', orderCount: 1, salesRial: 1_000_000, marginRial: 1_000_000 },
    { ...none, day: today, psp: 'wallet', orderCount: 1, salesRial: 300_000, walletRial: 300_000, marginRial: 300_000 },
    {
      ...none,
      day: today,
      psp: 'zarinpal',
      orderCount: 3,
      salesRial: 1_900_000,
      vatRial: 100_000,
      walletRial: 150_000,
      refundsRial: 200_000,
      marginRial: 1_700_000,
    },
    { ...none, day: today, psp: 'zibal', orderCount: 1, salesRial: 700_000, marginRial: 700_000 },
  ]);
  expect(total).toMatchObject({ orderCount: 6, salesRial: 3_900_000, vatRial: 100_000, refundsRial: 200_000 });
  expect((await exported('sales')).slice(1)).toHaveLength(3);
});

test('reports: what a PSP kept is a fee of the day on which its report was imported', async () => {
  const order = await sold(2_000_000, 'zarinpal');
  await ageLedger(1);
  const [row] = await shop.sql(
    'payments',
    'select psp_reference from payment_attempts a join payment_intents i on i.paid_attempt_id = a.id where i.order_id = $1',
    [order.orderId],
  );
  const csv = `ref_id,amount,fee\n${String(row?.['psp_reference'])},2000000,8000\n`;
  await shop.staff('mina').importSettlement({ psp: 'zarinpal', day: await yesterday(), csv });
  expect((await report()).rows).toMatchObject([{ psp: 'zarinpal', salesRial: 0, feesRial: 8_000, marginRial: -8_000 }]);
  expect((await report(await yesterday())).total).toMatchObject({ salesRial: 2_000_000, marginRial: 1_992_000 });
});

test('exports: the journal has every entry of the days, and the trial balance is that of a closed day', async () => {
  await sold(1_000_000, 'zarinpal');
  await ageLedger(1);
  await sold(5_000_000, 'zarinpal');
  const day = await yesterday();
  await expect(exported('trial-balance', day)).rejects.toMatchObject({ code: 'payments.ledger-day-open' });
  const journal = await exported('journal', day);
  expect(journal[0]).toEqual(['at', 'kind', 'transaction', 'order', 'account', 'debit_rial', 'credit_rial']);
  expect(journal.slice(1).map((fields) => [fields[1], ...fields.slice(4)])).toEqual(
    expect.arrayContaining([
      ['capture', 'clearing:zarinpal', '1000000', '0'],
      ['capture', 'deposits:orders', '0', '1000000'],
      ['sale', 'deposits:orders', '1000000', '0'],
      ['sale', 'revenue:sales', '0', '1000000'],
    ]),
  );
  expect(journal).toHaveLength(5);

  while ((await closeLedgerDays(shop.ctx())) > 0);
  const balances = await exported('trial-balance', day);
  const sum = (column: number) => balances.slice(1).reduce((total, fields) => total + Number(fields[column]), 0);
  expect(sum(1)).toBe(sum(2));
  const { accounts } = await shop.staff('mina').getTrialBalance({ day });
  expect(balances).toHaveLength(accounts.length + 1);
  await shop.ownerSql(
    'payments',
    `do $$ begin alter table ledger_closes disable trigger user; alter table ledger_close_balances disable trigger user;
      delete from ledger_close_balances; delete from ledger_closes;
      alter table ledger_closes enable trigger user; alter table ledger_close_balances enable trigger user; end $$`,
  );
});

test('exports: a note that begins as a formula stays a text', async () => {
  const day = await yesterday();
  const { importId } = await shop
    .staff('mina')
    .importSettlement({ psp: 'zarinpal', day, csv: 'ref_id,amount\n=cmd(),5\n' });
  const { items } = await shop.staff('mina').listSettlementDifferences({ importId });
  await shop.staff('mina').resolveSettlementDifference({ differenceId: items[0]?.id ?? '', note: '=HYPERLINK("x")' });
  const found = (await exported('differences', day)).find((fields) => fields[4] === "'=cmd()");
  expect(found).toEqual(expect.arrayContaining([day, 'zarinpal', 'not-in-ledger', '\'=HYPERLINK("x")']));
});

test.each([
  ['2026-02-02', '2026-02-01'],
  ['2024-01-01', '2026-01-01'],
])('reports: from %s until %s is refused', async (from, until) => {
  await expect(report(from, until)).rejects.toMatchObject({ code: 'payments.too-many-days' });
  await expect(shop.staff('mina').exportBooks({ report: 'journal', from, until })).rejects.toMatchObject({
    status: 422,
  });
});
