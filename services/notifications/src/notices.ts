import { sql } from 'drizzle-orm';
import { newId } from '@kelid/service/ids';
import type { Context } from './context.ts';

/** What one user is told of an event: an entry of the feed, and messages. */
export interface Notice {
  userId: string;
  feed: { type: string; data: Record<string, unknown> };
  messages: { channel: 'sms' | 'email'; template: string; recipient: string | null; params: Record<string, unknown> }[];
}

/**
 * The feed entry and the messages of an event, in one statement. Their dedupe keys carry the event's id, so a second delivery writes
 * nothing (I16); the sweep sends.
 */
export async function tell(ctx: Context, event: { id: string }, notice: Notice): Promise<void> {
  const rows = notice.messages.map((message) => ({
    id: newId(),
    user_id: notice.userId,
    dedupe_key: `${event.id}:${message.channel}`,
    ...message,
  }));
  await ctx.db.execute(sql`
    with told as (
      insert into feed (id, user_id, type, data, dedupe_key)
      values (${newId()}, ${notice.userId}, ${notice.feed.type}, ${JSON.stringify(notice.feed.data)}::jsonb, ${event.id})
      on conflict do nothing
    )
    insert into messages (id, user_id, channel, template, recipient, params, dedupe_key)
    select id, user_id, channel, template, recipient, params, dedupe_key
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as m(id uuid, user_id uuid, channel text, template text, recipient text, params jsonb, dedupe_key text)
    on conflict (dedupe_key) do nothing`);
}
