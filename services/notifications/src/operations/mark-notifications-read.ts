import { and, eq, isNull, sql } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { feed } from '../db/schema.ts';

export const markNotificationsRead: Operations['markNotificationsRead'] = async (ctx) => {
  await ctx.db
    .update(feed)
    .set({ readAt: sql`now()` })
    .where(and(eq(feed.userId, requireUser(ctx).userId), isNull(feed.readAt)));
  return undefined;
};
