import { sessionNotFound } from '@kelid/contracts/identity';
import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { revokeSessions } from '../sessions.ts';

export const deleteSession: Operations['deleteSession'] = async (ctx, { sessionId }) => {
  const { userId } = requireUser(ctx);
  const revoked = await ctx.transaction((tx) => revokeSessions(tx, userId, [sessionId], 'ended-by-owner'));
  if (revoked.length === 0) throw sessionNotFound();
  return undefined;
};
