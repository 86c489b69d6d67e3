import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, inject, test } from 'vitest';
import { migrateDatabase } from '../migrate.ts';
import { migrationsFolder } from '../test-services.ts';
import { DatabaseClient } from './client.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';

const folder = mkdtempSync(join(tmpdir(), 'kelid-letters-'));
chmodSync(folder, 0o755);
let postgres: EmbeddedPostgres | undefined;
afterAll(async () => {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function query(url: string, database: string, ...texts: string[]): Promise<Record<string, unknown>[]> {
  const of = new URL(url);
  of.pathname = `/${database}`;
  const client = new DatabaseClient({ connectionString: of.href });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const text of texts) rows = (await client.query<Record<string, unknown>>(text)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

const byIndex = (url: string) =>
  query(
    url,
    'kelid_catalog',
    'set enable_seqscan = off',
    "select title from products where title like '%استیم%' order by title",
  );

test('CA-5: the data of an earlier release, whose database knew no Persian letter, stay as they are and are found by Persian text after the next start', async () => {
  const start = () => startEmbeddedPostgres({ dataFolder: join(folder, 'postgres'), port: 0, isDurable: false });
  postgres = await start();
  expect(await query(postgres.adminUrl, 'postgres', 'select datctype from pg_database group by 1')).toHaveLength(1);

  // As it was made before: every database with ctype C, and an index without one Persian trigram.
  await query(
    postgres.adminUrl,
    'postgres',
    "create database kelid_catalog template template0 lc_ctype 'C'",
    "update pg_database set datctype = 'C'",
  );
  await query(
    postgres.adminUrl,
    'kelid_catalog',
    'create extension pg_trgm',
    'create table products (title text primary key)',
    'create index products_search on products using gin (title gin_trgm_ops)',
    "insert into products values ('گیفت کارت استیم ۱۰ دلاری'), ('Steam'), ('استیم والت'), ('پلی‌استیشن')",
  );
  expect(await query(postgres.adminUrl, 'kelid_catalog', "select show_trgm('استیم') as it")).toEqual([{ it: [] }]);
  await postgres.stop();

  postgres = await start();
  const found = [{ title: 'استیم والت' }, { title: 'گیفت کارت استیم ۱۰ دلاری' }];
  expect(await byIndex(postgres.adminUrl)).toEqual(found);
  expect(
    await query(postgres.adminUrl, 'kelid_catalog', "select title from products where title % 'استیم ولت'"),
  ).toEqual([{ title: 'استیم والت' }]);
  expect(await query(postgres.adminUrl, 'postgres', "select 1 from pg_database where datctype = 'C'")).toEqual([]);
  expect(
    await query(
      postgres.adminUrl,
      'kelid_catalog',
      'set enable_seqscan = off',
      'select title from products order by title',
    ),
  ).toHaveLength(4);

  // Killed between the two steps: the index is marked and empty of Persian, and nobody reads it until it is built again.
  await query(
    postgres.adminUrl,
    'kelid_catalog',
    "update pg_index set indisvalid = false where indexrelid = 'products_search'::regclass",
  );
  await postgres.stop('immediate');
  postgres = await start();
  expect(await byIndex(postgres.adminUrl)).toEqual(found);
  expect(await query(postgres.adminUrl, 'kelid_catalog', 'select 1 from pg_index where not indisvalid')).toEqual([]);
}, 90_000);

test('a server whose databases know no Persian letter is refused in one line, before anything is written', async () => {
  const adminUrl = inject('adminUrl');
  const name = `blind_${process.pid}`;
  await query(adminUrl, 'postgres', `create database ${name} template template0 lc_ctype 'C'`);
  await query(adminUrl, name, 'create extension pg_trgm');
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  await expect(migrateDatabase(url.href, migrationsFolder)).rejects.toThrow(
    `The database ${name} takes no Persian letter for a letter (LC_CTYPE C): make it anew with LC_CTYPE C.UTF-8`,
  );
  expect(await query(adminUrl, name, "select to_regclass('outbox') as it")).toEqual([{ it: null }]);
  await query(adminUrl, 'postgres', `drop database ${name}`);
});
