import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
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
  const first = await start(folder);
  await query(first, 'create table kept as select 42 as answer');
  const second = await start(folder); // The first is still running, as after kill -9 of its parent.
  expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a postmaster that was killed with SIGKILL starts again from its log', async () => {
  const folder = newFolder();
  const first = await start(folder);
  await query(first, 'create table kept as select 42 as answer');
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
