import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';

type Row = {
  id: string;
  user_id: string;
  type: string;
  data: Record<string, unknown>;
  at: string;
  [column: string]: unknown;
};

const lookBackMs = 2_000;

/** Looks back two seconds further than asked, for rows that committed late; the reader tells entries apart by id. */
export const listFeedSince: Operations['listFeedSince'] = async (ctx, { since, userId, limit }) => {
  const from = since ?? ctx.now().toISOString();
  const { rows } = await ctx.db.execute<Row>(sql`
    select id, user_id, type, data, at::text from feed
    where at > ${from}::timestamptz - make_interval(secs => ${lookBackMs / 1000}) ${userId === undefined ? sql`` : sql`and user_id = ${userId}`}
    order by at limit ${limit}`);
  const last = rows.at(-1)?.at;
  return {
    items: rows.map((row) => ({
      userId: row.user_id,
      entry: { id: row.id, type: row.type, data: row.data, at: new Date(row.at).toISOString() },
    })),
    // After a full page the next one starts just at its end: looking back from there could find the same page for ever.
    asOf:
      rows.length === limit && last !== undefined
        ? new Date(Date.parse(last) + lookBackMs).toISOString()
        : ctx.now().toISOString(),
  };
};
