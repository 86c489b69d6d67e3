import { createReadStream, createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { serviceNames } from '@kelid/contracts/all';
import { ProblemError, Role } from '@kelid/contracts/contract';
import { type Host, presentOnly, startHost } from '@kelid/service/host';
import { newId } from '@kelid/service/ids';
import { migrateDatabase } from '@kelid/service/migrate';
import { passwordFrom, provisionDatabases, withDatabaseUrls } from '@kelid/service/postgres/provision';
import { startEmbedded } from './embedded.ts';
import { loadDemo } from './demo.ts';
import { completeEnvExample } from './env-example.ts';
import { sendPaymentWebhook } from './send-webhook.ts';
import { allServices } from './services.ts';

const usage = `npm run kelid -- COMMAND

  env example                         write .env.example anew, with every setting that the code knows
  db provision                        make the databases and roles of all services on the server of ADMIN_DATABASE_URL, with
                                      passwords from DATABASE_SECRET; safe to repeat
  db migrate                          bring every service's database forward
  demo load                           fill the shop with demo products and keys; safe to repeat
  keys import FILE --sku SKU [--label TEXT] [--format code|code-pin|codes] [--any-format] [--reject-duplicates]
                   [--dry-run] [--verdicts CSV]
                                      add product keys, one unit a line; --verdicts tells what was not imported, and why
  roles set PHONE ROLE[,ROLE] --reason TEXT
                                      give an account its roles (customer, seller, support, developer, admin)
  payments send-webhook ATTEMPT --amount-rial N [--reference TEXT] [--failed] [--seconds-old N]
                                      tell a running shop of a payment, as its partner gateway would, signed
  users ban PHONE --reason TEXT       close an account and end its sessions

Databases are those of the environment (ORDERS_DATABASE_URL and so on); without them, those of this folder's shop, beside it while it runs.`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    sku: { type: 'string' },
    label: { type: 'string', default: 'import' },
    reason: { type: 'string' },
    'reject-duplicates': { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    format: { type: 'string', default: 'code' },
    'any-format': { type: 'boolean', default: false },
    verdicts: { type: 'string' },
    'amount-rial': { type: 'string', default: '0' },
    reference: { type: 'string' },
    failed: { type: 'boolean', default: false },
    'seconds-old': { type: 'string', default: '0' },
  },
});
const [area = '', verb = '', ...rest] = positionals;

const command = `${area} ${verb}`;
let env = withDatabaseUrls(presentOnly(process.env), serviceNames);

async function runCommand(): Promise<void> {
  if (command === 'db migrate') {
    for (const name of serviceNames) {
      const service = allServices.find((candidate) => candidate.contract.name === name);
      const url = env[`${name.toUpperCase()}_MIGRATION_URL`] ?? env[`${name.toUpperCase()}_DATABASE_URL`];
      if (!service || !url) throw new Error(`${name.toUpperCase()}_DATABASE_URL is missing`);
      await migrateDatabase(url, service.migrationsFolder);
      console.log(`${name}: at the newest migration`);
    }
    return;
  }
  const run = commands[command];
  if (!run) throw new Error(`There is no command ${command}`);
  // Events that a command publishes wait in the outbox for the shop's own relay.
  const host = await startHost({
    services: allServices,
    env: { ...env, RUN: 'api', INTERNAL_PORT: '0', LOG_LEVEL: 'error' },
  });
  try {
    await run(host);
  } finally {
    await host.close();
  }
}

async function provision(): Promise<void> {
  const { ADMIN_DATABASE_URL: adminUrl, DATABASE_SECRET: secret } = env;
  if (!adminUrl)
    throw new Error('ADMIN_DATABASE_URL is missing: the address of the server, as a role that may make roles');
  if (!secret || secret.length < 32) throw new Error('DATABASE_SECRET is missing, or shorter than 32 characters');
  await provisionDatabases({ adminUrl, services: serviceNames, passwordOf: passwordFrom(secret) });
  console.log(
    'Databases and roles are there. Start the backend with DATABASE_URL (the server, without a role) and the same DATABASE_SECRET.',
  );
}

/** It goes over the network and needs no database. */
async function sendWebhook(): Promise<void> {
  const answer = await sendPaymentWebhook({
    attemptId: rest[0] ?? '',
    amountRial: Number(values['amount-rial']),
    reference: values.reference ?? `cli-${Date.now()}`,
    hasFailed: values.failed,
    secondsOld: Number(values['seconds-old']),
  });
  console.log(`${answer.status} ${answer.body}`);
  if (answer.status !== 202) process.exitCode = 1;
}

const User = z.object({ id: z.string(), phone: z.string(), roles: z.array(Role) });

async function call(host: Host, service: string, operation: string, input: unknown): Promise<unknown> {
  return (
    await host.call(service, operation, input, { ...host.contextOf('command'), signal: AbortSignal.timeout(600_000) })
  ).output;
}

const KeyImport = z.object({
  importId: z.string(),
  status: z.string(),
  lineCount: z.int(),
  importedCount: z.int(),
  duplicateCount: z.int(),
  invalidCount: z.int(),
});
const Verdicts = z.object({
  items: z.array(z.object({ line: z.int(), reason: z.string(), masked: z.string() })),
  nextLine: z.int().nullable(),
});
const partLines = 5_000;

/** Sends a file part by part: of any size, it is never in memory as a whole. */
async function importKeys(host: Host): Promise<void> {
  const [file] = rest;
  if (!file || !values.sku) throw new Error('Name the file and its --sku');
  const inventory = (operation: string, input: object) => call(host, 'inventory', operation, input);
  const importId = newId();
  await inventory('startKeyImport', {
    importId,
    sku: values.sku,
    label: values.label,
    lineFormat: values.format,
    takesAnyFormat: values['any-format'],
    onDuplicate: values['reject-duplicates'] ? 'reject' : 'skip',
    dryRun: values['dry-run'],
  });
  let firstLine = 1;
  let lines: string[] = [];
  const send = async () => {
    if (lines.length > 0) await inventory('addKeyImportLines', { importId, firstLine, lines });
    firstLine += lines.length;
    lines = [];
    if (process.stderr.isTTY) process.stderr.write(`\r${firstLine - 1} lines`);
  };
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    lines.push(line);
    if (lines.length === partLines) await send();
  }
  await send();
  await inventory('finishKeyImport', { importId });
  let report = KeyImport.parse(await inventory('getKeyImport', { importId }));
  while (report.status === 'storing') {
    await host.sweep('inventory', 'follow-imports');
    report = KeyImport.parse(await inventory('getKeyImport', { importId }));
  }
  if (values.verdicts) await writeVerdicts(inventory, importId, values.verdicts);
  console.log(JSON.stringify(report, null, 2));
  if (report.status === 'refused') process.exitCode = 1;
}

/** One line of CSV for each line of the file that was not imported. */
async function writeVerdicts(
  inventory: (operation: string, input: object) => Promise<unknown>,
  importId: string,
  file: string,
): Promise<void> {
  const out = createWriteStream(file);
  out.write('line,verdict,masked\n');
  for (let afterLine: number | null = 0; afterLine !== null;) {
    const page = Verdicts.parse(await inventory('listKeyImportVerdicts', { importId, afterLine, limit: partLines }));
    for (const { line, reason: verdict, masked } of page.items) out.write(`${line},${verdict},${masked}\n`);
    afterLine = page.nextLine;
  }
  await new Promise<void>((done) => out.end(done));
}

async function userByPhone(host: Host): Promise<z.infer<typeof User>> {
  const [phone = ''] = rest;
  return User.parse(await call(host, 'identity', 'ensureUser', { phone }));
}

function reason(): string {
  if (!values.reason) throw new Error('Say why with --reason');
  return values.reason;
}

const commands: Record<string, ((host: Host) => Promise<void>) | undefined> = {
  'demo load': async (host) => {
    const { productCount, keyCount } = await loadDemo(host);
    console.log(`The demo shop has ${productCount} products; ${keyCount} product keys were added.`);
  },
  'keys import': importKeys,
  'roles set': async (host) => {
    const user = await userByPhone(host);
    const changed = await call(host, 'identity', 'setUserRoles', {
      userId: user.id,
      roles: (rest[1] ?? '').split(','),
      reason: reason(),
    });
    console.log(JSON.stringify(changed));
  },
  'users ban': async (host) => {
    const user = await userByPhone(host);
    console.log(
      JSON.stringify(
        await call(host, 'identity', 'setUserStatus', { userId: user.id, status: 'banned', reason: reason() }),
      ),
    );
  },
};

/** Runs it on the databases of the environment, or on those of this folder: of the shop that runs, or started for as long as it takes. */
async function runOnDatabases(): Promise<void> {
  if (env['ORDERS_DATABASE_URL'] !== undefined) return runCommand();
  const embedded = await startEmbedded((line) => console.log(line), true);
  env = embedded.env;
  try {
    await runCommand();
  } finally {
    await embedded.postgres.stop();
  }
}

try {
  if (command === 'env example') {
    const file = join(import.meta.dirname, '../../../.env.example');
    writeFileSync(file, completeEnvExample(readFileSync(file, 'utf8')));
  } else if (command === 'db provision') await provision();
  else if (command === 'payments send-webhook') await sendWebhook();
  else if (command === 'db migrate' || commands[command]) await runOnDatabases();
  else {
    console.log(usage);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof ProblemError ? `${error.title} (${error.code}) ${JSON.stringify(error.data)}` : error);
  process.exitCode = 1;
}
