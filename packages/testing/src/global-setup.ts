import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { serviceNames } from '@kelid/contracts/all';
import { startEmbeddedPostgres } from '@kelid/service/postgres/embedded';
import { provisionDatabases } from '@kelid/service/postgres/provision';
import type { TestProject } from 'vitest/node';
import { testPassword } from './test-postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    adminUrl: string;
  }
}

/** One PostgreSQL for the whole run, without fsync; each test file clones its own databases. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataFolder = join(tmpdir(), `kelid-test-${process.pid}`, 'postgres');
  const postgres = await startEmbeddedPostgres({ dataFolder, port: 0, isDurable: false });
  await provisionDatabases({ adminUrl: postgres.adminUrl, services: serviceNames, passwordOf: testPassword });
  project.provide('adminUrl', postgres.adminUrl);
  return async () => {
    await postgres.stop();
    await rm(join(dataFolder, '..'), { recursive: true, force: true });
  };
}
