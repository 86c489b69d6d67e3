import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateDatabase } from '@kelid/service/migrate';
import { functionsBeside } from '@kelid/service/sql-functions';
import { prepareDatabase, roleUrl } from '@kelid/service/postgres/provision';
import pg from 'pg';
import { inject } from 'vitest';

export function testPassword(role: string): string {
  return `password of ${role}`;
}

export interface TestDatabase {
  appUrl: string;
  ownerUrl: string;
  drop(): Promise<void>;
}

/** A database of this test file, cloned from a template that was migrated once per state of the migrations and functions. */
export async function createTestDatabase(
  service: string,
  options: { migrationsFolder: string },
): Promise<TestDatabase> {
  const template = await ensureTemplate(service, options.migrationsFolder);
  return cloneDatabase(service, template);
}

export function createTestQueueDatabase(): Promise<TestDatabase> {
  return cloneDatabase('queue', 'kelid_queue');
}

async function cloneDatabase(service: string, template: string): Promise<TestDatabase> {
  const adminUrl = inject('adminUrl');
  const name = `t_${service}_${process.pid}_${randomBytes(4).toString('hex')}`;
  await asAdmin(adminUrl, async (admin) => {
    await admin.query(`create database ${name} owner ${service}_owner template ${template}`);
    await admin.query(
      `revoke connect, temporary on database ${name} from public; grant connect on database ${name} to ${service}_owner, ${service}_app`,
    );
  });
  return {
    appUrl: roleUrl(adminUrl, `${service}_app`, testPassword(`${service}_app`), name),
    ownerUrl: roleUrl(adminUrl, `${service}_owner`, testPassword(`${service}_owner`), name),
    drop: () =>
      asAdmin(adminUrl, async (admin) => {
        // A pool that has just been ended is still saying goodbye; cutting it off would be an uncaught error of the test.
        for (let look = 0; look < 50; look += 1) {
          const { rowCount } = await admin.query('select 1 from pg_stat_activity where datname = $1', [name]);
          if (rowCount === 0) break;
          await sleep(10);
        }
        await admin.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

async function ensureTemplate(service: string, migrationsFolder: string): Promise<string> {
  const adminUrl = inject('adminUrl');
  const hash = createHash('sha256');
  for (const file of readdirSync(migrationsFolder).toSorted())
    if (file.endsWith('.sql')) hash.update(readFileSync(join(migrationsFolder, file)));
  hash.update(functionsBeside(migrationsFolder)?.hash ?? '');
  const template = `template_${service}_${hash.digest('hex').slice(0, 12)}`;
  await asAdmin(adminUrl, async (admin) => {
    // Test files run in parallel processes; the first one makes the template, the others wait.
    await admin.query('select pg_advisory_lock(7306, hashtext($1))', [service]);
    const { rowCount } = await admin.query('select 1 from pg_database where datname = $1', [`${template}_done`]);
    if (rowCount) return;
    await admin.query(`drop database if exists ${template} with (force)`);
    await admin.query(`create database ${template} owner ${service}_owner template template0`);
    await prepareDatabase(adminUrl, template, service);
    await migrateDatabase(
      roleUrl(adminUrl, `${service}_owner`, testPassword(`${service}_owner`), template),
      migrationsFolder,
    );
    await admin.query(`alter database ${template} rename to ${template}_done`);
  });
  return `${template}_done`;
}

async function asAdmin(adminUrl: string, work: (admin: pg.Client) => Promise<void>): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}
