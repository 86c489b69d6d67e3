import { bigint, pgTable, uuid } from 'drizzle-orm/pg-core';

export { idempotencyKeys, inbox, outbox } from '@kelid/service/tables';

export const orders = pgTable('orders', { id: uuid().primaryKey(), totalRial: bigint('total_rial', { mode: 'number' }).notNull() });
