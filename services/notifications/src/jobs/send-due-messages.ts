import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { deliver } from '../sending.ts';

/** Sends what waits. A message whose sender died in the middle may have gone out, so it counts as unknown. */
export async function sendDueMessages(ctx: Context): Promise<number> {
  await ctx.db.execute(sql`
    update messages set status = case when template = 'otp' then 'dead' else 'unknown' end, last_error = 'the sender died',
      due_at = case when template = 'otp' then null else now() end, sealed_code = null
    where status = 'sending' and due_at <= now()`);
  return deliver(
    ctx,
    sql`id = any(array(
      select id from messages where due_at <= now() and status in ('queued', 'unknown') order by due_at limit 50 for update skip locked))`,
  );
}
