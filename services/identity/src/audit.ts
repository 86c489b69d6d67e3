import type { Tx } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import type { Context } from './context.ts';
import { identityAudit } from './db/schema.ts';

export async function audit(
  ctx: Context,
  tx: Tx,
  change: {
    action: string;
    userId: string;
    before: Record<string, unknown>;
    after: Record<string, unknown>;
    reason: string;
  },
): Promise<void> {
  const actor =
    ctx.actor.kind === 'user'
      ? `user:${ctx.actor.userId}`
      : ctx.actor.kind === 'service'
        ? `service:${ctx.actor.name}`
        : 'guest';
  await tx.insert(identityAudit).values({ id: newId(), actor, ip: ctx.origin.ip, ...change });
}
