import { desc, eq, sql } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { customerCards } from '../db/schema.ts';
import { levelOf } from './customer-levels.ts';

/** What was spent is summed by `payments_spent_today`, as for the limit itself (`payments_check_day_limit`). */
export const getPaymentLimits: Operations['getPaymentLimits'] = async (ctx) => {
  const { userId } = requireUser(ctx);
  const { rows } = await ctx.db.execute<{ rial: number }>(sql`select payments_spent_today(${userId}, null) as rial`);
  const cards = await ctx.db
    .select()
    .from(customerCards)
    .where(eq(customerCards.customerId, userId))
    .orderBy(desc(customerCards.lastPaidAt))
    .limit(20);
  const level = await levelOf(ctx, userId);
  const steps = ctx.config.PAYMENTS_DAY_MAX_RIAL.map((dayMaxRial, at) => ({ level: at, dayMaxRial }));
  return {
    level,
    dayMaxRial: steps[level]?.dayMaxRial ?? 0,
    spentTodayRial: rows[0]?.rial ?? 0,
    steps,
    cards: cards.map(({ cardMasked, isMatched, lastPaidAt }) => ({
      cardMasked,
      isMatched,
      lastPaidAt: new Date(lastPaidAt).toISOString(),
    })),
  };
};
