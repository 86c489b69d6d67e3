import { and, eq, sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { sessions, wsTickets } from '../db/schema.ts';
import { sha256 } from '../domain/secrets.ts';
import { isAlive } from '../sessions.ts';

const isLiveSession = sql`exists (select from ${sessions} where ${sessions.id} = ${wsTickets.sessionId} and ${isAlive})`;

export const redeemWsTicket: Operations['redeemWsTicket'] = async (ctx, { ticket }) => {
  // A session that was ended since it asked opens nothing: the gateway may have told its sockets before this one was there.
  const [row] = await ctx.db
    .delete(wsTickets)
    .where(and(eq(wsTickets.ticketHash, sha256(ticket)), sql`${wsTickets.expiresAt} > now()`, isLiveSession))
    .returning({ userId: wsTickets.userId, sessionId: wsTickets.sessionId });
  return { session: row ?? null };
};
