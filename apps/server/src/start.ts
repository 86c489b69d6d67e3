import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EmbeddedPostgres, findOwner, isFree } from '@kelid/service/postgres/embedded';
import { startEmbedded } from './embedded.ts';
import { keepRunning, type Part } from './parts.ts';
import { dataFolder, ports } from './settings.ts';

// `npm start`: the whole shop on this machine. A database, the backend, the simulators and the shop's pages, each its own process;
// the demo data on the first start. Ctrl-C ends all of it, in the order that loses nothing.

const root = join(import.meta.dirname, '../../..');
const storefront = join(root, 'apps/storefront');
const children: ChildProcess[] = [];
let postgres: EmbeddedPostgres | undefined;
let isStopping = false;

const portVariables: [number, string][] = [
  [ports.shop, 'SHOP_PORT'],
  [ports.gateway, 'PORT'],
  [ports.internal, 'INTERNAL_PORT'],
  [ports.simulators, 'SIMULATORS_PORT'],
  [ports.mail, 'SIMULATORS_SMTP_PORT'],
];

process.once('SIGINT', () => void stop(0));
process.once('SIGTERM', () => void stop(0));
try {
  await start();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  await stop(1);
}

async function start(): Promise<void> {
  const owner = findOwner(join(dataFolder, 'postgres'));
  if (owner !== undefined)
    throw new Error(
      `The shop of ${dataFolder} is running already, or a command is at work on it (process ${owner}). One folder has one shop; another is started with DATA_FOLDER and other ports.`,
    );
  for (const [port, variable] of portVariables) await refuseTakenPort(port, variable);
  console.log('Kelid is starting…');
  const isFirstStart = !existsSync(join(dataFolder, 'demo-loaded'));
  const embedded = await startEmbedded((line) => console.log(line)).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'PortTakenError')
      throw new Error(takenMessage(ports.postgres, 'POSTGRES_PORT'), { cause: error });
    throw error;
  });
  postgres = embedded.postgres;
  await Promise.all([
    startPart({
      name: 'simulators',
      start: () =>
        run('simulators', join(root, 'simulators/src/main.ts'), [], {
          ...embedded.env,
          SIMULATORS_PORT: String(ports.simulators),
          SIMULATORS_SMTP_PORT: String(ports.mail),
        }),
      answers: (child) => answers(child, `http://127.0.0.1:${ports.simulators}/health`),
    }),
    startPart({
      name: 'server',
      start: () => run('server', join(import.meta.dirname, 'main.ts'), [], embedded.env),
      answers: (child) => answers(child, `http://127.0.0.1:${ports.gateway}/ready`),
    }),
  ]);
  console.log(`The API answers at http://localhost:${ports.gateway}`);

  if (isFirstStart) {
    console.log('First start: loading the demo shop…');
    await finished(run('demo', join(import.meta.dirname, 'kelid.ts'), ['demo', 'load'], embedded.env));
    mkdirSync(dataFolder, { recursive: true });
    writeFileSync(join(dataFolder, 'demo-loaded'), new Date().toISOString());
  }
  await finished(run('build', join(storefront, 'build.ts'), [], shopEnvironment(embedded.env)));
  await startPart({
    name: 'shop',
    start: () => run('shop', join(storefront, 'server.ts'), [], shopEnvironment(embedded.env), storefront),
    answers: (child) => answers(child, `http://localhost:${ports.shop}/robots.txt`),
  });
  console.log(`
  Shop         http://localhost:${ports.shop}
  API          http://localhost:${ports.gateway}/docs
  Simulators   http://localhost:${ports.simulators}  (banks, SMS, e-mail)

  Sign in with any Iranian mobile number, for example 0912 000 0001.
  Read its SMS at http://localhost:${ports.simulators}/inbox/sms

  Ctrl-C stops everything. The data stay in ${dataFolder}
`);
}

/** Starts a part, waits for its first answer, and keeps it running from then on. */
async function startPart(part: Part): Promise<void> {
  const child = part.start();
  await part.answers(child);
  keepRunning(part, child, { say: console.error, isStopping: () => isStopping, giveUp: () => void stop(1) });
}

function shopEnvironment(env: Record<string, string>): Record<string, string> {
  // The shop's own process needs two addresses and no secret of the backend.
  return {
    PATH: env['PATH'] ?? '',
    HOME: env['HOME'] ?? '',
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    SHOP_HOST: 'localhost',
    SHOP_PORT: String(ports.shop),
    GATEWAY_URL: `http://127.0.0.1:${ports.gateway}`,
    GATEWAY_PUBLIC_URL: `http://localhost:${ports.gateway}`,
    SHOP_URL: `http://localhost:${ports.shop}`,
    BANK_ORIGINS: `http://localhost:${ports.simulators}`,
  };
}

function run(name: string, program: string, args: string[], env: Record<string, string>, cwd = root): ChildProcess {
  // Out of the terminal's process group: Ctrl-C reaches this process alone, which then stops the others in order.
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const isQuiet = name === 'shop' || name === 'simulators';
  let tail = '';
  const keep = (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-6_000);
    if (!isQuiet) process.stdout.write(chunk);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  child.once('exit', (code) => {
    if (code !== 0 && code !== null && !isStopping && isQuiet)
      console.error(`${name} ended with code ${code}:\n${tail}`);
  });
  children.push(child);
  return child;
}

async function finished(child: ChildProcess): Promise<void> {
  const code = await new Promise<number | null>((done) => child.once('exit', done));
  if (code !== 0) throw new Error(`A step of the start failed with code ${code}`);
}

async function answers(child: ChildProcess, url: string): Promise<void> {
  const until = performance.now() + 120_000;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error('A part of the shop ended before it answered');
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    if (performance.now() > until) throw new Error(`${url} does not answer`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

async function refuseTakenPort(port: number, variable: string): Promise<void> {
  if (!(await isFree(port))) throw new Error(takenMessage(port, variable));
}

function takenMessage(port: number, variable: string): string {
  return `Port ${port} is taken by another program. Free it, or choose another with ${variable}, for example: ${variable}=${port + 100} npm start`;
}

async function stop(code: number): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
  const ended = running.map((child) => new Promise((done) => child.once('exit', done)));
  for (const child of running) child.kill('SIGTERM');
  const patience = setTimeout(() => running.forEach((child) => child.kill('SIGKILL')), 35_000);
  await Promise.all(ended);
  clearTimeout(patience);
  await postgres?.stop();
  process.exit(code);
}
