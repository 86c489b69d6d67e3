import { join } from 'node:path';
import { serviceNames } from '@kelid/contracts/all';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@kelid/service/postgres/embedded';
import { provisionDatabases } from '@kelid/service/postgres/provision';
import { dataFolder, ports, readSecrets, serverEnvironment } from './settings.ts';

/** The embedded database with its roles, and the environment that the backend needs to use it. */
export async function startEmbedded(
  say: (line: string) => void,
): Promise<{ postgres: EmbeddedPostgres; env: Record<string, string> }> {
  const secretOf = readSecrets();
  const postgres = await startEmbeddedPostgres({ dataFolder: join(dataFolder, 'postgres'), port: ports.postgres, say });
  const urls = await provisionDatabases({
    adminUrl: postgres.adminUrl,
    services: serviceNames,
    passwordOf: (role) => secretOf(`role ${role}`),
  });
  const databaseUrls: Record<string, string> = { QUEUE_DATABASE_URL: urls.queueUrl };
  for (const [name, { appUrl, ownerUrl }] of Object.entries(urls.services)) {
    databaseUrls[`${name.toUpperCase()}_DATABASE_URL`] = appUrl;
    databaseUrls[`${name.toUpperCase()}_MIGRATION_URL`] = ownerUrl;
  }
  return { postgres, env: serverEnvironment({ databaseUrls, secretOf }) };
}
