import { sql } from 'drizzle-orm';
import {
  bigint,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { LineProblem } from '../domain/import-lines.ts';

export { outbox } from '@kelid/service/tables';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });
const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** Product keys that came together; their data key is wrapped by the master key that `kekId` names. */
export const keyBatches = pgTable('key_batches', {
  id: uuid().primaryKey(),
  variantId: uuid('variant_id').notNull(),
  brand: text().notNull(),
  label: text().notNull(),
  /** The same import sent twice finds its first batch here. */
  importId: uuid('import_id').unique(),
  wrappedDek: bytea('wrapped_dek').notNull(),
  kekId: text('kek_id').notNull(),
  importedCount: integer('imported_count').notNull(),
  duplicateCount: integer('duplicate_count').notNull(),
  invalidCount: integer('invalid_count').notNull(),
  /** The first of them, for answering a repeated import. */
  problems: jsonb().$type<LineProblem[]>().notNull().default([]),
  unitCostRial: bigint('unit_cost_rial', { mode: 'number' }),
  expiresAt: instant('expires_at'),
  createdBy: text('created_by').notNull(),
  createdAt: instant('created_at')
    .notNull()
    .default(sql`now()`),
});

/** One row per sellable unit. The plaintext is never here: ciphertext bound to this row, and an index that only tells equality. */
export const productKeys = pgTable(
  'product_keys',
  {
    id: uuid().primaryKey(),
    batchId: uuid('batch_id')
      .notNull()
      .references(() => keyBatches.id),
    variantId: uuid('variant_id').notNull(),
    brand: text().notNull(),
    ciphertext: bytea().notNull(),
    blindIndex: bytea('blind_index').notNull(),
    blindIndexVersion: smallint('blind_index_version').notNull(),
    masked: text().notNull(),
    status: text().$type<'available' | 'reserved' | 'allocated' | 'quarantined' | 'expired' | 'void'>().notNull(),
    reservationId: uuid('reservation_id'),
    expiresAt: instant('expires_at'),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    unique('product_keys_once').on(table.brand, table.blindIndexVersion, table.blindIndex),
    index('product_keys_available')
      .on(table.variantId, table.expiresAt.asc().nullsLast(), table.id)
      .where(sql`${table.status} = 'available'`),
    index('product_keys_reserved')
      .on(table.reservationId)
      .where(sql`${table.status} = 'reserved'`),
    index('product_keys_expiring')
      .on(table.expiresAt)
      .where(sql`${table.status} = 'available' and ${table.expiresAt} is not null`),
    index('product_keys_batch').on(table.batchId),
    check('product_keys_reserved_for', sql`(${table.status} = 'reserved') = (${table.reservationId} is not null)`),
  ],
);

/** Units held for an order. `released` and `expired` are final; a `released` row that was never held refuses a late reserve. */
export const reservations = pgTable(
  'reservations',
  {
    id: uuid().primaryKey(),
    orderId: uuid('order_id').notNull(),
    round: integer().notNull(),
    status: text().$type<'held' | 'consumed' | 'released' | 'expired'>().notNull(),
    unitCount: integer('unit_count').notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [
    unique('reservations_once').on(table.orderId, table.round),
    index('reservations_due')
      .on(table.expiresAt)
      .where(sql`${table.status} = 'held'`),
  ],
);

/** A product key bound to one unit of one order line, for ever: rows are added, never changed. */
export const keyAllocations = pgTable(
  'key_allocations',
  {
    keyId: uuid('key_id')
      .primaryKey()
      .references(() => productKeys.id),
    orderLineId: uuid('order_line_id').notNull(),
    unitNo: integer('unit_no').notNull(),
    replacementNo: integer('replacement_no').notNull().default(0),
    orderId: uuid('order_id').notNull(),
    customerId: uuid('customer_id').notNull(),
    variantId: uuid('variant_id').notNull(),
    allocatedAt: instant('allocated_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    unique('key_allocations_unit').on(table.orderLineId, table.unitNo, table.replacementNo),
    index('key_allocations_order').on(table.orderId),
    index('key_allocations_customer').on(table.customerId, table.keyId),
    check('key_allocations_unit_no', sql`${table.unitNo} > 0`),
  ],
);

/** Who looked at a product key, written before it was shown. */
export const keyReveals = pgTable(
  'key_reveals',
  {
    id: uuid().primaryKey(),
    keyId: uuid('key_id')
      .notNull()
      .references(() => productKeys.id),
    actor: text().notNull(),
    sessionId: uuid('session_id'),
    reason: text(),
    ip: text().notNull(),
    userAgent: text('user_agent').notNull(),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [index('key_reveals_key').on(table.keyId, table.at)],
);

/** Moves of unsold product keys that staff made, with their reason. */
export const keyAudit = pgTable('key_audit', {
  id: uuid().primaryKey(),
  keyId: uuid('key_id')
    .notNull()
    .references(() => productKeys.id),
  actor: text().notNull(),
  from: text('from_status').notNull(),
  to: text('to_status').notNull(),
  reason: text().notNull(),
  at: instant('at')
    .notNull()
    .default(sql`now()`),
});

/** A variant whose available units changed; written in the same transaction, gone once its new count was told. */
export const stockTouches = pgTable('stock_touches', {
  id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  variantId: uuid('variant_id').notNull(),
});

/** Proves at start that the master key (and the key of the blind index) is the one this vault was filled with. */
export const vaultChecks = pgTable('vault_checks', { kekId: text('kek_id').primaryKey(), proof: bytea().notNull() });
