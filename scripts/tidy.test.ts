import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { expected } from '../apps/server/src/test-access-table.ts';
import { contracts } from '../packages/contracts/src/all.ts';
import type { Contract } from '../packages/contracts/src/contract.ts';
import * as events from '../packages/contracts/src/events.ts';
import { sqlStates } from '../packages/service/src/sqlstates.ts';
import { functionsBeside } from '../packages/service/src/sql-functions.ts';

const root = join(import.meta.dirname, '..');
const sources = globSync('{packages,services,apps/server,simulators}/**/src/**/*.ts', {
  cwd: root,
  exclude: (name) => name.includes('node_modules'),
}).filter((file) => !file.endsWith('.test.ts') && !file.includes('node_modules'));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
/** What a service has beside the rooms of its nouns, and what one without such rooms is parted into. */
const besideRooms = ['db', 'providers', 'storage'];
const withoutRooms = ['operations', 'events', 'jobs', 'domain'];
const kebab = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

test('each operation of a contract is the file of its name', () => {
  const strange = Object.values(contracts).flatMap((contract: Contract) =>
    Object.keys(contract.operations).flatMap((name) => {
      const pattern = `services/${contract.name}/src/*/${kebab(name)}.ts`;
      const found = globSync(pattern, { cwd: root });
      return found.length === 1 ? [] : [`${pattern}: ${found.length} files`];
    }),
  );
  expect(strange).toEqual([]);
});

test('each operation of a contract has its row in the table of who may call it, apps/server/src/test-access-table.ts', () => {
  const names = Object.values(contracts).flatMap((contract: Contract) =>
    Object.keys(contract.operations).map((name) => `${contract.name}.${name}`),
  );
  expect(names.filter((name) => !expected.has(name))).toEqual([]);
});

test("a room is a flat folder below src/, named by a noun, and its service's README says in a line what it holds", () => {
  const strange = sources.flatMap((file) => {
    const [, service = '', room, more] = /^services\/([^/]+)\/src\/([^/]+)\/(.+\/)?/.exec(file) ?? [];
    if (room === undefined || besideRooms.includes(room) || withoutRooms.includes(room)) return [];
    if (more !== undefined) return [`${file} is too deep`];
    const isTold = read(`services/${service}/README.md`).includes(`\n- \`${room}/\`: `);
    return isTold ? [] : [`services/${service}/README.md does not tell of ${room}/`];
  });
  expect([...new Set(strange)]).toEqual([]);
});

test('the environment is read in its few places only', () => {
  const allowed =
    /(^apps\/server\/src\/|packages\/service\/src\/(failpoint|postgres\/embedded)\.ts|simulators\/src\/main\.ts|packages\/testing\/src\/test-model\.ts)/;
  expect(sources.filter((file) => read(file).includes('process.env') && !allowed.test(file))).toEqual([]);
});

test('services take the time from their context, not from the machine', () => {
  expect(sources.filter((file) => file.startsWith('services/') && /new Date\(\)/.test(read(file)))).toEqual([]);
});

test('no log line names a field that could carry a secret', () => {
  const secret = /log\.(info|warn|error|debug)\([^)]*\b(code|token|password|secret|phone|card|plaintext)\b\s*[,:}]/;
  expect(sources.filter((file) => secret.test(read(file)))).toEqual([]);
});

test('each service has its page, of at most 600 words', () => {
  const strange = globSync('services/*', { cwd: root }).flatMap((folder) => {
    const page = `${folder}/README.md`;
    const wordCount = existsSync(join(root, page)) ? read(page).split(/\s+/).filter(Boolean).length : 0;
    return wordCount === 0 || wordCount > 600 ? [`${page}: ${wordCount} words`] : [];
  });
  expect(strange).toEqual([]);
});

test('files are named in kebab-case', () => {
  expect(sources.filter((file) => !/^[a-z0-9.-]+$/.test(basename(file)))).toEqual([]);
});

const migrationsFolders = globSync('services/*/src/db/migrations', { cwd: root });
/** Until these, functions were made in migrations. They have run, so they stay as they are. */
const lastWithFunctions: Record<string, string> = {
  catalog: '0000',
  identity: '0002',
  inventory: '0010',
  orders: '0005',
  payments: '0011',
};

test('a function is made in db/functions, in the file of its name, below its promise, and by no migration', () => {
  const strange = migrationsFolders.flatMap((folder) => {
    const service = folder.split('/')[1] ?? '';
    const last = lastWithFunctions[service];
    const inMigrations = globSync(`${folder}/*.sql`, { cwd: root }).filter(
      (file) =>
        (last === undefined || basename(file) > `${last}~`) && /create\s+(or\s+replace\s+)?function/i.test(read(file)),
    );
    const misplaced = (functionsBeside(join(root, folder))?.files ?? []).filter(({ name, text }) => {
      const made = [...text.matchAll(/create\s+(or\s+replace\s+)?function\s+(\w+)/gi)];
      return (
        !text.startsWith('-- ') || made.length === 0 || made.some(([, orReplace, of]) => !orReplace || of !== name)
      );
    });
    return [...inMigrations, ...misplaced.map(({ name }) => `${service}: ${name}.sql`)];
  });
  expect(strange).toEqual([]);
});

test('changed functions have a version of their own: `npm run functions` gives it', () => {
  const stale = migrationsFolders.filter((folder) => {
    const functions = functionsBeside(join(root, folder));
    return functions && functions.hash !== functions.hashOfVersion;
  });
  expect(stale).toEqual([]);
});

test('of the snapshots that Drizzle makes, the newest is kept: it is all that the next migration is made from', () => {
  const strange = migrationsFolders.filter((folder) => {
    const { entries } = JSON.parse(read(`${folder}/meta/_journal.json`)) as { entries: { idx: number }[] };
    const newest = `${String(entries.at(-1)?.idx).padStart(4, '0')}_snapshot.json`;
    const kept = globSync(`${folder}/meta/*_snapshot.json`, { cwd: root }).map((file) => basename(file));
    return kept.join() !== newest;
  });
  expect(strange).toEqual([]);
});

test('each id that the code names stands in docs/promises.md, and each that stands there is named, or waits under "Not yet"', () => {
  const [held = '', waiting = ''] = read('docs/promises.md').split('\n## Not yet\n');
  const idsOf = (text: string) => [...text.matchAll(/^- ([A-Z]+-?\d+): /gm)].map(([, id = '']) => id);
  const known = [...idsOf(held), ...idsOf(waiting)];
  const families = [...new Set(known.map((id) => id.replace(/\d+$/, '')))];
  // An attack has two digits or more: A1 is a name in many tests.
  const family = families.map((name) => (name === 'A' ? String.raw`A\d` : name)).join('|');
  const id = new RegExp(String.raw`(?<![\w.&#/%-])(?:${family})\d{1,3}(?![\w-])`, 'g');
  // What a title begins with is an id, of whatever family.
  const title = /['"`]((?:[A-Z]{1,3}-?\d+[a-z]? )*[A-Z]{1,3}-?\d+[a-z]?): /g;

  const inFolders = '{apps,packages,services,simulators,e2e,bench,demo,scripts}/**/*';
  const find = (pattern: string) =>
    globSync(pattern, { cwd: root, exclude: (name) => name === 'node_modules' || name === '.next' });
  const idsIn = (files: string[]) => files.flatMap((file) => [...read(file).matchAll(id)].map(([found]) => found));
  const titles = find(`${inFolders}.test.ts`).flatMap((file) =>
    [...read(file).matchAll(title)].flatMap(([, ids = '']) => ids.split(' ')),
  );
  const inCode = new Set([...idsIn(find(`${inFolders}.{ts,tsx,sql}`)), ...titles]);
  const inPages = idsIn([
    ...find(`${inFolders}.md`),
    ...find('{*,docs/**/*}.md').filter((file) => file !== 'docs/promises.md'),
  ]);

  expect({
    unknown: [...new Set([...inCode, ...inPages])].filter((name) => !known.includes(name)),
    namedByNothing: idsOf(held).filter((name) => !inCode.has(name)),
    waitsThoughNamed: idsOf(waiting).filter((name) => inCode.has(name)),
    twice: known.filter((name, index) => known.indexOf(name) !== index),
  }).toEqual({ unknown: [], namedByNothing: [], waitsThoughNamed: [], twice: [] });
});

const functionFiles = globSync('services/*/src/db/functions/*.sql', { cwd: root });

test('an SQLSTATE of ours has one meaning: it is named in packages/service/src/sqlstates.ts, and raised by one service', () => {
  const raisedBy = new Map<string, Set<string>>();
  for (const file of functionFiles)
    for (const [, code = ''] of read(file).matchAll(/errcode\s*=\s*'(KE\d{3})'/gi))
      raisedBy.set(code, (raisedBy.get(code) ?? new Set()).add(file.split('/')[1] ?? ''));
  const ofOurs = Object.values(sqlStates).filter((code) => code.startsWith('KE'));
  expect([...raisedBy.keys()].toSorted()).toEqual(ofOurs.toSorted());
  expect([...raisedBy].filter(([, services]) => services.size > 1)).toEqual([]);
  expect(sources.filter((file) => /sqlState\(\w+\) [!=]== '/.test(read(file)))).toEqual([]);
});

/** Each event that the text writes: `insert into outbox (id, type, data) values (uuidv7(), 'type', jsonb_build_object('field', …`. */
function eventsWritten(text: string): { type: string; fields: string[] }[] {
  const begin =
    /insert into outbox \(id, type, data\) (?:values \(|select )uuidv7\(\), '([^']+)',\s*(?:jsonb_strip_nulls\()?jsonb_build_object\(/gi;
  return [...text.matchAll(begin)].map((match) => {
    const args = [''];
    let depth = 0;
    let isQuoted = false;
    for (const letter of text.slice(match.index + match[0].length)) {
      if (letter === "'") isQuoted = !isQuoted;
      if (!isQuoted && letter === '(') depth += 1;
      if (!isQuoted && letter === ')') depth -= 1;
      if (depth < 0) break;
      if (letter === ',' && depth === 0 && !isQuoted) args.push('');
      else args[args.length - 1] += letter;
    }
    return {
      type: match[1] ?? '',
      fields: args.filter((_, nth) => nth % 2 === 0).map((name) => name.trim().slice(1, -1)),
    };
  });
}

test('an event that a function writes is declared, with these fields and without others', () => {
  type Fields = Record<string, { safeParse(value: unknown): { success: boolean } }>;
  const declared = new Map<string, Fields>(Object.values(events).map(({ type, schema }) => [type, schema.shape]));
  const strange: string[] = [];
  for (const file of functionFiles) {
    const text = read(file);
    const written = eventsWritten(text);
    // What this cannot read, it would not check.
    if (written.length !== [...text.matchAll(/\boutbox\b/gi)].length)
      strange.push(`${file}: an event that is written otherwise`);
    for (const { type, fields } of written) {
      const shape = declared.get(type);
      if (!shape) strange.push(`${file}: ${type}`);
      for (const field of fields) if (shape && !(field in shape)) strange.push(`${file}: ${type} with ${field}`);
      for (const [field, schema] of Object.entries(shape ?? {}))
        if (!fields.includes(field) && !schema.safeParse(undefined).success)
          strange.push(`${file}: ${type} without ${field}`);
    }
  }
  expect(strange).toEqual([]);
});
