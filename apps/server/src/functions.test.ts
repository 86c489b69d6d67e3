import { functionsBeside } from '@kelid/service/sql-functions';
import { createTestDatabase, type TestDatabase } from '@kelid/testing/test-postgres';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { allServices } from './services.ts';

const databases: TestDatabase[] = [];
afterAll(() => Promise.all(databases.map((database) => database.drop())));

test.each(allServices.map(({ contract, migrationsFolder }) => [contract.name, migrationsFolder] as const))(
  'every function of %s is in the file of its name, in all its forms',
  async (service: string, migrationsFolder) => {
    const database = await createTestDatabase(service, { migrationsFolder });
    databases.push(database);
    const client = new pg.Client(database.ownerUrl);
    await client.connect();
    const { rows } = await client.query<{ name: string; forms: number }>(`
      select proname as name, count(*)::integer as forms from pg_proc p where pronamespace = 'public'::regnamespace
        and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e') group by 1`);
    await client.end();
    const files = functionsBeside(migrationsFolder)?.files ?? [];
    const inFiles = files.map(({ name, text }) => [name, text.match(/create or replace function/gi)?.length]);
    expect(Object.fromEntries(rows.map(({ name, forms }) => [name, forms]))).toEqual(Object.fromEntries(inFiles));
  },
);
