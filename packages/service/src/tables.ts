import { sql } from 'drizzle-orm';
import { index, jsonb, pgTable, primaryKey, smallint, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core';

// Tables that every service's database has. A service's schema.ts exports them, so that they are in its migrations.

/** Events written in the transaction of their state; the relay sends what has no `sentAt`. */
export const outbox = pgTable(
  'outbox',
  {
    id: uuid().primaryKey(),
    type: text().notNull(),
    data: jsonb().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' })
      .notNull()
      .default(sql`now()`),
    /** A relay that took the row and died gives it back when this has passed. */
    claimedUntil: timestamp('claimed_until', { withTimezone: true, mode: 'string' }),
    sentAt: timestamp('sent_at', { withTimezone: true, mode: 'string' }),
  },
  (table) => [
    index('outbox_unsent')
      .on(table.id)
      .where(sql`${table.sentAt} is null`),
  ],
);

/** Events whose effect is in this database; written in the effect's transaction, so a second delivery stops here. */
export const inbox = pgTable(
  'inbox',
  {
    eventId: uuid('event_id').notNull(),
    consumer: text().notNull(),
    at: timestamp({ withTimezone: true, mode: 'string' })
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.eventId, table.consumer] })],
);

/** Answers to Idempotency-Keys, per actor and operation, kept 48 hours. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    actorId: text('actor_id').notNull(),
    operation: text().notNull(),
    key: text().notNull(),
    inputHash: text('input_hash').notNull(),
    /** What the first request works on, so that a crash can be followed up. */
    resourceId: uuid('resource_id'),
    status: smallint(),
    /** Null while running. Never holds key material: such operations run their read again. */
    answer: jsonb(),
    problem: jsonb(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' })
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.actorId, table.operation, table.key] }),
    index('idempotency_keys_age').on(table.createdAt),
  ],
);

/** Until when each invariant was looked at, and when it is next. */
export const monitorMarks = pgTable('monitor_marks', {
  name: text().primaryKey(),
  lookedUntil: timestamp('looked_until', { withTimezone: true, mode: 'string' }).notNull().default('-infinity'),
  dueAt: timestamp('due_at', { withTimezone: true, mode: 'string' })
    .notNull()
    .default(sql`now()`),
});

/** What must never be and was; once for each thing, so that a variant that staff let be sold again is not stopped for the same thing twice. */
export const invariantBreaches = pgTable(
  'invariant_breaches',
  {
    id: uuid().primaryKey(),
    invariant: text().notNull(),
    subject: text().notNull(),
    sentence: text().notNull(),
    /** Not sold until the breach is settled; null where no single product has a part in it. */
    variantId: uuid('variant_id'),
    foundAt: timestamp('found_at', { withTimezone: true, mode: 'string' })
      .notNull()
      .default(sql`now()`),
    settledAt: timestamp('settled_at', { withTimezone: true, mode: 'string' }),
    settledBy: uuid('settled_by'),
    settleReason: text('settle_reason'),
  },
  (table) => [
    unique('invariant_breaches_once').on(table.invariant, table.subject),
    index('invariant_breaches_open')
      .on(table.variantId)
      .where(sql`${table.settledAt} is null and ${table.variantId} is not null`),
  ],
);
