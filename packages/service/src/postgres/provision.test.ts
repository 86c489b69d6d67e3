import { serviceNames } from '@kelid/contracts/all';
import { testPassword } from '@kelid/testing/test-postgres';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { sqlState } from '../database.ts';
import { provisionDatabases, roleUrl } from './provision.ts';

const notAllowed = '42501';
const adminUrl = inject('adminUrl');

function urlOf(role: string, database: string): string {
  return roleUrl(adminUrl, role, testPassword(role), database);
}

async function run(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows;
  } finally {
    await client.end();
  }
}

/** The SQLSTATE that an attempt was refused with, or what it brought when it was not. */
async function refusalOf(url: string, text: string): Promise<unknown> {
  return run(url, text).catch((error: unknown) => sqlState(error));
}

test("PL-2: no service's role, neither the one that works nor the one that migrates, gets into another service's database", async () => {
  const names = [...serviceNames, 'queue'];
  const attempts = names.flatMap((own) =>
    names
      .filter((other) => other !== own)
      .flatMap((other) => ['app', 'owner'].map((kind) => ({ role: `${own}_${kind}`, database: `kelid_${other}` }))),
  );
  expect(attempts).toHaveLength(names.length * (names.length - 1) * 2);
  for (const { role, database } of attempts) {
    expect(await refusalOf(urlOf(role, database), 'select 1'), `${role} in ${database}`).toBe(notAllowed);
  }
  for (const own of serviceNames) {
    expect(await run(urlOf(`${own}_app`, `kelid_${own}`), 'select current_user::text as me')).toEqual([
      { me: `${own}_app` },
    ]);
  }
});

test('PL-2: the role a service works as reads and writes rows, and cannot make, change, empty or drop a table', async () => {
  const app = urlOf('orders_app', 'kelid_orders');
  const owner = urlOf('orders_owner', 'kelid_orders');
  await run(
    owner,
    'drop table if exists pl2_orders; create table pl2_orders (id int generated always as identity, total_rial bigint)',
  );
  await run(app, 'insert into pl2_orders (total_rial) values (500000); update pl2_orders set total_rial = 450000');
  expect(await run(app, 'delete from pl2_orders returning total_rial::text')).toEqual([{ total_rial: '450000' }]);
  for (const statement of [
    'create table mine (id int)',
    'create temporary table mine (id int)',
    'create schema mine',
    'truncate pl2_orders',
    'alter table pl2_orders add column mine int',
    'drop table pl2_orders',
    'create role mine',
    'create database mine',
    'set role orders_owner',
    'set role payments_app',
    'select * from pg_authid',
    "select pg_read_file('/etc/passwd')",
    "copy pl2_orders to program 'true'",
  ]) {
    expect(await refusalOf(app, statement), statement).toBe(notAllowed);
  }
  await run(owner, 'drop table pl2_orders');
});

test('PL-23: preparing the databases again keeps what is in them, puts a new password in place of the old one, and gives its rights to one that was left without them', async () => {
  const services = ['reviews'];
  const provision = (password: string) =>
    // The queue's role is in use by other tests and keeps the password that they know.
    provisionDatabases({
      adminUrl,
      services,
      passwordOf: (role) => (role.startsWith('reviews') ? password : testPassword(role)),
    });
  // As a run leaves it that was ended in the middle: anybody comes in.
  await run(adminUrl, 'create role reviews_owner');
  await run(adminUrl, 'create database kelid_reviews owner reviews_owner template template0');
  expect(await run(urlOf('orders_app', 'kelid_reviews'), 'select 1 as one')).toEqual([{ one: 1 }]);
  const first = await provision("first 'password'");
  expect(await refusalOf(urlOf('orders_app', 'kelid_reviews'), 'select 1')).toBe(notAllowed);
  const before = first.services['reviews'];
  if (!before) throw new Error('no URLs');
  await run(before.ownerUrl, 'create table kept as select 42 as answer');
  const second = await provision('second password');
  const after = second.services['reviews'];
  if (!after) throw new Error('no URLs');
  expect(await run(after.appUrl, 'select answer from kept')).toEqual([{ answer: 42 }]);
  expect(await refusalOf(before.appUrl, 'select 1')).toBe('28P01');
  await run(adminUrl, 'drop database kelid_reviews with (force)');
  await run(adminUrl, 'drop role reviews_app');
  await run(adminUrl, 'drop role reviews_owner');
});
