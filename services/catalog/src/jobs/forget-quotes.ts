import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';

/** What sources said is kept for 30 days; the rates that were made of it are kept for ever. */
export async function forgetQuotes(ctx: Context): Promise<number> {
  const { rowCount } = await ctx.db.execute(
    sql`delete from fx_quotes where id = any(array(select id from fx_quotes where read_at < now() - interval '30 days' order by read_at limit 1000))`,
  );
  return rowCount ?? 0;
}
