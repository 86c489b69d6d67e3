import { createHmac } from 'node:crypto';
import { DatabaseClient } from './client.ts';
import { letters } from './letters.ts';

export interface ProvisionedUrls {
  services: Record<string, { appUrl: string; ownerUrl: string }>;
  queueUrl: string;
}

/**
 * One database and two roles per service: `<service>_owner` migrates, `<service>_app` reads and writes rows. No role can connect to
 * another's database. Safe to repeat; a repeat sets the passwords again, so rotating one is running this.
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
    const known = await admin.query<{ rolname: string }>('select rolname from pg_roles where rolname = any($1)', [
      roles,
    ]);
    const knownRoles = new Set(known.rows.map((row) => row.rolname));
    const statements = roles.map((role) => {
      const verb = knownRoles.has(role) ? 'alter' : 'create';
      return `${verb} role ${admin.escapeIdentifier(role)} login nosuperuser nocreatedb nocreaterole password ${admin.escapeLiteral(options.passwordOf(role))}`;
    });
    await admin.query(statements.join(';'));
    const databases = await admin.query<{ datname: string }>(
      'select datname from pg_database where datname = any($1)',
      [names.map((name) => `kelid_${name}`)],
    );
    const knownDatabases = new Set(databases.rows.map((row) => row.datname));
    const missing = names.filter((name) => !knownDatabases.has(`kelid_${name}`));
    for (const name of missing) {
      await admin.query(
        `create database kelid_${name} owner ${name}_owner template template0 encoding 'UTF8' locale_provider libc lc_collate 'C' lc_ctype '${letters}' strategy file_copy`,
      );
      await prepareDatabase(options.adminUrl, `kelid_${name}`, name);
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
