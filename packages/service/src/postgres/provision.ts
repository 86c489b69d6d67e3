import { createHmac } from 'node:crypto';
import { DatabaseClient } from './client.ts';
import { letters } from './letters.ts';

export interface ProvisionedUrls {
  services: Record<string, { appUrl: string; ownerUrl: string }>;
  queueUrl: string;
}

/**
 * One database and two roles per service: `<service>_owner` migrates, `<service>_app` reads and writes rows. No role can connect to
 * another's database. Safe to repeat; a repeat sets the passwords again, so rotating one is running this. The admin may make roles and
 * databases and need be no superuser: on servers that others run nobody is.
 */
export async function provisionDatabases(options: {
  adminUrl: string;
  services: readonly string[];
  passwordOf: (role: string) => string;
}): Promise<ProvisionedUrls> {
  const admin = new DatabaseClient({ connectionString: options.adminUrl });
  await admin.connect();
  const names = [...options.services, 'queue'];
  try {
    const roles = names.flatMap((name) => [`${name}_owner`, `${name}_app`]);
    const roleRows = await admin.query<{ rolname: string }>('select rolname from pg_roles where rolname = any($1)', [
      roles,
    ]);
    const knownRoles = new Set(roleRows.rows.map((row) => row.rolname));
    const statements = roles.map((role) => {
      const verb = knownRoles.has(role) ? 'alter' : 'create';
      return `${verb} role ${admin.escapeIdentifier(role)} login password ${admin.escapeLiteral(options.passwordOf(role))}`;
    });
    await admin.query(statements.join(';'));
    const { rows: me } = await admin.query<{ rolsuper: boolean }>(
      'select rolsuper from pg_roles where rolname = current_user',
    );
    // Who is no superuser gives a database only to a role that they may act as.
    if (!me[0]?.rolsuper)
      await admin.query(
        names.map((name) => `grant ${name}_owner to current_user with inherit true, set true`).join(';'),
      );
    const databases = await admin.query<{ datname: string; is_prepared: boolean }>(
      'select datname, datacl is not null as is_prepared from pg_database where datname = any($1)',
      [names.map((name) => `kelid_${name}`)],
    );
    const known = new Map(databases.rows.map((row) => [row.datname, row.is_prepared]));
    for (const name of names) {
      const database = `kelid_${name}`;
      if (!known.has(database))
        await admin.query(
          `create database ${database} owner ${name}_owner template template0 encoding 'UTF8' locale_provider libc lc_collate 'C' lc_ctype '${letters}' strategy file_copy`,
        );
      // One that a run before this left without its rights is mended.
      if (!known.get(database)) await prepareDatabase(options.adminUrl, database, name);
    }
  } finally {
    await admin.end();
  }
  return urlsOf(options);
}

/** The password of a role, where one secret stands for all of them. */
export function passwordFrom(secret: string): (role: string) => string {
  return (role) => createHmac('sha256', secret).update(role).digest('base64url');
}

/** Each service's addresses from the one of the server and the secret that `db provision` made the roles with. What is given by name wins. */
export function withDatabaseUrls(
  env: Record<string, string | undefined>,
  services: readonly string[],
): Record<string, string | undefined> {
  const { DATABASE_URL: url, DATABASE_SECRET: secret } = env;
  if (!url || !secret) return env;
  const urls = urlsOf({ adminUrl: url, services, passwordOf: passwordFrom(secret) });
  const made: Record<string, string> = { QUEUE_DATABASE_URL: urls.queueUrl };
  for (const [name, { appUrl, ownerUrl }] of Object.entries(urls.services)) {
    made[`${name.toUpperCase()}_DATABASE_URL`] = appUrl;
    made[`${name.toUpperCase()}_MIGRATION_URL`] = ownerUrl;
  }
  return { ...made, ...env };
}

/** Where each role finds its database, once they are made. */
export function urlsOf(options: {
  adminUrl: string;
  services: readonly string[];
  passwordOf: (role: string) => string;
}): ProvisionedUrls {
  const url = (role: string, database: string) => roleUrl(options.adminUrl, role, options.passwordOf(role), database);
  return {
    services: Object.fromEntries(
      options.services.map((name) => [
        name,
        { appUrl: url(`${name}_app`, `kelid_${name}`), ownerUrl: url(`${name}_owner`, `kelid_${name}`) },
      ]),
    ),
    queueUrl: url('queue_owner', 'kelid_queue'),
  };
}

/** Rights and extensions inside one database: only its own two roles come in, and only the owner makes tables. */
export async function prepareDatabase(adminUrl: string, database: string, service: string): Promise<void> {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  const client = new DatabaseClient({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(`
      revoke connect, temporary on database ${database} from public;
      grant connect on database ${database} to ${service}_owner, ${service}_app;
      revoke create on schema public from public;
      grant usage, create on schema public to ${service}_owner;
      grant usage on schema public to ${service}_app;
      alter default privileges for role ${service}_owner grant select, insert, update, delete on tables to ${service}_app;
      alter default privileges for role ${service}_owner grant usage, select on sequences to ${service}_app;
      alter default privileges for role ${service}_owner revoke execute on functions from public;
      alter default privileges for role ${service}_owner grant execute on functions to ${service}_app;
      create extension if not exists pg_trgm;
      create extension if not exists unaccent;
      create extension if not exists btree_gin;`);
  } finally {
    await client.end();
  }
}

export function roleUrl(adminUrl: string, role: string, password: string, database: string): string {
  const url = new URL(adminUrl);
  url.username = role;
  url.password = password;
  url.pathname = `/${database}`;
  return url.href;
}
