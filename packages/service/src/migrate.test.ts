import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@kelid/testing/test-postgres';
import { beforeEach, expect, test } from 'vitest';
import { migrateDatabase } from './migrate.ts';
import { DatabaseClient } from './postgres/client.ts';
import { migrationsFolder } from './test-services.ts';

let database: TestDatabase;
let folder: string;
beforeEach(async () => {
  const db = mkdtempSync(join(tmpdir(), 'kelid-db-'));
  folder = join(db, 'migrations');
  cpSync(migrationsFolder, folder, { recursive: true });
  database = await createTestDatabase('orders', { migrationsFolder });
  return async () => {
    rmSync(db, { recursive: true });
    await database.drop();
  };
});

/** Adds a migration as a merge does, so long before or after the first one. */
function add(name: string, afterMs: number): void {
  const file = join(folder, 'meta/_journal.json');
  const journal = JSON.parse(readFileSync(file, 'utf8')) as { entries: { idx: number; when: number; tag: string }[] };
  const [first] = journal.entries;
  if (!first) throw new Error('no migration');
  journal.entries.push({ ...first, idx: journal.entries.length, when: first.when + afterMs, tag: name });
  writeFileSync(file, JSON.stringify(journal));
  writeFileSync(join(folder, `${name}.sql`), `create table ${name.slice(5)} (id int);`);
}

async function look(text: string): Promise<unknown[]> {
  const client = new DatabaseClient({ connectionString: database.ownerUrl });
  await client.connect();
  const { rows } = await client.query<{ seen: unknown }>(text);
  await client.end();
  return rows.map(({ seen }) => seen);
}

const tables = () => look("select relname as seen from pg_class where relname in ('early', 'late') order by 1");

/** Makes the folder's functions these, as a release of that version has them. */
function setFunctions(version: number, files: Record<string, string>): void {
  const functions = join(folder, '../functions');
  rmSync(functions, { recursive: true, force: true });
  mkdirSync(functions);
  writeFileSync(join(functions, 'version.json'), JSON.stringify({ version, hash: '' }));
  for (const [name, body] of Object.entries(files))
    writeFileSync(join(functions, `${name}.sql`), `create or replace function ${name}() returns int ${body};`);
}

const answering = (value: string) => `language sql as $$ select ${value} $$`;

test('a migration that was merged with an earlier time is refused by its name before anything runs', async () => {
  add('0001_early', -1);
  add('0002_late', 1);
  await expect(migrateDatabase(database.ownerUrl, folder)).rejects.toThrow(/0001_early is older than one that has run/);
  expect(await tables()).toEqual([]);
});

test('a migration that was edited after it ran is refused by its name; put back, the next ones run, once', async () => {
  const edited = join(folder, '0000_spine.sql');
  const before = readFileSync(edited, 'utf8');
  add('0001_late', 1);
  writeFileSync(edited, `${before}\n-- and a table more`);
  await expect(migrateDatabase(database.ownerUrl, folder)).rejects.toThrow(/0000_spine was changed after it had run/);
  expect(await tables()).toEqual([]);
  writeFileSync(edited, before);
  await migrateDatabase(database.ownerUrl, folder);
  await migrateDatabase(database.ownerUrl, folder);
  expect(await tables()).toEqual(['late']);
  // The release before this one runs beside it for a while, and knows less.
  await migrateDatabase(database.ownerUrl, migrationsFolder);
});

test('a function is what its file says: made in any order, replaced when the file changes, dropped when it is gone', async () => {
  setFunctions(1, { asks: answering('gives()'), gives: answering('1') });
  await migrateDatabase(database.ownerUrl, folder);
  expect(await look('select asks() as seen')).toEqual([1]);
  const rowOf = "select xmin::text as seen from pg_proc where proname = 'asks'";
  const [untouched] = await look(rowOf);
  setFunctions(2, { asks: answering('gives()'), gives: answering('2') });
  await migrateDatabase(database.ownerUrl, folder);
  expect(await look('select asks() as seen')).toEqual([2]);
  expect(await look(rowOf)).toEqual([untouched]);
  await look('create function by_hand() returns int language sql as $$ select 7 $$');
  setFunctions(3, { gives: answering('2') });
  await migrateDatabase(database.ownerUrl, folder);
  const left = "select proname as seen from pg_proc where proname in ('asks', 'gives', 'by_hand') order by 1";
  expect(await look(left)).toEqual(['by_hand', 'gives']);
});

test('a process of the release before, started again beside this one, neither puts its functions back nor drops ours', async () => {
  setFunctions(2, { gives: answering('2'), fresh: answering('7') });
  await migrateDatabase(database.ownerUrl, folder);
  setFunctions(1, { gives: answering('1') });
  await migrateDatabase(database.ownerUrl, folder);
  expect(await look('select gives() + fresh() as seen')).toEqual([9]);
  // Of the same version, as while somebody works on it: the last one counts.
  setFunctions(2, { gives: answering('3') });
  await migrateDatabase(database.ownerUrl, folder);
  expect(await look('select gives() as seen')).toEqual([3]);
});

test('CP18: new tables and new functions come together or not at all', async () => {
  setFunctions(1, { gives: answering('1') });
  await migrateDatabase(database.ownerUrl, folder);
  add('0001_late', 1);
  setFunctions(2, { gives: answering('2'), wrong: answering('no_such_column') });
  await expect(migrateDatabase(database.ownerUrl, folder)).rejects.toThrow(/no_such_column/);
  expect(await tables()).toEqual([]);
  expect(await look('select gives() as seen')).toEqual([1]);
  setFunctions(2, { gives: answering('id from late') });
  await migrateDatabase(database.ownerUrl, folder);
  expect(await tables()).toEqual(['late']);
});
