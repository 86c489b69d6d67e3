import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';

/** What suppliers answered to mere looks is kept for 30 days; orders and complaints for 400, longer than any of them takes a complaint. */
export async function forgetSupplierCalls(ctx: Context): Promise<number> {
  const { rowCount } = await ctx.db.execute(sql`
    delete from supplier_calls where id = any(array(
      select id from supplier_calls
      where id < (select uuidv7(interval '-30 days')) and at < now() - case method when 'GET' then interval '30 days' else interval '400 days' end
      order by id limit 5000))`);
  return rowCount ?? 0;
}
