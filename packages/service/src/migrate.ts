import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { DatabaseClient } from './postgres/client.ts';

/** Brings a database forward. Two processes that start together take turns by an advisory lock; repeating is a no-op. */
export async function migrateDatabase(ownerUrl: string, migrationsFolder: string): Promise<void> {
  const client = new DatabaseClient({ connectionString: ownerUrl, application_name: 'kelid-migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock(7305)');
    await migrate(drizzle(client), { migrationsFolder });
  } finally {
    await client.end(); // Ends the session, and with it the lock.
  }
}
