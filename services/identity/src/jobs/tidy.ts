import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { ensureSigningKey } from '../signing-keys.ts';

export function rotateSigningKeys(ctx: Context): Promise<number> {
  return ensureSigningKey(ctx, ctx.secrets);
}

/** What no limit counts any more and no session needs. */
export async function dropOldRows(ctx: Context): Promise<number> {
  await ctx.db.execute(sql`delete from otp_sends where at < now() - interval '2 days'`);
  await ctx.db.execute(sql`delete from otp_failures where at < now() - interval '2 days'`);
  await ctx.db.execute(sql`delete from otp_challenges where created_at < now() - interval '2 days'`);
  await ctx.db.execute(sql`delete from used_puzzles where at < now() - interval '1 hour'`);
  await ctx.db.execute(sql`delete from ws_tickets where expires_at < now()`);
  await ctx.db.execute(sql`delete from sessions where created_at < now() - interval '60 days'`);
  return 0;
}
