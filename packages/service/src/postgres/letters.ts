import { DatabaseClient } from './client.ts';

/**
 * What a letter is, for a database that orders texts by their bytes. With plain C no Persian letter is one, and the trigrams that
 * searches forgive typing mistakes by are empty.
 */
export const letters = process.platform === 'linux' ? 'C.UTF-8' : 'en_US.UTF-8';

const trigramIndexes = `
  select i.indexrelid from pg_index i join pg_class c on c.oid = i.indexrelid
  where exists (select 1 from pg_opclass o where o.oid = any(i.indclass) and o.opcname ~ 'trgm')`;

/**
 * Databases that earlier releases made with ctype C learn Persian letters where they stand. Texts are ordered as before, so only
 * indexes of trigrams are stale: those are marked in the transaction that changes the ctype, are not used from then on, and are built
 * again. Killed at any line, the data are as they were and the next start goes on. Nobody else may be connected.
 */
export async function learnLetters(adminUrl: string): Promise<void> {
  const old = await run(adminUrl, async (admin) => {
    const { rows } = await admin.query<{ name: string; can_connect: boolean }>(
      "select datname as name, datallowconn as can_connect from pg_database where datlocprovider = 'c' and datcollate in ('C', 'POSIX') and datctype in ('C', 'POSIX')",
    );
    if (rows.length === 0) return [];
    // Fails where the system does not have it: a database with an unknown ctype could not be opened any more.
    await admin.query(
      `begin; create collation letters_probe (provider = libc, lc_collate = 'C', lc_ctype = '${letters}'); rollback`,
    );
    return rows;
  });
  for (const { name, can_connect: canConnect } of old) {
    await run(canConnect ? urlOf(adminUrl, name) : adminUrl, async (client) => {
      await client.query('begin');
      if (canConnect)
        await client.query(`update pg_index set indisvalid = false where indexrelid in (${trigramIndexes})`);
      await client.query('update pg_database set datctype = $1 where datname = $2', [letters, name]);
      await client.query('commit');
    });
  }
  const { rows: all } = await run(adminUrl, (admin) =>
    admin.query<{ name: string }>("select datname as name from pg_database where datname like 'kelid%'"),
  );
  for (const { name } of all) {
    // A connection takes the ctype when it opens, so this is another one than above.
    await run(urlOf(adminUrl, name), async (client) => {
      const { rows } = await client.query<{ index: string }>(
        `select indexrelid::regclass::text as index from pg_index where not indisvalid and indexrelid in (${trigramIndexes})`,
      );
      for (const { index } of rows) await client.query(`reindex index ${index}`);
    });
  }
}

/** Throws where Persian text has no trigrams: there searches would find nothing that is mistyped, and say nothing. */
export async function refuseWithoutLetters(client: DatabaseClient): Promise<void> {
  const { rows: found } = await client.query("select to_regproc('show_trgm') is not null as has_trigrams");
  if (!found[0]?.has_trigrams) return;
  const { rows } = await client.query(
    "select show_trgm('ا') = '{}' as is_blind, current_database() as name, datctype as ctype from pg_database where datname = current_database()",
  );
  if (rows[0]?.is_blind)
    throw new Error(
      `The database ${rows[0].name} takes no Persian letter for a letter (LC_CTYPE ${rows[0].ctype}): make it anew with LC_CTYPE C.UTF-8`,
    );
}

async function run<T>(url: string, work: (client: DatabaseClient) => Promise<T>): Promise<T> {
  const client = new DatabaseClient({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function urlOf(adminUrl: string, database: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}
