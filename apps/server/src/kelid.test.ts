import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseClient } from '@kelid/service/postgres/client';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@kelid/service/postgres/embedded';
import { roleUrl } from '@kelid/service/postgres/provision';
import { startSimulators } from '@kelid/simulators/simulators';
import { waitFor } from '@kelid/testing/start-service';
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

interface Answer {
  status: number;
  body: { challengeId?: string; accessToken?: string; user?: { roles: string[] } };
}

/** Every call as a browser's: by the gateway. */
async function ask(url: string, method: string, path: string, { body, token = '' }: { body?: object; token?: string }) {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, body: await response.json() } as Answer;
}

test('H62 PL-14: with an admin of a server who is no superuser, commands make the databases and the first admin, who signs in at the gateway', async () => {
  const place = mkdtempSync(join(tmpdir(), 'kelid-server-'));
  chmodSync(place, 0o755);
  const server = await startEmbeddedPostgres({ dataFolder: join(place, 'postgres'), port: 0, isDurable: false });
  const simulators = await startSimulators({ port: 0, smtpPort: 0 });
  let backend: ChildProcess | undefined;
  try {
    const superuser = new DatabaseClient({ connectionString: server.adminUrl });
    await superuser.connect();
    await superuser.query("create role keeper login createrole createdb password 'of the keeper'");
    await superuser.end();
    const secret = 'a secret of thirty-two characters or more';
    const made = {
      ADMIN_DATABASE_URL: roleUrl(server.adminUrl, 'keeper', 'of the keeper', 'postgres'),
      DATABASE_SECRET: secret,
    };
    const provisioned = { code: 0, output: expect.stringContaining('are there') };
    expect(await kelidIn(made, 'db', 'provision')).toEqual(provisioned);
    expect(await kelidIn(made, 'db', 'provision'), 'again').toEqual(provisioned);

    const address = new URL(server.adminUrl);
    address.username = '';
    address.password = '';
    const key = (name: string) => createHash('sha256').update(name).digest('base64');
    const env = {
      DATABASE_URL: address.href,
      DATABASE_SECRET: secret,
      SERVICE_TOKEN_SECRET: key('service token'),
      IDENTITY_SECRET: key('identity'),
      CATALOG_MEDIA_SECRET: key('media'),
      INVENTORY_KEK: key('kek'),
      INVENTORY_KEK_ID: 'kek-202611',
      INVENTORY_BLIND_INDEX_KEY: key('blind'),
      NOTIFICATIONS_SECRET: key('notifications'),
      NOTIFICATIONS_KAVENEGAR_URL: `${simulators.url}/kavenegar`,
      PAYMENTS_CARD_HASH_SECRET: key('cards'),
      PORT: '0',
      INTERNAL_PORT: '0',
      SHUTDOWN_WAIT_MS: '0',
    };
    const migrated = { code: 0, output: expect.stringContaining('orders: at the newest') };
    expect(await kelidIn(env, 'db', 'migrate')).toEqual(migrated);
    const phone = '09121234567';
    expect(await kelidIn(env, 'roles', 'set', phone, 'admin', '--reason', 'the owner')).toMatchObject({ code: 0 });

    backend = fork(join(import.meta.dirname, 'main.ts'), { env: { PATH: process.env['PATH'], ...env }, silent: true });
    const url = await new Promise<string>((ready, failed) => {
      backend?.once('message', ({ gatewayUrl }: { gatewayUrl: string }) => ready(gatewayUrl));
      backend?.once('exit', (code) => failed(new Error(`The backend ended with ${code}`)));
    });
    const signIn = async (number: string): Promise<Answer> => {
      const { body } = await ask(url, 'POST', '/auth/otp/request', { body: { phone: number } });
      const sent = await waitFor('the SMS', async () => {
        const { items } = (await (await fetch(`${simulators.url}/sms?phone=${number}`)).json()) as {
          items: { text: string }[];
        };
        return /#(\d{6})/.exec(items[0]?.text ?? '')?.[1];
      });
      return ask(url, 'POST', '/auth/otp/verify', { body: { challengeId: body.challengeId, code: sent } });
    };
    const owner = await signIn(phone);
    expect(owner.body.user?.roles).toContain('admin');
    const ofStaff = '/admin/payment-attempts';
    expect((await ask(url, 'GET', ofStaff, { token: owner.body.accessToken ?? '' })).status).toBe(200);
    const hold = {
      code: 0,
      output: expect.stringMatching(/identity: (\d+) of \1 promises hold\n[^]*orders: (\d+) of \2 /),
    };
    expect(await kelidIn(env, 'db', 'check')).toEqual(hold);
    const somebody = await signIn('09127654321');
    expect((await ask(url, 'GET', ofStaff, { token: somebody.body.accessToken ?? '' })).status).toBe(403);

    const rows = new DatabaseClient({
      connectionString: roleUrl(server.adminUrl, 'keeper', 'of the keeper', 'kelid_identity'),
    });
    await rows.connect();
    await rows.query("update users set roles = '{admin}'"); // By nobody's word.
    await rows.end();
    expect(await kelidIn(env, 'db', 'check')).toEqual({
      code: 1,
      output: expect.stringMatching(/identity: BROKEN in 1 places, I24: [^]*orders: (\d+) of \1 promises hold/),
    });
  } finally {
    if (backend && backend.exitCode === null) {
      const ended = new Promise((done) => backend?.once('exit', done));
      backend.kill('SIGTERM');
      await ended;
    }
    await simulators.close();
    await server.stop();
    rmSync(place, { recursive: true, force: true });
  }
}, 240_000);
