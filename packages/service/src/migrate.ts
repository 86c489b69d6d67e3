import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator';
import { z } from 'zod';
import { failpoint } from './failpoint.ts';
import { DatabaseClient } from './postgres/client.ts';
import { refuseWithoutLetters } from './postgres/letters.ts';
import { applyFunctions, functionsBeside } from './sql-functions.ts';

const Journal = z.object({ entries: z.array(z.object({ tag: z.string() })) });

/** A migration that the database would never see, or has seen otherwise. */
export class MigrationError extends Error {}

/**
 * Brings a database forward: Drizzle's migrations, then the functions beside them, all or nothing. What ran is remembered where Drizzle
 * remembers it. Two processes that start together take turns by an advisory lock; repeating is a no-op.
 */
export async function migrateDatabase(ownerUrl: string, migrationsFolder: string): Promise<void> {
  const client = new DatabaseClient({ connectionString: ownerUrl, application_name: 'kelid-migrate' });
  await client.connect();
  const run = (text: string, values?: unknown[]) => {
    failpoint('database.migrating'); // CP18: between any two of its statements.
    return client.query<Record<string, unknown>>(text, values);
  };
  try {
    await client.query('select pg_advisory_lock(7305)');
    await refuseWithoutLetters(client);
    await run('create schema if not exists drizzle');
    await run(
      'create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
    );
    const pending = await findPending(client, migrationsFolder);
    await run('begin');
    for (const { sql, hash, folderMillis } of pending) {
      for (const statement of sql) await run(statement);
      await run('insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)', [hash, folderMillis]);
    }
    const functions = functionsBeside(migrationsFolder);
    if (functions) await applyFunctions(run, functions);
    await run('commit');
  } finally {
    await client.end(); // Ends the session, and with it the lock and what was not committed.
  }
}

/**
 * What is newer than the newest that ran. A migration that was merged with an earlier time, or edited after it ran, would be passed
 * over in silence, and is refused. Migrations of a newer release are no mistake: old code runs beside it for a while.
 */
async function findPending(client: DatabaseClient, migrationsFolder: string): Promise<MigrationMeta[]> {
  const { rows } = await client.query<{ hash: string; at: number }>(
    'select hash, created_at::bigint as at from drizzle.__drizzle_migrations',
  );
  const ran = new Map(rows.map(({ hash, at }) => [Number(at), hash]));
  const newestAt = Math.max(0, ...ran.keys());
  const names = Journal.parse(
    JSON.parse(readFileSync(join(migrationsFolder, 'meta/_journal.json'), 'utf8')),
  ).entries.map(({ tag }) => tag);
  const migrations = readMigrationFiles({ migrationsFolder });
  for (const [index, { folderMillis, hash }] of migrations.entries()) {
    const ranHash = ran.get(folderMillis);
    const name = `Migration ${names[index] ?? index}`;
    if (ranHash === undefined && folderMillis <= newestAt)
      throw new MigrationError(`${name} is older than one that has run, and would be skipped: give it a new time`);
    if (ranHash !== undefined && ranHash !== hash)
      throw new MigrationError(`${name} was changed after it had run here: put it back, and write another`);
  }
  return migrations.filter(({ folderMillis }) => folderMillis > newestAt);
}
