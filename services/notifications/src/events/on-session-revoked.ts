import type { Delivered } from '@kelid/contracts/contract';
import type { sessionRevoked } from '@kelid/contracts/events';
import type { Context } from '../context.ts';
import { tell } from '../notices.ts';

/** Its owner hears of a session that ended because somebody had a copy of its token (A29). Other ends were their own or the shop's doing. */
export async function onSessionRevoked(ctx: Context, event: Delivered<typeof sessionRevoked>): Promise<void> {
  const { userId, reason } = event.data;
  if (reason !== 'refresh-token-reused') return;
  await tell(ctx, event, {
    userId,
    feed: { type: 'session.revoked', data: { reason } },
    messages: [{ channel: 'sms', template: 'session-ended', recipient: null, params: { at: ctx.now().toISOString() } }],
  });
}
