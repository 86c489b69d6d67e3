import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

export interface Invariant {
  id: string;
  sentence: string;
  statement: string;
}

export interface Violation {
  service: string;
  id: string;
  sentence: string;
  /** The rows that break it, at most a hundred. */
  rows: Record<string, unknown>[];
}

const invariantsFolder = join(import.meta.dirname, '../../../e2e/invariants');

/**
 * Runs every statement of e2e/invariants/<service>.sql in that service's database, as a role that may read all of it. A statement that
 * finds no row holds. A file without a URL, or with a line that no invariant owns, throws: what is not checked must not pass.
 */
export async function checkInvariants(urls: Record<string, string>, folder = invariantsFolder): Promise<Violation[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).toSorted();
  const found = await Promise.all(
    files.map(async (file) => {
      const service = file.slice(0, -'.sql'.length);
      const url = urls[service];
      if (url === undefined) throw new Error(`${file} cannot be checked: there is no URL of the ${service} database`);
      return checkDatabase(service, url, readInvariants(file, await readFile(join(folder, file), 'utf8')));
    }),
  );
  return found.flat();
}

/** The statements of one file: each stands below its comment line `-- I1 KY-5: what must hold`. */
export function readInvariants(file: string, text: string): Invariant[] {
  const invariants: Invariant[] = [];
  for (const line of text.split('\n')) {
    const [, id, sentence] = /^-- ([A-Z][A-Z0-9-]*(?: [A-Z][A-Z0-9-]*)*): (.+)$/.exec(line) ?? [];
    const current = invariants.at(-1);
    if (id !== undefined && sentence !== undefined) invariants.push({ id, sentence, statement: '' });
    else if (current) current.statement += `${line}\n`;
    else if (line.trim() !== '' && !line.startsWith('--'))
      throw new Error(`${file}: this line stands below no invariant: ${line}`);
  }
  for (const { id, statement } of invariants) {
    if (!/^\s*[^\s-]/m.test(statement)) throw new Error(`${file}: ${id} has no statement`);
  }
  if (invariants.length === 0) throw new Error(`${file} has no invariant`);
  return invariants;
}

async function checkDatabase(service: string, url: string, invariants: Invariant[]): Promise<Violation[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'kelid-invariants' });
  await client.connect();
  try {
    // One snapshot for all statements, so that a shop in motion is judged at one moment; and none of them can write.
    await client.query('begin isolation level repeatable read read only');
    const violations: Violation[] = [];
    for (const { id, sentence, statement } of invariants) {
      const { rows } = await client.query<Record<string, unknown>>(statement).catch((error: unknown) => {
        throw new Error(`${service}.sql: ${id} could not be run`, { cause: error });
      });
      if (rows.length > 0) violations.push({ service, id, sentence, rows: rows.slice(0, 100) });
    }
    return violations;
  } finally {
    await client.end();
  }
}
