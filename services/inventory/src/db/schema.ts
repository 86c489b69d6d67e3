import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { LineProblemReason } from '@kelid/contracts/inventory';
import type { ShownGameAccount } from '@kelid/contracts/game-account';

export { invariantBreaches, monitorMarks, outbox } from '@kelid/service/tables';

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
  problems: jsonb().$type<{ line: number; reason: LineProblemReason }[]>().notNull().default([]),
  unitCostRial: bigint('unit_cost_rial', { mode: 'number' }),
  expiresAt: instant('expires_at'),
  createdBy: text('created_by').notNull(),
  createdAt: instant('created_at')
    .notNull()
    .default(sql`now()`),
  /** Nothing of it is sold since then; what comes back to it is not for sale either. */
  frozenAt: instant('frozen_at'),
  /** Staff opened it again then: complaints from before do not freeze it once more. */
  openedAt: instant('opened_at'),
});

export type KeyKind = 'text' | 'parts' | 'receipt' | 'image/png' | 'image/jpeg' | 'image/gif';

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
    /** What the ciphertext holds: a text, several named texts as JSON, the receipt of a top-up, or a picture of this content type. */
    kind: text().$type<KeyKind>().notNull().default('text'),
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

/** The codes of a unit after its first: none of them may come again either, as a unit of its own or in another. */
export const productKeyCodes = pgTable(
  'product_key_codes',
  {
    brand: text().notNull(),
    blindIndexVersion: smallint('blind_index_version').notNull(),
    blindIndex: bytea('blind_index').notNull(),
    keyId: uuid('key_id')
      .notNull()
      .references(() => productKeys.id),
    position: smallint().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.brand, table.blindIndexVersion, table.blindIndex] }),
    index('product_key_codes_key').on(table.keyId),
  ],
);

/** An import on its way into the vault. Its id is the id of the batch that it becomes. */
export const keyImports = pgTable(
  'key_imports',
  {
    id: uuid().primaryKey(),
    variantId: uuid('variant_id').notNull(),
    brand: text().notNull(),
    platform: text().notNull(),
    label: text().notNull(),
    lineFormat: text('line_format').$type<'code' | 'code-pin' | 'codes'>().notNull(),
    takesAnyFormat: boolean('takes_any_format').notNull(),
    onDuplicate: text('on_duplicate').$type<'skip' | 'reject'>().notNull(),
    isDryRun: boolean('is_dry_run').notNull(),
    wrappedDek: bytea('wrapped_dek').notNull(),
    kekId: text('kek_id').notNull(),
    unitCostRial: bigint('unit_cost_rial', { mode: 'number' }),
    expiresAt: instant('expires_at'),
    createdBy: text('created_by').notNull(),
    status: text().$type<'receiving' | 'storing' | 'done' | 'refused' | 'checked'>().notNull().default('receiving'),
    lineCount: integer('line_count').notNull().default(0),
    importedCount: integer('imported_count').notNull().default(0),
    duplicateCount: integer('duplicate_count').notNull().default(0),
    invalidCount: integer('invalid_count').notNull().default(0),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
    dueAt: instant('due_at'),
  },
  (table) => [
    index('key_imports_due')
      .on(table.dueAt)
      .where(sql`${table.dueAt} is not null`),
  ],
);

/** A line of an import: sealed when it comes, and gone from here once it is in the vault. What was not imported stays 30 days, with why. */
export const keyImportLines = pgTable(
  'key_import_lines',
  {
    importId: uuid('import_id')
      .notNull()
      .references(() => keyImports.id),
    line: integer().notNull(),
    problem: text().$type<LineProblemReason>(),
    keyId: uuid('key_id'),
    ciphertext: bytea(),
    kind: text().$type<KeyKind>().notNull().default('text'),
    masked: text().notNull(),
    blindIndexVersion: smallint('blind_index_version').notNull(),
    blindIndex: bytea('blind_index'),
    /** The index under the key before this one, while the rotation runs. */
    previousIndex: bytea('previous_index'),
    /** Of the codes after the first. */
    moreIndexes: bytea('more_indexes').array(),
  },
  (table) => [
    primaryKey({ columns: [table.importId, table.line] }),
    index('key_import_lines_same')
      .on(table.importId, table.blindIndex)
      .where(sql`${table.problem} is null`),
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

/**
 * A product key bound to one unit of one order line, for ever: rows are added, never changed. The one exception: a refund withdraws a key
 * that nobody has seen; the row stays as history, and the key may be bound again.
 */
export const keyAllocations = pgTable(
  'key_allocations',
  {
    keyId: uuid('key_id')
      .notNull()
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
    /** Its money went back before anybody saw it: its customer does not see it any more. */
    withdrawnAt: instant('withdrawn_at'),
  },
  (table) => [
    unique('key_allocations_unit').on(table.orderLineId, table.unitNo, table.replacementNo),
    uniqueIndex('key_allocations_once')
      .on(table.keyId)
      .where(sql`${table.withdrawnAt} is null`),
    index('key_allocations_order').on(table.orderId),
    index('key_allocations_customer').on(table.customerId, table.keyId),
    index('key_allocations_lately').on(table.allocatedAt),
    check('key_allocations_unit_no', sql`${table.unitNo} > 0`),
  ],
);

/** What one unit of a sold line costs in the shop, before any discount: what another product key for it would be worth. */
export const lineValues = pgTable(
  'line_values',
  { orderLineId: uuid('order_line_id').primaryKey(), unitRial: bigint('unit_rial', { mode: 'number' }).notNull() },
  (table) => [check('line_values_unit', sql`${table.unitRial} > 0`)],
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
    /** Orders before the day of release are taken, and delivered then. */
    allowsPreOrder: boolean('allows_pre_order').notNull().default(false),
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
    /** Where a top-up goes; such a line takes nothing from stock and leaves nothing to it. */
    gameAccount: jsonb('game_account').$type<ShownGameAccount>(),
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
    /** The need that it was bought for, whatever became of it: what a need has cost is counted by this. Null for buying ahead. */
    needLineId: uuid('need_line_id').references(() => supplyNeeds.orderLineId),
    variantId: uuid('variant_id').notNull(),
    brand: text().notNull(),
    supplier: text().notNull(),
    productRef: text('product_ref').notNull(),
    quantity: integer().notNull(),
    unitMaxCents: integer('unit_max_cents').notNull(),
    allowsPreOrder: boolean('allows_pre_order').notNull().default(false),
    gameAccount: jsonb('game_account').$type<ShownGameAccount>(),
    status: text().$type<ProcurementStatus>().notNull(),
    reason: text(),
    supplierOrderId: text('supplier_order_id'),
    unitPriceCents: integer('unit_price_cents'),
    /** What it counts against the ceilings of spending: the most that it may cost, or more where the supplier took more; 0 when it was never sent. */
    atRiskCents: bigint('at_risk_cents', { mode: 'number' }).notNull().default(0),
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
    index('procurements_need').on(table.needLineId),
    index('procurements_recent').on(table.supplier, table.createdAt),
    index('procurements_created').on(table.createdAt),
    index('procurements_due')
      .on(table.dueAt)
      .where(sql`${table.dueAt} is not null`),
    check(
      'procurements_quantity',
      sql`${table.quantity} > 0 and ${table.settledCount} between 0 and ${table.quantity}`,
    ),
  ],
);

/** A ceiling of spending that was reached: told once a day, and seen by staff. */
export const spendStops = pgTable(
  'spend_stops',
  {
    /** `need:<order line>`, `stock:<variant>`, `supplier:<name>` or `all`. */
    scope: text().notNull(),
    day: date().notNull(),
    reason: text().notNull(),
    supplier: text().notNull(),
    variantId: uuid('variant_id').notNull(),
    spentCents: bigint('spent_cents', { mode: 'number' }).notNull(),
    wantedCents: bigint('wanted_cents', { mode: 'number' }).notNull(),
    maxCents: bigint('max_cents', { mode: 'number' }).notNull(),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.scope, table.day] })],
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
    /** What another product key for the unit would be worth; null for lines that were sold before it was kept. */
    valueRial: bigint('value_rial', { mode: 'number' }),
    /** Its customer had bought and kept as much, long enough ago and without a complaint, when it came. */
    isTrusted: boolean('is_trusted').notNull().default(false),
    /** `open` waits for a person. */
    status: text().$type<'open' | 'replaced' | 'refunded' | 'rejected'>().notNull().default('open'),
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
    index('complaints_by_rules')
      .on(table.decidedAt)
      .where(sql`${table.decidedBy} = 'rules'`),
    index('complaints_open')
      .on(table.createdAt)
      .where(sql`${table.status} = 'open'`),
  ],
);

/** Orders whose money went back whole: nothing of them is replaced or refunded any more. */
export const refundedOrders = pgTable('refunded_orders', {
  orderId: uuid('order_id').primaryKey(),
  at: instant('at')
    .notNull()
    .default(sql`now()`),
});

/** What the shopper saw, sealed like a product key: the code may be on it. */
export const complaintPictures = pgTable('complaint_pictures', {
  complaintId: uuid('complaint_id')
    .primaryKey()
    .references(() => complaints.id),
  contentType: text('content_type').notNull(),
  ciphertext: bytea().notNull(),
});

/** What the supplier of a bad product key is asked for, inside its window, and what it answered. */
export const supplierClaims = pgTable(
  'supplier_claims',
  {
    complaintId: uuid('complaint_id')
      .primaryKey()
      .references(() => complaints.id),
    procurementId: uuid('procurement_id')
      .notNull()
      .references(() => procurements.id),
    supplier: text().notNull(),
    unitRef: text('unit_ref').notNull(),
    status: text().$type<'due' | 'asked' | 'granted' | 'refused' | 'late'>().notNull().default('due'),
    note: text(),
    deliveredAt: instant('delivered_at').notNull(),
    askedAt: instant('asked_at'),
    dueAt: instant('due_at').default(sql`now()`),
  },
  (table) => [
    index('supplier_claims_due')
      .on(table.dueAt)
      .where(sql`${table.dueAt} is not null`),
    index('supplier_claims_procurement').on(table.procurementId),
  ],
);
