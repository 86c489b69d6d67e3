import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseClient } from '@kelid/service/postgres/client';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@kelid/service/postgres/embedded';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'kelid-command-'));
chmodSync(folder, 0o755); // The account that runs PostgreSQL passes through it.
let postgres: EmbeddedPostgres | undefined;
afterAll(async () => {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** `npm run kelid -- …` in the shop's folder, as its keeper types it. */
async function kelid(...args: string[]): Promise<{ code: number | null; output: string }> {
  return kelidIn({}, ...args);
}

async function kelidIn(
  more: Record<string, string>,
  ...args: string[]
): Promise<{ code: number | null; output: string }> {
  const env = {
    ...more,
    PATH: process.env['PATH'],
    DATA_FOLDER: folder,
    POSTGRES_PORT: '0',
  };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'kelid.ts'), ...args], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once('exit', done));
  return { code, output };
}

test('the usage touches no database; a command works beside the running shop and leaves its database running', async () => {
  expect(await kelid()).toMatchObject({ code: 1, output: expect.stringContaining('npm run kelid -- COMMAND') });
  expect(existsSync(join(folder, 'postgres'))).toBe(false);

  // While no shop runs, a command starts the database for as long as it takes.
  const done = { code: 0, output: expect.stringContaining('orders: at the newest') };
  expect(await kelid('db', 'migrate')).toEqual(done);
  expect(existsSync(join(folder, 'postgres/postmaster.pid'))).toBe(false);

  postgres = await startEmbeddedPostgres({ dataFolder: join(folder, 'postgres'), port: 0, isDurable: false });
  const shop = new DatabaseClient({ connectionString: postgres.adminUrl });
  await shop.connect();
  expect(await kelid('db', 'migrate')).toEqual(done);
  expect(await kelid()).toMatchObject({ code: 1 });
  // The shop's own connection was open all along.
  const { rows } = await shop.query<{ count: number }>(
    "select count(*)::int from pg_database where datname ~ '^kelid_'",
  );
  expect(rows[0]?.count).toBeGreaterThan(5);
  await shop.end();
}, 150_000);

test('PL-14: one address of a server and one secret are enough: its databases are made by a command and used by the next', async () => {
  const server = new URL(postgres?.adminUrl ?? '');
  const secret = 'a secret of thirty-two characters or more';
  const made = { ADMIN_DATABASE_URL: server.href, DATABASE_SECRET: secret };
  expect(await kelidIn({ ...made, DATABASE_SECRET: 'short' }, 'db', 'provision')).toMatchObject({
    code: 1,
    output: expect.stringContaining('DATABASE_SECRET is missing'),
  });
  expect(await kelidIn(made, 'db', 'provision')).toMatchObject({
    code: 0,
    output: expect.stringContaining('are there'),
  });
  server.username = '';
  server.password = '';
  const used = { DATABASE_URL: server.href, DATABASE_SECRET: secret };
  const migrated = { code: 0, output: expect.stringContaining('orders: at the newest') };
  expect(await kelidIn(used, 'db', 'migrate')).toEqual(migrated);
}, 150_000);
