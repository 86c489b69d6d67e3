import pg from 'pg';
import type { Shop } from '@kelid/e2e/shop';

/** The trial balance of a ledger of this many entries, before and after its days are closed, against a plain sum over all of them. */
export async function measureBooks(world: Shop, entryCount: number): Promise<void> {
  await world.stop('server'); // Its own sweep would close the days.
  const client = new pg.Client({ connectionString: world.urls.services['payments']?.ownerUrl });
  await client.connect();
  const seconds = async (text: string) => {
    const times: number[] = [];
    for (let count = 0; count < 5; count += 1) {
      const startedAt = performance.now();
      await client.query(text);
      times.push((performance.now() - startedAt) / 1000);
    }
    return times.toSorted((a, b) => a - b)[2] ?? 0;
  };
  const trialBalance = `select * from ledger_trial_balance((select max(day) from ledger_closes where closed_at is not null), true)`;
  const plainSum = `select case when account like 'wallet:%' then 'wallets' else account end, sum(amount_rial)::bigint from ledger_entries group by 1`;
  const balances = async (text: string) =>
    JSON.stringify((await client.query<unknown[]>({ text: `${text} order by 1`, rowMode: 'array' })).rows);
  try {
    await client.query("set statement_timeout = '10min'");
    await fill(client, entryCount);
    const plain = await seconds(plainSum);
    const before = await seconds(trialBalance);
    const wanted = await balances(plainSum);

    const closing: number[] = [];
    for (;;) {
      const startedAt = performance.now();
      const { rows } = await client.query<{ day: string | null }>('select ledger_seal_day()::text as day');
      const day = rows[0]?.day;
      if (typeof day !== 'string') break;
      await client.query('select ledger_close_day($1)', [day]);
      closing.push((performance.now() - startedAt) / 1000);
    }
    const after = await seconds(trialBalance);
    if ((await balances(trialBalance)) !== wanted) throw new Error('The trial balance is not the sum of the entries');
    console.log(
      `trial balance over ${entryCount} ledger entries, median: plain SQL sum ${plain.toFixed(3)} s; nothing closed ${before.toFixed(3)} s, ratio ${(before / plain).toFixed(2)}; with ${closing.length} days closed ${after.toFixed(4)} s, ratio ${(after / plain).toFixed(3)}`,
    );
    const slowest = Math.max(...closing);
    console.log(
      `daily close: ${slowest.toFixed(3)} s for the slowest of ${closing.length} days of ${Math.round(entryCount / 30)} entries each, ratio to the plain sum of all ${(slowest / plain).toFixed(2)}`,
    );
    await measureSettlement(client, 10_000);
  } finally {
    await client.end();
    await world.start('server');
  }
}

/** The report of a PSP with as many lines as one file may have, all of which agree: the longest that an import can take. */
async function measureSettlement(client: pg.Client, lineCount: number): Promise<void> {
  const { rows } = await client.query<{ lines: string }>(
    `with intents as (
      insert into payment_intents (id, order_id, order_number, customer_id, amount_rial, status)
      select uuidv7(), uuidv7(), 'BENCH-' || i, uuidv7(), 1000000, 'open' from generate_series(1, $1::int) i returning *),
    attempts as (
      insert into payment_attempts (id, intent_id, order_id, customer_id, psp, status, amount_rial, psp_reference, moved_by, move_cause)
      select uuidv7(), id, order_id, customer_id, 'zarinpal', 'captured', amount_rial, 'bench ' || id, 'bench', 'bench' from intents returning psp_reference)
    select json_agg(json_build_object('line', 1 + n, 'kind', 'payment', 'reference', psp_reference, 'amount', 1000000, 'fee', 5000, 'net', 995000)) as lines
    from (select psp_reference, row_number() over () as n from attempts) lines`,
    [lineCount],
  );
  await client.query('vacuum analyze payment_attempts');
  const startedAt = performance.now();
  await client.query(
    `select payments_import_settlement(uuidv7(), 'zarinpal', (now() at time zone 'Asia/Tehran')::date - 1, 'bench', 'bench', false, $1)`,
    [JSON.stringify(rows[0]?.lines)],
  );
  const took = (performance.now() - startedAt) / 1000;
  const { rows: settled } = await client.query<{ count: number }>(
    `select count(*)::int as count from ledger_transactions where kind = 'settlement'`,
  );
  console.log(
    `settlement report of ${lineCount} lines, compared and booked: ${took.toFixed(1)} s, ${settled[0]?.count} of them settled`,
  );
}

/** Sales of thirty days, two entries each, the last of them today; the triggers that look at single rows would make it an hour. */
async function fill(client: pg.Client, entryCount: number): Promise<void> {
  const tables = ['ledger_transactions', 'ledger_entries'];
  for (const table of tables) await client.query(`alter table ${table} disable trigger user`);
  await client.query(
    `with made as (
      insert into ledger_transactions (id, kind, business_ref, at)
      select uuidv7(), 'bench', uuidv7(), now() - interval '29 days' * (1 - i::float8 / $1) from generate_series(1, $1::int) i returning id)
    insert into ledger_entries (id, transaction_id, account, amount_rial)
    select uuidv7(), made.id, e.account, e.rial from made, lateral (values ('clearing:zarinpal', 1000000), ('wallet:' || made.id, -1000000)) e(account, rial)`,
    [entryCount / 2],
  );
  for (const table of tables) await client.query(`alter table ${table} enable trigger user`);
  for (const table of tables) await client.query(`vacuum analyze ${table}`);
}
