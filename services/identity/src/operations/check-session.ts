import { and, eq } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { sessions, users } from '../db/schema.ts';
import { isAlive } from '../sessions.ts';

export const checkSession: Operations['checkSession'] = async (ctx, { sessionId }) => {
  const rows = await ctx.db
    .select({ id: sessions.id })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(and(eq(sessions.id, sessionId), eq(users.status, 'active'), isAlive));
  return { isLive: rows.length > 0 };
};
