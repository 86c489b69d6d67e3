import { createReadStream, createWriteStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { serviceNames } from '@kelid/contracts/all';
import { ProblemError, Role } from '@kelid/contracts/contract';
import { LineFormat } from '@kelid/contracts/inventory';
import { presentOnly } from '@kelid/service/environment';
import { type Host, startHost } from '@kelid/service/host';
import { newId } from '@kelid/service/ids';
import { invariantsBeside, wholeStatement } from '@kelid/service/invariants';
import { createPeers } from '@kelid/service/peers';
import { migrateDatabase } from '@kelid/service/migrate';
import { DatabaseClient } from '@kelid/service/postgres/client';
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
  db check                            hold every promise of the databases against all rows; tells what is broken
  demo load                           fill the shop with demo products and keys; safe to repeat
  keys import FILE --sku SKU [--label TEXT] [--format code|code-pin|codes] [--any-format] [--reject-duplicates]
                   [--dry-run] [--verdicts CSV]
                                      add product keys, one unit a line; --verdicts tells what was not imported, and why
  keys freeze --reason TEXT           take every unsold product key off sale, batch by batch, until staff open it again
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
  if (command === 'db check') return check();
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

/** Every statement of the services' invariants.sql, over all there is. */
async function check(): Promise<void> {
  for (const { contract, migrationsFolder } of allServices) {
    const name: string = contract.name;
    if (!existsSync(join(migrationsFolder, '../invariants.sql'))) continue;
    const client = new DatabaseClient({ connectionString: env[`${name.toUpperCase()}_DATABASE_URL`] });
    await client.connect();
    try {
      await client.query('begin isolation level repeatable read read only');
      const invariants = await invariantsBeside(migrationsFolder);
      let brokenCount = 0;
      for (const invariant of invariants) {
        const { rows } = await client.query(wholeStatement(invariant));
        if (rows.length === 0) continue;
        brokenCount += 1;
        console.log(`${name}: BROKEN in ${rows.length} places, ${invariant.id}: ${invariant.sentence}`);
        console.log(rows.slice(0, 10));
      }
      console.log(`${name}: ${invariants.length - brokenCount} of ${invariants.length} promises hold`);
      if (brokenCount > 0) process.exitCode = 1;
    } finally {
      await client.end();
    }
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

const callMs = 600_000;
/** The services as a command asks them: nobody waits for it as a shopper does. */
const servicesOf = (host: Host) =>
  createPeers(host.call, { ...host.contextOf('command'), signal: AbortSignal.timeout(callMs) }, callMs);

const partLines = 5_000;

/** Sends a file part by part: of any size, it is never in memory as a whole. */
async function importKeys(host: Host): Promise<void> {
  const [file] = rest;
  if (!file || !values.sku) throw new Error('Name the file and its --sku');
  const importId = newId();
  await servicesOf(host).inventory.startKeyImport({
    importId,
    sku: values.sku,
    label: values.label,
    lineFormat: LineFormat.parse(values.format),
    takesAnyFormat: values['any-format'],
    onDuplicate: values['reject-duplicates'] ? 'reject' : 'skip',
    dryRun: values['dry-run'],
  });
  let firstLine = 1;
  let lines: string[] = [];
  const send = async () => {
    if (lines.length > 0) await servicesOf(host).inventory.addKeyImportLines({ importId, firstLine, lines });
    firstLine += lines.length;
    lines = [];
    if (process.stderr.isTTY) process.stderr.write(`\r${firstLine - 1} lines`);
  };
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    lines.push(line);
    if (lines.length === partLines) await send();
  }
  await send();
  await servicesOf(host).inventory.finishKeyImport({ importId });
  let report = await servicesOf(host).inventory.getKeyImport({ importId });
  while (report.status === 'storing') {
    await host.sweep('inventory', 'follow-imports');
    report = await servicesOf(host).inventory.getKeyImport({ importId });
  }
  if (values.verdicts) await writeVerdicts(host, importId, values.verdicts);
  console.log(JSON.stringify(report, null, 2));
  if (report.status === 'refused') process.exitCode = 1;
}

/** One line of CSV for each line of the file that was not imported. */
async function writeVerdicts(host: Host, importId: string, file: string): Promise<void> {
  const out = createWriteStream(file);
  out.write('line,verdict,masked\n');
  for (let afterLine: number | null = 0; afterLine !== null;) {
    const input = { importId, afterLine, limit: partLines };
    const { items, nextLine } = await servicesOf(host).inventory.listKeyImportVerdicts(input);
    for (const { line, reason: verdict, masked } of items) out.write(`${line},${verdict},${masked}\n`);
    afterLine = nextLine;
  }
  await new Promise<void>((done) => out.end(done));
}

/** After a restore nobody knows which of them were sold since the backup. */
async function freezeKeys(host: Host): Promise<void> {
  let [batchCount, keyCount, cursor] = [0, 0, undefined as string | undefined];
  do {
    const { inventory } = servicesOf(host);
    const page = await inventory.listKeyBatches({ limit: 100, ...(cursor ? { cursor } : {}) });
    for (const { id: batchId } of page.items) {
      const frozen = await inventory.updateKeyBatch({ batchId, status: 'frozen', reason: reason() });
      keyCount += frozen.movedCount;
      batchCount += 1;
    }
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  console.log(`${keyCount} unsold product keys of ${batchCount} batches are off sale.`);
}

function userByPhone(host: Host) {
  const [phone = ''] = rest;
  return servicesOf(host).identity.ensureUser({ phone });
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
  'keys freeze': freezeKeys,
  'roles set': async (host) => {
    const user = await userByPhone(host);
    const changed = await servicesOf(host).identity.setUserRoles({
      userId: user.id,
      roles: Role.array().parse((rest[1] ?? '').split(',')),
      reason: reason(),
    });
    console.log(JSON.stringify(changed));
  },
  'users ban': async (host) => {
    const user = await userByPhone(host);
    const { identity } = servicesOf(host);
    const banned = await identity.setUserStatus({ userId: user.id, status: 'banned', reason: reason() });
    console.log(JSON.stringify(banned));
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
  else if (command === 'db migrate' || command === 'db check' || commands[command]) await runOnDatabases();
  else {
    console.log(usage);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof ProblemError ? `${error.title} (${error.code}) ${JSON.stringify(error.data)}` : error);
  process.exitCode = 1;
}
