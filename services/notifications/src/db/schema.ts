import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core';

export { invariantBreaches, monitorMarks, outbox } from '@kelid/service/tables';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });

export type MessageStatus = 'queued' | 'sending' | 'sent' | 'unknown' | 'dead' | 'dropped';

/** Each SMS and e-mail, and what became of it. */
export const messages = pgTable(
  'messages',
  {
    id: uuid().primaryKey(),
    channel: text().$type<'sms' | 'email'>().notNull(),
    template: text().notNull(),
    userId: uuid('user_id'),
    /** Null until it is sent, where the user's own phone is asked for then. */
    recipient: text(),
    params: jsonb().$type<Record<string, unknown>>().notNull(),
    /** A sign-in code, sealed; wiped when it was sent or dropped. */
    sealedCode: text('sealed_code'),
    /** The event or challenge this message is for: it is made once. */
    dedupeKey: text('dedupe_key').notNull().unique(),
    status: text().$type<MessageStatus>().notNull().default('queued'),
    attemptCount: integer('attempt_count').notNull().default(0),
    providerMessageId: text('provider_message_id'),
    lastError: text('last_error'),
    /** After this it is not worth sending. */
    expiresAt: instant('expires_at'),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
    sentAt: instant('sent_at'),
    dueAt: instant('due_at').default(sql`now()`),
  },
  (table) => [
    index('messages_due')
      .on(table.dueAt)
      .where(sql`${table.dueAt} is not null`),
    index('messages_lately').on(table.createdAt),
    index('messages_open')
      .on(table.status)
      .where(sql`${table.status} in ('queued', 'sending')`),
    index('messages_sealed')
      .on(table.id)
      .where(sql`${table.sealedCode} is not null`),
  ],
);

/** What happened, per user: the in-app feed and the source of live updates. */
export const feed = pgTable(
  'feed',
  {
    id: uuid().primaryKey(),
    userId: uuid('user_id').notNull(),
    type: text().notNull(),
    data: jsonb().$type<Record<string, unknown>>().notNull(),
    dedupeKey: text('dedupe_key').notNull(),
    at: instant('at')
      .notNull()
      .default(sql`clock_timestamp()`),
    readAt: instant('read_at'),
  },
  (table) => [
    unique('feed_once').on(table.userId, table.dedupeKey),
    index('feed_user').on(table.userId, table.id),
    index('feed_at').on(table.at),
  ],
);
