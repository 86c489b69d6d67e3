import { integer, pgTable, uuid } from 'drizzle-orm/pg-core';

export { idempotencyKeys, inbox, outbox } from './tables.ts';

/** What a test's event handler does: one row for each time that it took effect. */
export const effects = pgTable('effects', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  eventId: uuid('event_id').notNull(),
});
