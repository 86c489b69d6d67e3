import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Contract } from '@kelid/contracts/contract';
import pg from 'pg';
import { inject } from 'vitest';
import { z } from 'zod';
import type { BaseContext } from './context.ts';
import type { AnyService } from './define-service.ts';
import { freePort } from './postgres/embedded.ts';

/** The tables of every service, and `effects` for what a test's event handler does. */
export const migrationsFolder = join(import.meta.dirname, 'test-migrations');

/** A service of the shop by its contract, with only those operations and handlers that the test writes. */
export function serviceOf(
  contract: Contract,
  written: Pick<Partial<AnyService>, 'operations' | 'events' | 'peers' | 'sweeps'> & {
    onStart?: (ctx: BaseContext) => void;
  },
): AnyService {
  const { onStart, ...parts } = written;
  return {
    contract,
    peers: [],
    migrationsFolder,
    config: z.object({}),
    operations: {},
    events: {},
    createParts(_config, start) {
      onStart?.(start.contextOf());
      return {};
    },
    ...parts,
  };
}

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** A Redis of this test file alone, that keeps nothing on disk. */
export async function startRedis(): Promise<{ url: string; wipe(): void; stop(): void }> {
  const port = await freePort();
  const server = spawn('redis-server', [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--maxmemory-policy',
    'noeviction',
  ]);
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.once('exit', () => fail(new Error('Redis did not start')));
    server.stdout.on('data', (chunk: Buffer) => chunk.includes('Ready to accept connections') && done());
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    wipe: () => {
      if (spawnSync('redis-cli', ['-p', String(port), 'flushall']).status !== 0) throw new Error('Redis was not wiped');
    },
    stop: () => void server.kill('SIGKILL'),
  };
}

/** Cuts every connection to a database and lets nobody in, or lets them in again. */
export async function setAway(url: string, isAway: boolean): Promise<void> {
  const admin = new pg.Client({ connectionString: inject('adminUrl') });
  await admin.connect();
  const database = new URL(url).pathname.slice(1);
  await admin.query(`alter database ${database} with allow_connections ${!isAway}`);
  if (isAway)
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [database]);
  await admin.end();
}
