import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, expect, test, vi } from 'vitest';
import { type EmbeddedPostgres, PortTakenError, startEmbeddedPostgres } from './embedded.ts';

const folders: string[] = [];
const running: EmbeddedPostgres[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((postgres) => postgres.stop().catch(() => undefined)));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(mode = 0o755): string {
  const folder = mkdtempSync(join(tmpdir(), 'kelid-embedded-'));
  spawnSync('chmod', [mode.toString(8), folder]);
  folders.push(folder);
  return join(folder, 'postgres');
}

async function start(dataFolder: string, port = 0): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataFolder, port });
  running.push(postgres);
  return postgres;
}

/** A process that starts the folder's database, writes into it and is killed: what it started runs on. */
async function leaveRunning(folder: string): Promise<void> {
  const code = `
    import { DatabaseClient } from './client.ts';
    import { startEmbeddedPostgres } from './embedded.ts';
    const { adminUrl } = await startEmbeddedPostgres({ dataFolder: process.argv[1], port: 0 });
    const client = new DatabaseClient({ connectionString: adminUrl });
    await client.connect();
    await client.query('create table kept as select 42 as answer');
    process.kill(process.pid, 'SIGKILL');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, folder], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  expect((await once(child, 'exit'))[1]).toBe('SIGKILL');
}

async function query(postgres: EmbeddedPostgres, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: postgres.adminUrl });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(text);
  await client.end();
  return rows;
}

test('the embedded database is durable, and a second start finds the data of the first', async () => {
  const folder = newFolder();
  const first = await start(folder);
  expect(await query(first, 'show fsync')).toEqual([{ fsync: 'on' }]);
  await query(first, 'create table kept as select 42 as answer');
  await first.stop();
  const second = await start(folder);
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a postmaster that a killed parent left running is ended, and its committed data are there', async () => {
  const folder = newFolder();
  await leaveRunning(folder);
  const second = await start(folder);
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

/** What another process of this machine is told that wants to use the folder, and then ends what it holds. */
function elsewhere(folder: string, joins: boolean): string {
  const code = `
    import { startEmbeddedPostgres } from './embedded.ts';
    const postgres = await startEmbeddedPostgres({ dataFolder: process.argv[1], port: 0, joins: ${joins} }).catch((error) => {
      console.log(error.message);
      process.exit();
    });
    await postgres.stop();
    console.log(postgres.isJoined ? 'joined and left' : 'started and stopped', postgres.port);
    process.exit();`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', code, folder], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  return (child.stdout + child.stderr).trim();
}

test('a command joins the database of a running shop and leaves it running; a second shop in the folder is refused by name', async () => {
  const folder = newFolder();
  const shop = await start(folder);
  await query(shop, 'create table kept as select 42 as answer');
  expect(elsewhere(folder, true)).toBe(`joined and left ${shop.port}`);
  expect(elsewhere(folder, false)).toBe(`The database of this folder is in use by process ${process.pid}`);
  expect(await query(shop, 'select answer from kept')).toEqual([{ answer: 42 }]);
  await shop.stop();
  expect(elsewhere(folder, true)).toMatch(/^started and stopped/);
});

test('a database that is killed under a running shop is said and started again by itself, with all that was committed', async () => {
  const folder = newFolder();
  const said: string[] = [];
  const shop = await startEmbeddedPostgres({ dataFolder: folder, port: 0, say: (line) => said.push(line) });
  running.push(shop);
  await query(shop, 'create table kept as select 42 as answer');
  process.kill(Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL');
  await vi.waitFor(async () => expect(await query(shop, 'select answer from kept')).toEqual([{ answer: 42 }]), 25_000);
  // It answers a query a moment before it is told that it does.
  const told = ['The database has ended by itself; it is started again.', 'The database answers again.'];
  await vi.waitFor(() => expect(said).toEqual(told), 25_000);
});

test('a postmaster that was killed with SIGKILL starts again from its log', async () => {
  const folder = newFolder();
  await leaveRunning(folder);
  process.kill(Number(readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL');
  const second = await start(folder);
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a taken port is named', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => squatter.once('listening', done));
  const address = squatter.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  await expect(start(newFolder(), port)).rejects.toThrow(new PortTakenError(port).message);
  squatter.close();
});

test.skipIf(process.getuid?.() !== 0)('root may keep the shop in a folder that is closed to others', async () => {
  const said: string[] = [];
  const postgres = await startEmbeddedPostgres({
    dataFolder: newFolder(0o700),
    port: 0,
    say: (line) => said.push(line),
  });
  running.push(postgres);
  expect(said).toHaveLength(1);
  folders.push(/its data are in (\/var\/tmp\/kelid-\w+)$/.exec(said[0] ?? '')?.[1] ?? '');
  expect(folders.at(-1)).not.toBe('');
  expect(await query(postgres, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test.skipIf(process.getuid?.() !== 0)(
  'an ordinary user starts it in a folder of its own, and the files are that user’s alone',
  async () => {
    const dataFolder = newFolder(0o777);
    const code = `
    import { startEmbeddedPostgres } from './embedded.ts';
    const postgres = await startEmbeddedPostgres({ dataFolder: process.argv[1], port: 0 });
    await postgres.stop();
    console.log('started and stopped as', process.getuid());`;
    const nobody = 65_534;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', code, dataFolder], {
      cwd: import.meta.dirname,
      uid: nobody,
      gid: nobody,
      encoding: 'utf8',
    });
    expect(child.stdout, child.stderr).toContain(`started and stopped as ${nobody}`);
    expect(statSync(`${dataFolder}.password`)).toMatchObject({ uid: nobody, mode: 0o100600 });
    expect(statSync(dataFolder)).toMatchObject({ uid: nobody, mode: 0o40700 });
  },
);
