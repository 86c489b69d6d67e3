import { spawn } from 'node:child_process';
import { join } from 'node:path';

// Everything that needs no database, all at once: format, lint with types, types, imports, dead code, tidy.
const root = join(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules/.bin', name);
const steps: [name: string, program: string, ...args: string[]][] = [
  ['format', bin('oxfmt'), '--check', '.'],
  ['lint', bin('oxlint'), '--type-aware', '--max-warnings', '0'],
  ['types', bin('tsc'), '-p', 'tsconfig.json'],
  ['types of the shop', bin('tsc'), '--noEmit', '-p', 'apps/storefront'],
  [
    'imports',
    bin('depcruise'),
    '--config',
    '.dependency-cruiser.cjs',
    'apps',
    'packages',
    'services',
    'simulators',
    'e2e',
    'bench',
    'demo',
    'scripts',
  ],
  ['dead code', bin('knip'), '--no-config-hints'],
  ['tidy', bin('vitest'), 'run', '--config', 'scripts/vitest.config.ts'],
];

const results = await Promise.all(
  steps.map(async ([name, program, ...args]) => {
    const startedAt = performance.now();
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0' },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((done) => child.once('exit', done));
    // An import check that read no file has checked nothing.
    if (name === 'imports' && !/\([1-9]\d* modules/.test(output)) return { name, code: 1, output, seconds: 0 };
    return { name, code, output, seconds: (performance.now() - startedAt) / 1000 };
  }),
);
for (const { name, code, output, seconds } of results) {
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`);
  if (code !== 0) console.log(output.trim());
}
process.exitCode = results.some((result) => result.code !== 0) ? 1 : 0;
