import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
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
    /** `text`, or the content type of a product key that is a picture. */
    kind: text().$type<'text' | 'image/png' | 'image/jpeg' | 'image/gif'>().notNull().default('text'),
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

/** What a supplier sells of a variant, and what we pay for it at most. The quote is a hint: the supplier's answer to the order decides. */
export const supplierOffers = pgTable(
  'supplier_offers',
  {
    variantId: uuid('variant_id').notNull(),
    supplier: text().notNull(),
    productRef: text('product_ref').notNull(),
    brand: text().notNull(),
    unitMaxCents: integer('unit_max_cents').notNull(),
    isEnabled: boolean('is_enabled').notNull().default(true),
    /** Where the supplier allows it, codes are fetched only this long after the order, so that it can be given back until then. */
    fetchDelaySeconds: integer('fetch_delay_seconds').notNull().default(0),
    /** Units of our own stock that buying ahead keeps up. */
    targetStockCount: integer('target_stock_count').notNull().default(0),
    quoteCents: integer('quote_cents'),
    quoteStockCount: integer('quote_stock_count').notNull().default(0),
    quotedAt: instant('quoted_at'),
    dueAt: instant('due_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.variantId, table.supplier] }),
    index('supplier_offers_due').on(table.dueAt),
    check('supplier_offers_max', sql`${table.unitMaxCents} > 0 and ${table.targetStockCount} between 0 and 1000`),
  ],
);

/** What is known of each supplier's account at this moment. */
export const supplierStates = pgTable('supplier_states', {
  supplier: text().primaryKey(),
  isEnabled: boolean('is_enabled').notNull().default(true),
  cooldownUntil: instant('cooldown_until'),
  balanceCents: bigint('balance_cents', { mode: 'number' }),
  balanceAt: instant('balance_at'),
  balanceAlarmAt: instant('balance_alarm_at'),
});

/** A paid order line that the vault could not fill: what it still lacks is bought. */
export const supplyNeeds = pgTable(
  'supply_needs',
  {
    orderLineId: uuid('order_line_id').primaryKey(),
    orderId: uuid('order_id').notNull(),
    customerId: uuid('customer_id').notNull(),
    variantId: uuid('variant_id').notNull(),
    quantity: integer().notNull(),
    status: text().$type<'open' | 'done' | 'failed'>().notNull().default('open'),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
    dueAt: instant('due_at').default(sql`now()`),
  },
  (table) => [
    index('supply_needs_order').on(table.orderId),
    index('supply_needs_due')
      .on(table.dueAt)
      .where(sql`${table.status} = 'open'`),
  ],
);

export type ProcurementStatus =
  | 'ordering'
  | 'unknown'
  | 'placed'
  | 'received'
  | 'refused'
  | 'not_placed'
  | 'cancelled'
  | 'review';

/** One order at one supplier; its id is our reference there, written before the supplier is asked and never used for another basket. */
export const procurements = pgTable(
  'procurements',
  {
    id: uuid().primaryKey(),
    /** Null for buying ahead, and for what came too late for its line: those product keys go to stock. */
    orderLineId: uuid('order_line_id').references(() => supplyNeeds.orderLineId),
    variantId: uuid('variant_id').notNull(),
    brand: text().notNull(),
    supplier: text().notNull(),
    productRef: text('product_ref').notNull(),
    quantity: integer().notNull(),
    unitMaxCents: integer('unit_max_cents').notNull(),
    status: text().$type<ProcurementStatus>().notNull(),
    reason: text(),
    supplierOrderId: text('supplier_order_id'),
    unitPriceCents: integer('unit_price_cents'),
    /** Units of it that were stored, refused as duplicates, or given back: the rest is still to come. */
    settledCount: integer('settled_count').notNull().default(0),
    lookCount: integer('look_count').notNull().default(0),
    fetchAfter: instant('fetch_after')
      .notNull()
      .default(sql`now()`),
    /** An order that was not found is looked for until then: late ones are real. */
    watchUntil: instant('watch_until'),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
    updatedAt: instant('updated_at')
      .notNull()
      .default(sql`now()`),
    dueAt: instant('due_at'),
  },
  (table) => [
    unique('procurements_supplier_order').on(table.supplier, table.supplierOrderId),
    index('procurements_line').on(table.orderLineId),
    index('procurements_recent').on(table.supplier, table.createdAt),
    index('procurements_due')
      .on(table.dueAt)
      .where(sql`${table.dueAt} is not null`),
    check(
      'procurements_quantity',
      sql`${table.quantity} > 0 and ${table.settledCount} between 0 and ${table.quantity}`,
    ),
  ],
);

/** Each unit that a supplier handed over, once: what became of it. */
export const suppliedUnits = pgTable(
  'supplied_units',
  {
    supplier: text().notNull(),
    unitRef: text('unit_ref').notNull(),
    procurementId: uuid('procurement_id')
      .notNull()
      .references(() => procurements.id),
    /** The product key it became; null for a duplicate of one that is here already, and for a unit that was taken back. */
    keyId: uuid('key_id').references(() => productKeys.id),
    verdict: text().$type<'stored' | 'duplicate' | 'taken-back'>().notNull(),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.supplier, table.unitRef] }),
    index('supplied_units_procurement').on(table.procurementId),
  ],
);

/** Every call to a supplier, without credentials and without codes: evidence, and material to replay. */
export const supplierCalls = pgTable(
  'supplier_calls',
  {
    id: uuid().primaryKey(),
    supplier: text().notNull(),
    method: text().notNull(),
    path: text().notNull(),
    status: integer(),
    durationMs: integer('duration_ms').notNull(),
    request: text(),
    answer: text(),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [index('supplier_calls_recent').on(table.supplier, table.at)],
);

/** An owner's word that a product key does not work, and what was decided. One for each product key. */
export const complaints = pgTable(
  'complaints',
  {
    id: uuid().primaryKey(),
    keyId: uuid('key_id')
      .notNull()
      .unique()
      .references(() => productKeys.id),
    orderId: uuid('order_id').notNull(),
    customerId: uuid('customer_id').notNull(),
    batchId: uuid('batch_id')
      .notNull()
      .references(() => keyBatches.id),
    reason: text().$type<'already-used' | 'wrong-region' | 'invalid' | 'not-active-yet'>().notNull(),
    note: text(),
    /** `open` waits for a person. */
    status: text().$type<'open' | 'replaced' | 'rejected'>().notNull().default('open'),
    replacementKeyId: uuid('replacement_key_id').references(() => productKeys.id),
    decidedBy: text('decided_by'),
    decision: text(),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
    decidedAt: instant('decided_at'),
  },
  (table) => [
    index('complaints_customer').on(table.customerId, table.createdAt),
    index('complaints_batch').on(table.batchId),
    index('complaints_open')
      .on(table.createdAt)
      .where(sql`${table.status} = 'open'`),
  ],
);
