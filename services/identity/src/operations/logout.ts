import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { revokeSessions } from '../sessions.ts';

export const logout: Operations['logout'] = async (ctx) => {
  const { userId, sessionId } = requireUser(ctx);
  await ctx.transaction((tx) => revokeSessions(tx, userId, [sessionId], 'logout'));
  return undefined;
};
