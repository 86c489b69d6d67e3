import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@kelid/testing/test-postgres';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { migrateDatabase } from './migrate.ts';
import { DatabaseClient } from './postgres/client.ts';
import { migrationsFolder } from './test-services.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase('orders', { migrationsFolder });
});
afterAll(() => database.drop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelid-migrations-'));
  cpSync(migrationsFolder, folder, { recursive: true });
  return () => rmSync(folder, { recursive: true });
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

async function tables(): Promise<string[]> {
  const client = new DatabaseClient({ connectionString: database.ownerUrl });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    "select relname as name from pg_class where relname in ('early', 'late') order by 1",
  );
  await client.end();
  return rows.map(({ name }) => name);
}

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
