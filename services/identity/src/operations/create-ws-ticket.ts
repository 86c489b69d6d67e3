import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { wsTickets } from '../db/schema.ts';
import { sha256 } from '../domain/secrets.ts';

export const createWsTicket: Operations['createWsTicket'] = async (ctx) => {
  const { userId, sessionId } = requireUser(ctx);
  const ticket = randomBytes(24).toString('base64url');
  const [row] = await ctx.db
    .insert(wsTickets)
    .values({ ticketHash: sha256(ticket), userId, sessionId, expiresAt: sql`now() + interval '30 seconds'` })
    .returning({ expiresAt: wsTickets.expiresAt });
  return { ticket, expiresAt: new Date(row?.expiresAt ?? 0).toISOString() };
};
