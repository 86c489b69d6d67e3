import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';

/** Looks back 30 seconds further than asked, longer than a transaction may take: a revocation carries its beginning and may commit late. */
export const listRevocations: Operations['listRevocations'] = async (ctx, { since }) => {
  const { rows } = await ctx.db.execute<{ id: string | null; as_of: string }>(sql`
    select s.id, clock.as_of::text from (select now() as as_of) clock
    left join sessions s on s.revoked_at > ${since}::timestamptz - interval '30 seconds'`);
  return { sessionIds: rows.flatMap((row) => row.id ?? []), asOf: new Date(rows[0]?.as_of ?? since).toISOString() };
};
