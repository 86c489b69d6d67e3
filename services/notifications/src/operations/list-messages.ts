import { and, desc, eq, lt } from 'drizzle-orm';
import { maskPhone } from '@kelid/persian/phone';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { messages, type MessageStatus } from '../db/schema.ts';

export const listMessages: Operations['listMessages'] = async (ctx, { limit, cursor, status }) => {
  const rows = await ctx.db
    .select()
    .from(messages)
    .where(
      and(
        cursor === undefined ? undefined : lt(messages.id, cursor),
        status === undefined ? undefined : eq(messages.status, status as MessageStatus),
      ),
    )
    .orderBy(desc(messages.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return {
    items: shown.map((row) => ({
      id: row.id,
      channel: row.channel,
      template: row.template,
      to:
        row.recipient === null
          ? ''
          : row.channel === 'sms'
            ? maskPhone(row.recipient)
            : row.recipient.replace(/^(.).*(@.*)$/, '$1***$2'),
      status: row.status,
      attemptCount: row.attemptCount,
      providerMessageId: row.providerMessageId,
      lastError: row.lastError,
      createdAt: new Date(row.createdAt).toISOString(),
      sentAt: row.sentAt === null ? null : new Date(row.sentAt).toISOString(),
    })),
    nextCursor,
  };
};
