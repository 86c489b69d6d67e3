import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

// Builds the shop's pages when they are not built, or when a file they are built from is newer than the build.

const here = import.meta.dirname;
const root = join(here, '../..');
const sources = [
  join(here, 'src'),
  join(here, 'next.config.ts'),
  join(root, 'package-lock.json'),
  ...['contracts', 'persian'].map((name) => join(root, 'packages', name, 'src')),
];

function newestMs(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.mtimeMs ?? 0;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))));
}

if (Math.max(...sources.map(newestMs)) > newestMs(join(here, '.next/BUILD_ID'))) {
  console.log('Building the shop’s pages…');
  rmSync(join(here, '.next'), { recursive: true, force: true });
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/next/dist/bin/next'), 'build'],
    {
      cwd: here,
      env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
      encoding: 'utf8',
    },
  );
  if (status !== 0) console.error(stdout, stderr);
  process.exitCode = status ?? 1;
}
