import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readInvariants } from '@kelid/service/invariants';
import { checkInvariants } from './invariants.ts';
import { createTestQueueDatabase, type TestDatabase } from './test-postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'kelid-invariants-'));
let shop: TestDatabase;

beforeAll(async () => {
  shop = await createTestQueueDatabase();
  await run('create table wallets (customer text, balance_rial bigint)');
  await run("insert into wallets values ('Sara', 500000), ('Reza', -10)");
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await shop.drop();
});

async function run(text: string) {
  const client = new pg.Client({ connectionString: shop.ownerUrl });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text);
  await client.end();
  return rows;
}

function write(text: string): void {
  mkdirSync(join(folder, 'payments/src/db'), { recursive: true });
  writeFileSync(join(folder, 'payments/src/db/invariants.sql'), text);
}

test('a broken promise is named with its sentence and the rows that break it; one that holds is not', async () => {
  write(`-- Of the money.
-- I7: no wallet is below zero
select customer from wallets
where balance_rial < 0;
-- I8: no wallet is without an owner
select * from wallets where customer is null;
`);
  expect(await checkInvariants({ payments: shop.ownerUrl, orders: 'postgres://nowhere' }, folder)).toEqual([
    { service: 'payments', id: 'I7', sentence: 'no wallet is below zero', rows: [{ customer: 'Reza' }] },
  ]);
});

test('a check that cannot be made is an error and never a pass', async () => {
  write('-- I7: no wallet is below zero\nselect customer from purses');
  await expect(checkInvariants({ payments: shop.ownerUrl }, folder)).rejects.toThrow('payments: I7 could not be run');
  await expect(checkInvariants({ orders: shop.ownerUrl }, folder)).rejects.toThrow(
    'payments cannot be checked: there is no URL',
  );
  expect(() => readInvariants('payments.sql', 'select 1')).toThrow('stands below no invariant');
  expect(() => readInvariants('payments.sql', '-- I1: a\n-- I2: b\nselect 1')).toThrow('I1 has no statement');
  expect(() => readInvariants('payments.sql', '')).toThrow('has no invariant');
});

test('a check cannot change what it looks at', async () => {
  write('-- I7: no wallet is below zero\ndelete from wallets returning customer');
  await expect(checkInvariants({ payments: shop.ownerUrl }, folder)).rejects.toThrow('I7 could not be run');
  expect(await run('select count(*)::int as count from wallets')).toEqual([{ count: 2 }]);
});
