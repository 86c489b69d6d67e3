import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What must always hold of a service's rows: a statement that finds no row when it does. */
export interface Invariant {
  id: string;
  sentence: string;
  statement: string;
}

/** A service's invariants stand beside its migrations, where tests and the running monitor read them. */
export async function invariantsBeside(migrationsFolder: string): Promise<Invariant[]> {
  const file = join(migrationsFolder, '../invariants.sql');
  return readInvariants(file, await readFile(file, 'utf8'));
}

/** A statement over all there is, for tests; the running shop puts the moment of its last look in the place of `:since`. */
export function wholeStatement({ statement }: Invariant): string {
  return statement.replaceAll(':since', "'-infinity'::timestamptz");
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
