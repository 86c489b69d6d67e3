import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';

/** Carts that nobody came back to, and wrong codes of days that are over. */
export async function dropOldRows(ctx: Context): Promise<number> {
  await ctx.db.execute(sql`delete from coupon_misses where day < (now() - interval '1 day')::date`);
  await ctx.db.execute(sql`delete from carts where id in (select id from carts where expires_at <= now() limit 500)`);
  return 0;
}
