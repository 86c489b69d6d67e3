import { sql } from 'drizzle-orm';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { pspSettings } from '../db/schema.ts';

export const setPspEnabled: Operations['setPspEnabled'] = async (ctx, { psp, isEnabled, reason }) => {
  const setting = { isEnabled, reason, changedBy: actorName(ctx), changedAt: sql`now()` };
  await ctx.db
    .insert(pspSettings)
    .values({ psp, ...setting })
    .onConflictDoUpdate({ target: pspSettings.psp, set: setting });
  ctx.log.warn({ psp, actor: actorName(ctx), reason, status: isEnabled ? 'on' : 'off' }, 'a bank was switched');
  return { psp, isEnabled };
};
