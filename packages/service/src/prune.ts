import { sql } from 'drizzle-orm';
import type { Db } from './context.ts';

/**
 * What each technical table may forget. Ids of events are UUIDv7, so that the primary key finds the old ones however many there are; a
 * row is judged by its own time all the same.
 */
const rules = [
  // Longer than any queue store is given to be found wiped.
  { table: 'outbox', old: "id < (select uuidv7(interval '-7 days')) and sent_at < now() - interval '7 days'" },
  // Longer than a dead letter waits for somebody to send it again.
  { table: 'inbox', old: "event_id < (select uuidv7(interval '-35 days')) and at < now() - interval '35 days'" },
  { table: 'idempotency_keys', old: "created_at < now() - interval '48 hours'" },
];
const batchSize = 5_000;

/** Deletes a batch of what may be forgotten. Answers whether there may be more. */
export async function pruneTechnicalTables(db: Db): Promise<boolean> {
  let isMore = false;
  for (const { table, old } of rules) {
    // Not every service has each of them.
    const { rows } = await db.execute(sql`select to_regclass(${table}) is not null as exists`);
    if (rows[0]?.['exists'] !== true) continue;
    const { rowCount } = await db.execute(
      sql.raw(
        `delete from ${table} where ctid = any(array(select ctid from ${table} where ${old} limit ${batchSize} for update skip locked))`,
      ),
    );
    isMore ||= rowCount === batchSize;
  }
  return isMore;
}
