import { and, eq, sql } from 'drizzle-orm';
import { routeNotFound } from '@kelid/contracts/common';
import type { Operations } from '../context.ts';
import { messages } from '../db/schema.ts';

/** A dead message gets its tries back. A sign-in code is gone with its message and cannot be replayed. */
export const replayMessage: Operations['replayMessage'] = async (ctx, { messageId }) => {
  const replayed = await ctx.db
    .update(messages)
    .set({ status: 'queued', attemptCount: 0, dueAt: sql`now()` })
    .where(and(eq(messages.id, messageId), eq(messages.status, 'dead'), sql`${messages.template} <> 'otp'`))
    .returning({ id: messages.id });
  if (replayed.length === 0) throw routeNotFound('There is no dead message with this id');
  return undefined;
};
