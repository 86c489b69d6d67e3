import { and, eq, sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { wsTickets } from '../db/schema.ts';
import { sha256 } from '../domain/secrets.ts';

export const redeemWsTicket: Operations['redeemWsTicket'] = async (ctx, { ticket }) => {
  const [row] = await ctx.db
    .delete(wsTickets)
    .where(and(eq(wsTickets.ticketHash, sha256(ticket)), sql`${wsTickets.expiresAt} > now()`))
    .returning({ userId: wsTickets.userId, sessionId: wsTickets.sessionId });
  return { session: row ?? null };
};
