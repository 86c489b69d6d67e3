import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { generalProblems } from '@kelid/contracts/common';
import { publicOperations } from '@kelid/contracts/routes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApiDocument } from './openapi.ts';

interface Described {
  operationId: string;
  responses: Record<string, { description: string; content?: Record<string, { schema: ProblemSchema }> }>;
}
type ProblemSchema = { $ref: string } | { oneOf: { $ref: string }[] };
interface DescribedProblem {
  allOf: [{ $ref: string }, { properties: Record<string, unknown>; required: string[] }];
}
const document = openApiDocument('https://api.shop.ir') as {
  components: { schemas: Record<string, DescribedProblem> };
  paths: Record<string, Record<string, Described>>;
};
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelid-openapi-'));
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a tool of the project, found as Node finds its package. */
async function run(tool: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_COLOR: '1' };
  const answer = await promisify(execFile)(process.execPath, [find(join('node_modules/.bin', tool)), ...args], {
    cwd: folder,
    env,
  }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(error.stdout + error.stderr);
  });
  return answer.stdout + answer.stderr;
}
function find(file: string, from = import.meta.dirname): string {
  const path = join(from, file);
  if (existsSync(path)) return path;
  if (dirname(from) === from) throw new Error(`${file} is missing; npm ci brings it`);
  return find(file, dirname(from));
}

test('A97 H48: the problems that are described for a status of an operation are just those that it can end in, with their data', () => {
  const described = Object.values(document.paths).flatMap((methods) => Object.values(methods));
  for (const { name, operation } of publicOperations()) {
    const {
      [operation.status]: _success,
      default: _other,
      ...refusals
    } = described.find(({ operationId }) => operationId === name)?.responses ?? {};
    const declared = [...operation.problems, ...generalProblems(operation)];
    expect(Object.keys(refusals), name).toEqual([...new Set(declared.map(({ status }) => String(status)))].sort());
    for (const [status, { description, content }] of Object.entries(refusals)) {
      const schema = content?.['application/problem+json']?.schema ?? { oneOf: [] };
      const codes = ('oneOf' in schema ? schema.oneOf : [schema]).map(({ $ref }) => $ref.split('/').at(-1));
      const wanted = new Set(declared.filter((problem) => String(problem.status) === status).map(({ code }) => code));
      expect(new Set(codes), `${name} ${status}`).toEqual(wanted);
      for (const code of wanted) expect(description, name).toContain(`${code}: `);
    }
    for (const { code, data } of declared) {
      const own = document.components.schemas[code]?.allOf[1];
      expect(Object.keys(own?.properties ?? {}), code).toEqual(['code', ...Object.keys(data.shape)]);
      expect(own?.properties['code'], code).toEqual({ const: code });
    }
  }
});

test('A97: a linter of OpenAPI finds nothing wrong with the description, not even a warning', async () => {
  expect(await run('redocly', 'lint', 'openapi.json', '--max-problems', '20')).not.toMatch(/warning|error/i);
});

test('A97: a client is generated from the description, and what is written with it compiles', async () => {
  await run('openapi-typescript', 'openapi.json', '-o', 'api.d.ts');
  writeFileSync(
    join(folder, 'use.ts'),
    `import type { operations, components } from './api.d.ts';
     type Products = operations['listProducts']['responses'][200]['content']['application/json'];
     export const firstTitle = (page: Products): string | undefined => page.items[0]?.title;
     export const child = (node: components['schemas']['CategoryNode']): string | undefined => node.children[0]?.slug;
     export const question: operations['listProducts']['parameters']['query'] = { q: 'a', sort: 'price' };
     type Conflict = operations['checkout']['responses'][409]['content']['application/problem+json'];
     export const gone = (problem: Conflict) =>
       problem.code === 'orders.out_of_stock' ? problem.variantIds.join() : problem.title;
     // @ts-expect-error -- no such choice
     export const wrong: operations['listProducts']['parameters']['query'] = { sort: 'password' };`,
  );
  const options = ['--noEmit', '--strict', '--noUncheckedIndexedAccess', '--skipLibCheck', '--module', 'nodenext'];
  await run('tsc', ...options, '--allowImportingTsExtensions', 'use.ts');
  expect(readFileSync(join(folder, 'api.d.ts'), 'utf8')).not.toContain('unknown-ref');
});
