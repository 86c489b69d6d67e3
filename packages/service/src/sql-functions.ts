import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** A service's SQL functions as they are today: `db/functions/<name>.sql` holds all of that name. */
export interface SqlFunctions {
  /** Grows with every change that is merged (`npm run functions`), so that an older release knows that it is older. */
  version: number;
  files: { name: string; text: string; hash: string }[];
  /** Of all files, and as `version.json` says it was when the version was given. */
  hash: string;
  hashOfVersion: string;
}

const Version = z.object({ version: z.int(), hash: z.string() });
const Applied = z.object({ version: z.int(), hashes: z.record(z.string(), z.string()) });

/** They stand beside the service's migrations; undefined where there are none. */
export function functionsBeside(migrationsFolder: string): SqlFunctions | undefined {
  const folder = join(migrationsFolder, '../functions');
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .toSorted()
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      return { name: file.slice(0, -4), text, hash: hashOf(text) };
    });
  const { version, hash: hashOfVersion } = Version.parse(
    JSON.parse(readFileSync(join(folder, 'version.json'), 'utf8')),
  );
  return { version, files, hash: hashOf(files.map(({ name, hash }) => `${name} ${hash}\n`).join('')), hashOfVersion };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Makes the functions of a database those of the files, inside the caller's transaction: what changed is run, what has no file any more
 * is dropped if it had one. Those of a newer release stay: old processes that start again beside it must not put theirs back.
 */
export async function applyFunctions(
  run: (text: string, values?: unknown[]) => Promise<{ rows: unknown[] }>,
  { version, files }: SqlFunctions,
): Promise<void> {
  await run(
    'create table if not exists drizzle.kelid_functions (version integer primary key, hashes jsonb not null, applied_at timestamptz not null default now())',
  );
  const { rows } = await run('select version, hashes from drizzle.kelid_functions order by version desc limit 1');
  const applied = rows[0] === undefined ? { version: 0, hashes: {} } : Applied.parse(rows[0]);
  if (applied.version > version) return;

  const changed = files.filter(({ name, hash }) => applied.hashes[name] !== hash);
  // A function may name one of a later file. So first all are made, and then all bodies are looked into.
  for (const looks of ['off', 'on']) {
    await run(`set local check_function_bodies = ${looks}`);
    for (const { text } of changed) await run(text);
  }
  const names = new Set(files.map(({ name }) => name));
  for (const name of Object.keys(applied.hashes).filter((known) => !names.has(known))) {
    const { rows: drops } = await run(
      "select format('drop function %s', oid::regprocedure) as text from pg_proc where proname = $1 and pronamespace = 'public'::regnamespace",
      [name],
    );
    for (const drop of drops) await run((drop as { text: string }).text);
  }
  const hashes = Object.fromEntries(files.map(({ name, hash }) => [name, hash]));
  await run(
    `insert into drizzle.kelid_functions (version, hashes) values ($1, $2)
     on conflict (version) do update set hashes = excluded.hashes, applied_at = now() where kelid_functions.hashes <> excluded.hashes`,
    [version, JSON.stringify(hashes)],
  );
}
