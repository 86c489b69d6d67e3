import { sql } from 'drizzle-orm';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { customerLevels } from '../db/schema.ts';
import { rethrowOwnAffair } from '../refusals.ts';

export const setCustomerLevel: Operations['setCustomerLevel'] = async (ctx, { customerId, level, reason }) => {
  const set = { level, reason, setBy: actorName(ctx), setAt: sql`now()` };
  await ctx.db
    .insert(customerLevels)
    .values({ customerId, ...set })
    .onConflictDoUpdate({ target: customerLevels.customerId, set })
    .catch(rethrowOwnAffair);
  ctx.log.info({ customerId, customerLevel: level, reason, actor: actorName(ctx) }, "a customer's level was set");
  return { customerId, level };
};
