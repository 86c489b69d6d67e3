import { requireUser } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { revokeSessions } from '../sessions.ts';

export const logoutAll: Operations['logoutAll'] = async (ctx) => {
  const { userId } = requireUser(ctx);
  await ctx.transaction((tx) => revokeSessions(tx, userId, 'all', 'logout-all'));
  return undefined;
};
