import { and, desc, eq } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { sessions } from '../db/schema.ts';
import { isAlive } from '../sessions.ts';

export const listSessions: Operations['listSessions'] = async (ctx) => {
  const { userId, sessionId } = requireUser(ctx);
  const rows = await ctx.db
    .select()
    .from(sessions)
    .where(and(eq(sessions.userId, userId), isAlive))
    .orderBy(desc(sessions.lastSeenAt))
    .limit(20);
  return {
    items: rows.map((row) => ({
      id: row.id,
      device: deviceName(row.userAgent),
      ipPrefix: row.ipPrefix,
      createdAt: new Date(row.createdAt).toISOString(),
      lastSeenAt: new Date(row.lastSeenAt).toISOString(),
      isCurrent: row.id === sessionId,
    })),
    nextCursor: null,
  };
};

/** What a person recognises of a user agent. */
function deviceName(userAgent: string): string {
  const system = /Android|iPhone|iPad|Windows|Macintosh|Linux/.exec(userAgent)?.[0] ?? '';
  const browser = /Firefox|Edg|OPR|Chrome|Safari/.exec(userAgent)?.[0] ?? '';
  return (
    [browser === 'Edg' ? 'Edge' : browser === 'OPR' ? 'Opera' : browser, system === 'Macintosh' ? 'macOS' : system]
      .filter(Boolean)
      .join(' · ') || userAgent.slice(0, 40)
  );
}
