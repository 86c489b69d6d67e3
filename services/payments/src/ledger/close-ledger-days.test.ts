import fc from 'fast-check';
import { newId } from '@kelid/service/ids';
import { waitFor } from '@kelid/testing/start-service';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startPayments, type TestPayments } from '../test-payments.ts';
import { closeLedgerDays } from './close-ledger-days.ts';

// No bank is asked here: what is posted is posted by the statement that posts everything.
let shop: TestPayments;
beforeAll(async () => void (shop = await startPayments('http://127.0.0.1:9')));
beforeEach(() => emptyLedger());
afterEach(async () => expect(await shop.brokenInvariants()).toEqual([]));
afterAll(() => shop.close());

/** Each test begins with a ledger of its own; only the owner of the tables can do that, and not by mistake. */
async function emptyLedger(): Promise<void> {
  await shop.ownerSql(
    'payments',
    `do $$ declare name text; begin
      foreach name in array array['ledger_closes', 'ledger_close_balances', 'ledger_entries', 'ledger_transactions'] loop execute format('alter table %I disable trigger user', name); end loop;
      delete from ledger_close_balances; delete from ledger_closes; delete from ledger_entries; delete from ledger_transactions; delete from wallets;
      foreach name in array array['ledger_closes', 'ledger_close_balances', 'ledger_entries', 'ledger_transactions'] loop execute format('alter table %I enable trigger user', name); end loop;
    end $$`,
  );
}

const postedAt = `with made as (insert into ledger_transactions (id, kind, business_ref, at) values (uuidv7(), 'gift', uuidv7(), $1) returning id)
  insert into ledger_entries (id, transaction_id, account, amount_rial) select uuidv7(), id, account, amount from made, unnest($2::text[], $3::bigint[]) as e(account, amount)`;
/** A posting of another moment, as the owner of the tables can write it. */
const postAt = (at: string, amounts: Record<string, number>) =>
  shop.ownerSql('payments', postedAt, [at, Object.keys(amounts), Object.values(amounts)]);
const postNow = (amounts: Record<string, number>) =>
  shop.sql('payments', "select ledger_post('gift', $1, null, $2, $3)", [
    newId(),
    Object.keys(amounts),
    Object.values(amounts),
  ]);

async function closeAll(): Promise<number> {
  let count = 0;
  while ((await closeLedgerDays(shop.ctx())) > 0) count += 1;
  return count;
}
/** The day of Tehran so many days ago, and a moment of it. */
async function dayAgo(days: number, time = '12:00'): Promise<{ day: string; at: string }> {
  const [row] = await shop.sql(
    'payments',
    `select ((now() at time zone 'Asia/Tehran')::date - $1::int)::text as day, to_char(((now() at time zone 'Asia/Tehran')::date - $1::int + $2::time) at time zone 'Asia/Tehran', 'YYYY-MM-DD"T"HH24:MI:SS.USOF') as at`,
    [days, time],
  );
  return { day: String(row?.['day']), at: String(row?.['at']) };
}
const balances = async (day?: string) => {
  const { accounts, sumRial } = await shop.staff('mina').getTrialBalance(day === undefined ? {} : { day });
  expect(sumRial).toBe(0);
  return Object.fromEntries(accounts.map(({ account, balanceRial }) => [account, balanceRial]));
};
const plainSums = async () =>
  Object.fromEntries(
    (
      await shop.sql(
        'payments',
        `select case when account like 'wallet:%' then 'wallets' else account end as account, sum(amount_rial)::bigint as sum from ledger_entries group by 1`,
      )
    ).map((row) => [row['account'], Number(row['sum'])]),
  );

test('daily close: a day is due five minutes after its midnight of Tehran, and not a moment earlier', async () => {
  const { day, at } = await dayAgo(1);
  await postAt(at, { 'deposits:orders': 10, 'revenue:sales': -10 });
  // The very function that the jobs ask, at times of the test.
  const [made] = await shop.sql('payments', "select pg_get_functiondef('ledger_due_day'::regproc) as text");
  const dueAt = async (time: string) => {
    const moment = `((date '${day}' + 1)::timestamp + interval '${time}') at time zone 'Asia/Tehran'`;
    const text = String(made?.['text']).replace('ledger_due_day()', 'ledger_due_day_at()').replaceAll('now()', moment);
    await shop.ownerSql('payments', text);
    return (await shop.ownerSql('payments', 'select ledger_due_day_at()::text as day'))[0]?.['day'];
  };
  expect(await dueAt('-1 second')).toBeNull();
  expect(await dueAt('4 minutes 59 seconds')).toBeNull();
  expect(await dueAt('5 minutes')).toBe(day);
  await shop.ownerSql('payments', 'drop function ledger_due_day_at()');
});

test('daily close: each day that is over is closed once, in order, with its sums and the balances at its end', async () => {
  const [first, last] = [await dayAgo(3), await dayAgo(1)];
  await postAt(first.at, { 'clearing:zarinpal': 700, 'deposits:orders': -700 });
  // The ids of these two are not in the order of their times.
  await postNow({ 'deposits:orders': 200, 'revenue:sales': -200 });
  await postAt(last.at, { 'deposits:orders': 500, 'revenue:sales': -500 });
  expect(await closeAll()).toBe(3);
  expect(await closeAll()).toBe(0);

  const { items } = await shop.staff('mina').listLedgerCloses({ limit: 2 });
  expect(items).toMatchObject([
    { day: last.day, transactionCount: 1, debitRial: 500, creditRial: 500 },
    { day: (await dayAgo(2)).day, transactionCount: 0, debitRial: 0, creditRial: 0 },
  ]);
  const next = await shop.staff('mina').listLedgerCloses({ limit: 2, cursor: (await dayAgo(2)).day });
  expect(next).toMatchObject({ items: [{ day: first.day, debitRial: 700 }], nextCursor: null });
  expect(await balances(first.day)).toEqual({ 'clearing:zarinpal': 700, 'deposits:orders': -700 });
  expect(await balances(last.day)).toEqual({
    'clearing:zarinpal': 700,
    'deposits:orders': -200,
    'revenue:sales': -500,
  });
  expect(await balances()).toEqual({ 'clearing:zarinpal': 700, 'deposits:orders': 0, 'revenue:sales': -700 });
  await expect(balances((await dayAgo(0)).day)).rejects.toMatchObject({ code: 'payments.ledger-day-open' });
});

test('daily close: a day ends at midnight of Tehran, to the microsecond', async () => {
  const { day } = await dayAgo(2);
  await postAt((await dayAgo(2, '00:00')).at, { a: 1, b: -1 });
  await postAt((await dayAgo(2, '23:59:59.999999')).at, { a: 10, b: -10 });
  await postAt((await dayAgo(1, '00:00')).at, { a: 100, b: -100 });
  await closeAll();
  expect(await balances(day)).toEqual({ a: 11, b: -11 });
});

test('daily close: today is not closed, and a ledger without an entry has nothing to close', async () => {
  expect(await closeAll()).toBe(0);
  await postNow({ a: 1, b: -1 });
  expect(await closeAll()).toBe(0);
  expect(await shop.staff('mina').getTrialBalance({})).toMatchObject({ closedDay: null });
});

test('daily close: many at once close each day once', async () => {
  for (const days of [1, 2, 3, 4, 5]) await postAt((await dayAgo(days)).at, { a: days, b: -days });
  const rounds = await Promise.all(Array.from({ length: 6 }, () => closeAll()));
  expect(rounds.reduce((sum, count) => sum + count, 0)).toBe(5);
  expect(await balances()).toEqual({ a: 15, b: -15 });
  expect(await shop.sql('payments', "select 1 from ledger_close_balances where account = 'a'")).toHaveLength(5);
});

test('I8: nobody posts into a closed day, nor adds to a transaction of it, nor changes its close', async () => {
  const { at, day } = await dayAgo(1);
  await postAt(at, { a: 5, b: -5 });
  await closeAll();
  await expect(postAt(at, { a: 1, b: -1 })).rejects.toMatchObject({ code: 'KE033' });
  await expect(
    shop.ownerSql(
      'payments',
      "insert into ledger_transactions (id, kind, business_ref, at) values (uuidv7(), 'gift', uuidv7(), $1)",
      [at],
    ),
  ).rejects.toMatchObject({ code: 'KE033' });
  await expect(postAt((await dayAgo(400)).at, { a: 1, b: -1 })).rejects.toMatchObject({ code: 'KE033' });
  await expect(
    shop.ownerSql(
      'payments',
      `insert into ledger_entries (id, transaction_id, account, amount_rial) select uuidv7(), t.id, 'a', x from ledger_transactions t, unnest(array[1, -1]) x`,
    ),
  ).rejects.toMatchObject({ code: 'KE033' });
  for (const statement of [
    'update ledger_closes set debit_rial = 6, credit_rial = 6',
    'update ledger_closes set closed_at = null, debit_rial = null, credit_rial = null',
    "update ledger_closes set until_at = until_at - interval '1 day'",
    'delete from ledger_closes',
    'truncate ledger_closes cascade',
    'update ledger_close_balances set balance_rial = 0',
    'delete from ledger_close_balances',
  ]) {
    await expect(shop.ownerSql('payments', statement), statement).rejects.toMatchObject({ code: 'KE026' });
    await expect(shop.sql('payments', statement), statement).rejects.toMatchObject({ code: '42501' });
  }
  for (const statement of [
    "insert into ledger_closes (day, from_at, until_at) values ('2000-01-01', now(), now() + interval '1 day')",
    "insert into ledger_close_balances values ('2000-01-01', 'a', 0, 0, 0)",
  ])
    await expect(shop.sql('payments', statement), statement).rejects.toMatchObject({ code: '42501' });
  await postNow({ a: 1, b: -1 });
  expect(await balances(day)).toEqual({ a: 5, b: -5 });
});

test('I8: a posting that is still on its way when its day is to be closed is waited for, and is in the close', async () => {
  const { at, day } = await dayAgo(1);
  await postAt(at, { a: 5, b: -5 });
  const late = new pg.Client({ connectionString: shop.databaseUrls['payments']?.ownerUrl });
  await late.connect();
  try {
    await late.query('begin');
    await late.query(postedAt, [at, ['a', 'b'], [30, -30]]);
    expect(await closeLedgerDays(shop.ctx())).toBe(0);
    await postNow({ c: 1, d: -1 }); // Nobody else waits meanwhile.
    await late.query('commit');
  } finally {
    await late.end();
  }
  await closeAll();
  expect(await balances(day)).toEqual({ a: 35, b: -35 });
});

test('daily close: two that wait for the same posting seal the day once', async () => {
  const { at, day } = await dayAgo(1);
  await postAt(at, { a: 5, b: -5 });
  const late = new pg.Client({ connectionString: shop.databaseUrls['payments']?.ownerUrl });
  await late.connect();
  try {
    await late.query('begin');
    await late.query(postedAt, [at, ['a', 'b'], [30, -30]]);
    const seals = Promise.all([1, 2].map(() => shop.sql('payments', 'select ledger_seal_day()::text as day')));
    await waitFor('both wait', async () => {
      const waiting = await late.query("select 1 from pg_locks where locktype = 'advisory' and not granted");
      return waiting.rows.length === 2;
    });
    await late.query('commit');
    expect((await seals).flat().map((row) => row['day'])).toEqual(expect.arrayContaining([day, null]));
  } finally {
    await late.end();
  }
  await closeAll();
});

test('daily close: a runner that died after the seal loses nothing: the day is refused to posters, and closed by the next round', async () => {
  const { at, day } = await dayAgo(1);
  await postAt(at, { a: 5, b: -5 });
  await shop.sql('payments', 'select ledger_seal_day()');
  await expect(postAt(at, { a: 1, b: -1 })).rejects.toMatchObject({ code: 'KE033' });
  await expect(balances(day)).rejects.toMatchObject({ code: 'payments.ledger-day-open' });
  expect(await balances()).toEqual({ a: 5, b: -5 });
  expect(await closeAll()).toBe(1);
  expect(await balances(day)).toEqual({ a: 5, b: -5 });
});

test('daily close: days are closed in their order', async () => {
  await postAt((await dayAgo(2)).at, { a: 5, b: -5 });
  await shop.sql('payments', 'select ledger_seal_day() union all select ledger_seal_day()');
  await shop.sql('payments', 'select ledger_seal_day()');
  await expect(shop.sql('payments', 'select ledger_close_day($1)', [(await dayAgo(1)).day])).rejects.toMatchObject({
    code: 'KE034',
  });
  await closeAll();
});

test('I8 I27: whatever was posted and whenever it is closed, the trial balance is the sum of all entries, to the Rial', async () => {
  const Posting = fc.record({
    days: fc.integer({ min: 0, max: 4 }),
    account: fc.constantFrom('clearing:zarinpal', 'deposits:orders', 'fees:zarinpal'),
    rial: fc.integer({ min: 1, max: 400_000_000_000_000 }),
    closesAfter: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(Posting, { minLength: 1, maxLength: 12 }), async (postings) => {
      await emptyLedger();
      // Oldest first: nobody can post behind a close.
      for (const { days, account, rial, closesAfter } of postings.toSorted((a, b) => b.days - a.days)) {
        const amounts = { [account]: rial, 'revenue:sales': -rial };
        const isRefused = await postAt((await dayAgo(days)).at, amounts).then(
          () => false,
          () => true,
        );
        if (isRefused) expect(days).toBeGreaterThan(0);
        if (closesAfter) await closeAll();
        expect(await balances()).toEqual(await plainSums());
      }
      await closeAll();
      expect(await balances()).toEqual(await plainSums());
      expect(await shop.brokenInvariants()).toEqual([]);
    }),
    { numRuns: 15 },
  );
}, 120_000);

test('I27: a balance beyond what a number holds is an error and is not rounded', async () => {
  const { at } = await dayAgo(1);
  await postAt(at, { a: Number.MAX_SAFE_INTEGER, b: -Number.MAX_SAFE_INTEGER });
  expect(await balances()).toEqual({ a: Number.MAX_SAFE_INTEGER, b: -Number.MAX_SAFE_INTEGER });
  await postAt(at, { a: 1, b: -1 });
  await expect(balances()).rejects.toMatchObject({ status: 500 });
});

test('a wallet is no account of its own in a close: a close has as many rows as the shop has accounts', async () => {
  const { at, day } = await dayAgo(1);
  for (const rial of [1, 2, 3]) await postAt(at, { 'clearing:zarinpal': rial, [`wallet:${newId()}`]: -rial });
  await closeAll();
  expect(await balances(day)).toEqual({ 'clearing:zarinpal': 6, wallets: -6 });
});
