import { sql } from 'drizzle-orm';
import { otpLimited } from '@kelid/contracts/identity';
import type { Db, Tx } from '@kelid/service/context';
import type { Context } from './context.ts';
import type { Asker } from './db/schema.ts';

/**
 * A phone whose codes were guessed wrong too often gets no code for unknown devices, so that guessing over many challenges ends; the
 * owner's own device, known from an earlier sign-in, goes on, so that a stranger can't lock the owner out (A07).
 */
export async function refuseWhenWrongBudgetSpent(
  ctx: Context,
  db: Db | Tx,
  phone: string,
  asker: Asker,
): Promise<void> {
  if (asker === 'device') return;
  const { rows } = await db.execute<{ hour: number; day: number }>(sql`
    select count(*) filter (where at > now() - interval '1 hour')::int as hour, count(*)::int as day
    from otp_failures where phone = ${phone} and at > now() - interval '1 day'`);
  const wrong = rows[0];
  if (!wrong || (wrong.hour < ctx.config.IDENTITY_WRONG_PER_HOUR && wrong.day < ctx.config.IDENTITY_WRONG_PER_DAY))
    return;
  ctx.log.warn({ alarm: 'otp-guessing', count: wrong.day }, 'the codes of a phone were guessed wrong too often');
  throw otpLimited({ retryAfterSeconds: 3_600 });
}
