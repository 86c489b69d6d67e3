import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceNames } from '@kelid/contracts/all';
import { simulatorEnvironment } from '@kelid/simulators/environment';
import { freePort, startEmbeddedPostgres } from '@kelid/service/postgres/embedded';
import { type ProvisionedUrls, provisionDatabases } from '@kelid/service/postgres/provision';

const root = join(import.meta.dirname, '../..');
/** One process for all, or one for each service: what works in only one shape is a bug. */
export type Shape = 'one' | 'many';

export interface Shop {
  gatewayUrl: string;
  /** Of a second gateway, where one was asked for. */
  secondGatewayUrl: string;
  /** Of the one-process shape: where its metrics are. */
  internalPort: number;
  shopUrl: string;
  simulatorsUrl: string;
  adminUrl: string;
  urls: ProvisionedUrls;
  env: Record<string, string>;
  folder: string;
  /** Kills a process with SIGKILL and waits for its end; `server` in the one-process shape. */
  kill(name: string): Promise<void>;
  /** The process dies at a failpoint (`name:passing`) from now on. */
  arm(name: string, failpoint: string): void;
  /** Starts a process again, with more environment. */
  start(name: string, env?: Record<string, string>): Promise<void>;
  /** True when a process has ended by itself. */
  hasEnded(name: string): boolean;
  stop(name: string): Promise<void>;
  /** Ends the database at once, as a power cut of its machine would, and starts it again. */
  restartDatabase(): Promise<void>;
  processNames: string[];
  pidOf(name: string): number;
  /** Where a process says whether it is ready. */
  readyUrlOf(name: string): string;
  close(): Promise<void>;
}

interface ShopOptions {
  shape: Shape;
  env?: Record<string, string>;
  firstEnv?: Record<string, string>;
  /** Done to the databases before a server has seen them. */
  prepare?: (urls: ProvisionedUrls) => Promise<void>;
  /** Processes that do the background work; without them the server does it. */
  workerCount?: number;
  isDurable?: boolean;
  /** Starts two gateways over the same services; only with one process per service. */
  hasSecondGateway?: boolean;
  /** Serves the shop's own pages too, built when they are not. */
  hasPages?: boolean;
}

/** A whole shop for a test: its own database, simulators and backend processes, on free ports, in a folder of its own. One that cannot start leaves nothing running. */
export async function startShop(options: ShopOptions): Promise<Shop> {
  const folder = mkdtempSync(join(tmpdir(), 'kelid-e2e-'));
  const closers: (() => Promise<unknown>)[] = [];
  async function close(): Promise<void> {
    for (const closer of closers.splice(0).toReversed()) await closer();
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    const shop = await startIn(folder, options, (closer) => void closers.push(closer));
    return { ...shop, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startIn(
  folder: string,
  options: ShopOptions,
  onClose: (closer: () => Promise<unknown>) => void,
): Promise<Omit<Shop, 'close'>> {
  chmodSync(folder, 0o755); // The account that runs PostgreSQL passes through it.
  mkdirSync(join(folder, 'logs'));
  const [
    gatewayPort,
    internalPort,
    simulatorsPort,
    smtpPort,
    shopPort,
    secondPort,
    secondInternalPort,
    ...servicePorts
  ] = await Promise.all(Array.from({ length: 7 + serviceNames.length }, freePort));
  const startDatabase = (port: number) =>
    startEmbeddedPostgres({ dataFolder: join(folder, 'postgres'), port, isDurable: options.isDurable ?? false });
  let postgres = await startDatabase(0);
  onClose(() => postgres.stop());
  const secretOf = (name: string) => createHash('sha256').update(`e2e ${name}`).digest('base64url');
  const urls = await provisionDatabases({
    adminUrl: postgres.adminUrl,
    services: serviceNames,
    passwordOf: (role) => secretOf(role),
  });
  await options.prepare?.(urls);
  const gatewayUrl = `http://localhost:${gatewayPort}`;
  const shopUrl = `http://localhost:${shopPort}`;
  const simulatorsUrl = `http://localhost:${simulatorsPort}`;
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    LOG_LEVEL: 'info',
    SHUTDOWN_WAIT_MS: '0',
    FAILPOINTS: '',
    // A process that is killed and started all the time reads its code once.
    NODE_COMPILE_CACHE: join(tmpdir(), 'kelid-compile-cache'),
    ...simulatorEnvironment({ url: simulatorsUrl, smtpPort: smtpPort ?? 0, gatewayUrl, secretOf }),
    SERVICE_TOKEN_SECRET: secretOf('service-token'),
    QUEUE_DATABASE_URL: urls.queueUrl,
    PORT: String(gatewayPort),
    GATEWAY_TRUSTED_PROXIES: '127.0.0.1,::1',
    GATEWAY_ANONYMOUS_PER_MINUTE: '100000',
    GATEWAY_USER_PER_MINUTE: '100000',
    // One shopper of a test buys at every bank within a minute.
    ORDERS_PER_MINUTE_MAX: '100000',
    IDENTITY_SECRET: secretOf('identity'),
    INVENTORY_KEK: createHash('sha256').update('kek').digest('base64'),
    INVENTORY_KEK_ID: 'kek-202611',
    INVENTORY_BLIND_INDEX_KEY: createHash('sha256').update('blind').digest('base64'),
    NOTIFICATIONS_SECRET: secretOf('notifications'),
    PAYMENTS_CALLBACK_URL: gatewayUrl,
    PAYMENTS_SHOP_URL: shopUrl,
    NOTIFICATIONS_SHOP_URL: shopUrl,
    GATEWAY_CORS_ORIGINS: shopUrl,
    PAYMENTS_CARD_HASH_SECRET: secretOf('card'),
    // Shoppers of a test buy a whole shop in a day.
    PAYMENTS_DAY_MAX_RIAL: '900000000000,900000000000,900000000000',
    CATALOG_MEDIA_SECRET: secretOf('media'),
    CATALOG_MEDIA_FOLDER: join(folder, 'media'),
    SIMULATORS_PORT: String(simulatorsPort),
    SIMULATORS_SMTP_PORT: String(smtpPort),
    ...options.env,
  };
  for (const [name, { appUrl, ownerUrl }] of Object.entries(urls.services)) {
    env[`${name.toUpperCase()}_DATABASE_URL`] = appUrl;
    env[`${name.toUpperCase()}_MIGRATION_URL`] = ownerUrl;
  }

  const processes = new Map<
    string,
    {
      program: string;
      args?: string[];
      cwd?: string;
      env: Record<string, string>;
      healthUrl: string;
      child?: ChildProcess;
      /** Its last words. */
      said?: string;
    }
  >();
  processes.set('simulators', {
    program: join(root, 'simulators/src/main.ts'),
    env: { NODE_ENV: 'development' },
    healthUrl: `${simulatorsUrl}/health`,
  });
  const server = join(root, 'apps/server/src/main.ts');
  if (options.shape === 'one') {
    const workerCount = options.workerCount ?? 0;
    processes.set('server', {
      program: server,
      env: { SERVICES: 'all', INTERNAL_PORT: String(internalPort), RUN: workerCount > 0 ? 'api' : 'all' },
      healthUrl: `${gatewayUrl}/ready`,
    });
    for (let number = 1; number <= workerCount; number += 1) {
      const port = String(servicePorts[number]);
      processes.set(`worker ${number}`, {
        program: server,
        env: { SERVICES: serviceNames.join(','), INTERNAL_PORT: port, RUN: 'jobs' },
        healthUrl: `http://127.0.0.1:${port}/ready`,
      });
    }
  } else {
    const peerUrls = Object.fromEntries(
      serviceNames.map((name, index) => [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${servicePorts[index]}`]),
    );
    for (const [index, name] of serviceNames.entries()) {
      const port = String(servicePorts[index]);
      processes.set(name, {
        program: server,
        env: { ...peerUrls, SERVICES: name, INTERNAL_PORT: port },
        healthUrl: `http://127.0.0.1:${port}/ready`,
      });
    }
    processes.set('gateway', {
      program: server,
      env: { ...peerUrls, SERVICES: 'gateway', INTERNAL_PORT: String(internalPort) },
      healthUrl: `${gatewayUrl}/ready`,
    });
  }

  const secondGatewayUrl = `http://localhost:${secondPort}`;
  if (options.hasSecondGateway) {
    processes.set('gateway 2', {
      ...find('gateway'),
      env: { ...find('gateway').env, PORT: String(secondPort), INTERNAL_PORT: String(secondInternalPort) },
      healthUrl: `${secondGatewayUrl}/ready`,
    });
  }

  if (options.hasPages) {
    const storefront = join(root, 'apps/storefront');
    const built = spawnSync(process.execPath, [join(storefront, 'build.ts')], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`The shop's pages could not be built: ${built.stdout}${built.stderr}`);
    processes.set('pages', {
      program: join(storefront, 'server.ts'),
      cwd: storefront,
      env: {
        NODE_ENV: 'production',
        NEXT_TELEMETRY_DISABLED: '1',
        SHOP_HOST: 'localhost',
        SHOP_PORT: String(shopPort),
        GATEWAY_URL: `http://127.0.0.1:${gatewayPort}`,
        GATEWAY_PUBLIC_URL: gatewayUrl,
        SHOP_URL: shopUrl,
        BANK_ORIGINS: simulatorsUrl,
      },
      healthUrl: `${shopUrl}/robots.txt`,
    });
  }

  function find(name: string) {
    const found = processes.get(name);
    if (!found) throw new Error(`There is no process ${name}`);
    return found;
  }

  async function start(name: string, more: Record<string, string> = {}): Promise<void> {
    const entry = find(name);
    const log = createWriteStream(join(folder, 'logs', `${name}.log`), { flags: 'a' });
    const child = spawn(process.execPath, [entry.program, ...(entry.args ?? [])], {
      cwd: entry.cwd ?? root,
      env: { ...env, ...entry.env, ...more },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    entry.child = child;
    entry.said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.pipe(log);
      stream?.on('data', (chunk: Buffer) => (entry.said = `${entry.said}${chunk.toString()}`.slice(-2_000)));
    }
    const until = performance.now() + 180_000;
    while (!(await fetch(entry.healthUrl).catch(() => undefined))?.ok) {
      if (child.exitCode !== null) throw new Error(`${name} ended with code ${child.exitCode}: ${entry.said}`);
      if (child.signalCode !== null) return; // A failpoint at start: the test looks at hasEnded.
      if (performance.now() > until) throw new Error(`${name} does not answer`);
      await sleep(30);
    }
  }

  async function end(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { child } = find(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }

  const processNames = [...processes.keys()];
  onClose(() => Promise.all(processNames.map((name) => end(name, 'SIGTERM'))));
  await start('simulators');
  // Services first, then the gateway in front of them.
  await Promise.all(
    processNames
      .filter((name) => name !== 'simulators' && !name.startsWith('gateway') && name !== 'pages')
      .map((name) => start(name, options.firstEnv)),
  );
  const gateways = processNames.filter((name) => name.startsWith('gateway'));
  await Promise.all(gateways.map((name) => start(name, options.firstEnv)));
  if (options.hasPages) await start('pages');

  return {
    gatewayUrl,
    secondGatewayUrl,
    internalPort: internalPort ?? 0,
    shopUrl,
    simulatorsUrl,
    adminUrl: postgres.adminUrl,
    urls,
    env,
    folder,
    processNames,
    pidOf: (name) => find(name).child?.pid ?? 0,
    readyUrlOf: (name) => find(name).healthUrl,
    start,
    arm(name, failpoint) {
      const { child } = find(name);
      if (!child?.connected) throw new Error(`${name} has ended by itself: ${find(name).said ?? ''}`);
      child.send({ failpoints: failpoint });
    },
    kill: (name) => end(name, 'SIGKILL'),
    stop: (name) => end(name, 'SIGTERM'),
    hasEnded(name) {
      const { child } = find(name);
      return child !== undefined && (child.exitCode !== null || child.signalCode !== null);
    },
    async restartDatabase() {
      await postgres.stop('immediate');
      postgres = await startDatabase(postgres.port);
    },
  };
}
