import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { feed } from '../db/schema.ts';

export const listNotifications: Operations['listNotifications'] = async (ctx, { limit, cursor }) => {
  const { userId } = requireUser(ctx);
  const rows = await ctx.db
    .select()
    .from(feed)
    .where(and(eq(feed.userId, userId), cursor === undefined ? undefined : lt(feed.id, cursor)))
    .orderBy(desc(feed.id))
    .limit(limit + 1);
  const [unread] = await ctx.db
    .select({ count: sql<number>`count(*)::int` })
    .from(feed)
    .where(and(eq(feed.userId, userId), sql`${feed.readAt} is null`));
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return {
    items: shown.map((row) => ({
      id: row.id,
      type: row.type,
      data: row.data,
      at: new Date(row.at).toISOString(),
      readAt: row.readAt === null ? null : new Date(row.readAt).toISOString(),
    })),
    nextCursor,
    unreadCount: unread?.count ?? 0,
  };
};
