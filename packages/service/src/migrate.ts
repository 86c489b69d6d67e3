import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { z } from 'zod';
import { failpoint } from './failpoint.ts';
import { DatabaseClient } from './postgres/client.ts';
import { refuseWithoutLetters } from './postgres/letters.ts';

const Journal = z.object({ entries: z.array(z.object({ tag: z.string() })) });

/** A migration that the database would never see, or has seen otherwise. */
export class MigrationError extends Error {}

/** Brings a database forward. Two processes that start together take turns by an advisory lock; repeating is a no-op. */
export async function migrateDatabase(ownerUrl: string, migrationsFolder: string): Promise<void> {
  const client = new DatabaseClient({ connectionString: ownerUrl, application_name: 'kelid-migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock(7305)');
    await refuseWithoutLetters(client);
    await refuseSkipped(client, migrationsFolder);
    // CP18: between any two of its statements.
    const logger = { logQuery: () => failpoint('database.migrating') };
    await migrate(drizzle(client, { logger }), { migrationsFolder });
  } finally {
    await client.end(); // Ends the session, and with it the lock.
  }
}

/**
 * Drizzle runs what is newer than the newest that ran, and nothing else: a migration that was merged with an earlier time, or edited
 * after it ran, would be passed over in silence. Migrations of a newer release are no mistake: old code runs beside it for a while.
 */
async function refuseSkipped(client: DatabaseClient, migrationsFolder: string): Promise<void> {
  const { rows: tables } = await client.query(
    "select to_regclass('drizzle.__drizzle_migrations') is not null as is_there",
  );
  if (!tables[0]?.is_there) return;
  const { rows } = await client.query<{ hash: string; at: number }>(
    'select hash, created_at::bigint as at from drizzle.__drizzle_migrations',
  );
  const ran = new Map(rows.map(({ hash, at }) => [Number(at), hash]));
  const newestAt = Math.max(0, ...ran.keys());
  const names = Journal.parse(
    JSON.parse(readFileSync(join(migrationsFolder, 'meta/_journal.json'), 'utf8')),
  ).entries.map(({ tag }) => tag);
  for (const [index, { folderMillis, hash }] of readMigrationFiles({ migrationsFolder }).entries()) {
    const ranHash = ran.get(folderMillis);
    const name = `Migration ${names[index] ?? index}`;
    if (ranHash === undefined && folderMillis <= newestAt)
      throw new MigrationError(`${name} is older than one that has run, and would be skipped: give it a new time`);
    if (ranHash !== undefined && ranHash !== hash)
      throw new MigrationError(`${name} was changed after it had run here: put it back, and write another`);
  }
}
