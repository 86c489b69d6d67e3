import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceNames } from '@kelid/contracts/all';
import { DatabaseClient } from '@kelid/service/postgres/client';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@kelid/service/postgres/embedded';
import { provisionDatabases, urlsOf } from '@kelid/service/postgres/provision';
import { dataFolder, ports, readSecrets, serverEnvironment } from './settings.ts';

/** The embedded database with its roles, and the environment that the backend needs to use it. A command joins the shop that runs. */
export async function startEmbedded(
  say: (line: string) => void,
  joins = false,
): Promise<{ postgres: EmbeddedPostgres; env: Record<string, string> }> {
  const secretOf = readSecrets();
  const postgres = await startEmbeddedPostgres({
    dataFolder: join(dataFolder, 'postgres'),
    port: ports.postgres,
    joins,
    say,
  });
  const passwordOf = (role: string) => secretOf(`role ${role}`);
  const made = { adminUrl: postgres.adminUrl, services: serviceNames, passwordOf };
  const urls = postgres.isJoined ? urlsOf(made) : await provisionDatabases(made);
  const databaseUrls: Record<string, string> = { QUEUE_DATABASE_URL: urls.queueUrl };
  for (const [name, { appUrl, ownerUrl }] of Object.entries(urls.services)) {
    databaseUrls[`${name.toUpperCase()}_DATABASE_URL`] = appUrl;
    databaseUrls[`${name.toUpperCase()}_MIGRATION_URL`] = ownerUrl;
  }
  const stop = async () => {
    if (joins && !postgres.isJoined) await othersLeave(postgres.adminUrl);
    await postgres.stop();
  };
  return { postgres: { ...postgres, stop }, env: serverEnvironment({ databaseUrls, secretOf }) };
}

/** Another command may have joined this one's database meanwhile; it is not taken from under it. */
async function othersLeave(adminUrl: string): Promise<void> {
  const admin = new DatabaseClient({ connectionString: adminUrl });
  await admin.connect();
  const others = "select 1 from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()";
  while ((await admin.query(others)).rowCount) await sleep(100);
  await admin.end();
}
