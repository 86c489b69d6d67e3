import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Invariant, invariantsBeside, wholeStatement } from '@kelid/service/invariants';
import pg from 'pg';

export interface Violation {
  service: string;
  id: string;
  sentence: string;
  /** The rows that break it, at most a hundred. */
  rows: Record<string, unknown>[];
}

const servicesFolder = join(import.meta.dirname, '../../../services');

/**
 * Runs every statement of services/<service>/src/db/invariants.sql in that service's database, as a role that may read all of it. A
 * statement that finds no row holds. A file without a URL, or with a line that no invariant owns, throws: what is not checked must not pass.
 */
export async function checkInvariants(urls: Record<string, string>, folder = servicesFolder): Promise<Violation[]> {
  const services = (await readdir(folder)).filter((service) =>
    existsSync(join(folder, service, 'src/db/invariants.sql')),
  );
  const found = await Promise.all(
    services.map(async (service) => {
      const url = urls[service];
      if (url === undefined) throw new Error(`${service} cannot be checked: there is no URL of its database`);
      return checkDatabase(service, url, await invariantsBeside(join(folder, service, 'src/db/migrations')));
    }),
  );
  return found.flat();
}

async function checkDatabase(service: string, url: string, invariants: Invariant[]): Promise<Violation[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'kelid-invariants' });
  await client.connect();
  try {
    // One snapshot for all statements, so that a shop in motion is judged at one moment; and none of them can write.
    await client.query('begin isolation level repeatable read read only');
    const violations: Violation[] = [];
    for (const invariant of invariants) {
      const { id, sentence } = invariant;
      const { rows } = await client
        .query<Record<string, unknown>>(wholeStatement(invariant))
        .catch((error: unknown) => {
          throw new Error(`${service}: ${id} could not be run`, { cause: error });
        });
      if (rows.length > 0) violations.push({ service, id, sentence, rows: rows.slice(0, 100) });
    }
    return violations;
  } finally {
    await client.end();
  }
}
