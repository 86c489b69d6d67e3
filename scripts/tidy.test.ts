import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { expected } from '../apps/server/src/test-access-table.ts';
import { contracts } from '../packages/contracts/src/all.ts';
import type { Contract } from '../packages/contracts/src/contract.ts';

const root = join(import.meta.dirname, '..');
const sources = globSync('{packages,services,apps/server,simulators}/**/src/**/*.ts', {
  cwd: root,
  exclude: (name) => name.includes('node_modules'),
}).filter((file) => !file.endsWith('.test.ts') && !file.includes('node_modules'));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const rooms = new Set(['operations', 'events', 'jobs', 'domain', 'providers', 'db', 'demo', 'storage']);
const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

test('each operation of a contract is the file of its name', () => {
  const missing = Object.values(contracts).flatMap((contract: Contract) =>
    Object.keys(contract.operations).flatMap((name) => {
      const file = `services/${contract.name}/src/operations/${kebab(name)}.ts`;
      return existsSync(join(root, file)) ? [] : [file];
    }),
  );
  expect(missing).toEqual([]);
});

test('each operation of a contract has its row in the table of who may call it, apps/server/src/test-access-table.ts', () => {
  const names = Object.values(contracts).flatMap((contract: Contract) =>
    Object.keys(contract.operations).map((name) => `${contract.name}.${name}`),
  );
  expect(names.filter((name) => !expected.has(name))).toEqual([]);
});

test('services have the same rooms', () => {
  const strange = sources.filter((file) => {
    const room = /^services\/[^/]+\/src\/([^/]+)\//.exec(file)?.[1];
    return room !== undefined && !rooms.has(room);
  });
  expect(strange).toEqual([]);
});

test('the environment is read in its few places only', () => {
  const allowed =
    /(^apps\/server\/src\/|packages\/service\/src\/(failpoint|postgres\/embedded)\.ts|simulators\/src\/main\.ts)/;
  expect(sources.filter((file) => read(file).includes('process.env') && !allowed.test(file))).toEqual([]);
});

test('services take the time from their context, not from the machine', () => {
  expect(sources.filter((file) => file.startsWith('services/') && /new Date\(\)/.test(read(file)))).toEqual([]);
});

test('no log line names a field that could carry a secret', () => {
  const secret = /log\.(info|warn|error|debug)\([^)]*\b(code|token|password|secret|phone|card|plaintext)\b\s*[,:}]/;
  expect(sources.filter((file) => secret.test(read(file)))).toEqual([]);
});

test('each service has its page', () => {
  const folders = globSync('services/*', { cwd: root });
  expect(folders.filter((folder) => !existsSync(join(root, folder, 'README.md')))).toEqual([]);
});

test('files are named in kebab-case', () => {
  expect(sources.filter((file) => !/^[a-z0-9.-]+$/.test(basename(file)))).toEqual([]);
});
