import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { FulfilmentKind } from '@kelid/contracts/catalog';
import type { LocalizedText } from '@kelid/contracts/common';
import type { ShownGameAccount } from '@kelid/contracts/game-account';
import type { OrderStatus } from '@kelid/contracts/orders';
import type { Psp } from '@kelid/contracts/payments';

export { idempotencyKeys, inbox, invariantBreaches, monitorMarks, outbox } from '@kelid/service/tables';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });
const rial = (name: string) => bigint(name, { mode: 'number' });
const idList = (name: string) =>
  uuid(name)
    .array()
    .notNull()
    .default(sql`'{}'`);

/** A cart of a customer, or of whoever holds the token. Prices are not the cart's: `quote` is what was promised, until when. */
export const carts = pgTable(
  'carts',
  {
    id: uuid().primaryKey(),
    customerId: uuid('customer_id').unique(),
    tokenHash: text('token_hash').unique(),
    /** A guest cart that went into a customer's cart stays as a mark, so that its token means nothing any more. */
    mergedAt: instant('merged_at'),
    quote: jsonb().$type<Record<string, number>>(),
    quoteExpiresAt: instant('quote_expires_at'),
    /** Grows with each order made from this cart: one state of a cart becomes at most one living order. */
    orderCount: integer('order_count').notNull().default(0),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [index('carts_expiry').on(table.expiresAt)],
);

export const cartItems = pgTable(
  'cart_items',
  {
    id: uuid().primaryKey(),
    cartId: uuid('cart_id')
      .notNull()
      .references(() => carts.id, { onDelete: 'cascade' }),
    variantId: uuid('variant_id').notNull(),
    quantity: integer().notNull(),
    /** Where a top-up goes; two players' top-ups are two items. */
    gameAccount: jsonb('game_account').$type<ShownGameAccount>(),
    accountKey: text('account_key')
      .notNull()
      .generatedAlwaysAs(sql`account_key_of(game_account)`),
  },
  (table) => [
    unique('cart_items_variant').on(table.cartId, table.variantId, table.accountKey),
    check('cart_items_quantity', sql`${table.quantity} between 1 and 20`),
  ],
);

export const orders = pgTable(
  'orders',
  {
    id: uuid().primaryKey(),
    orderNumber: text('order_number').notNull().unique(),
    customerId: uuid('customer_id').notNull(),
    cartId: uuid('cart_id').notNull(),
    cartOrderCount: integer('cart_order_count').notNull(),
    status: text().$type<OrderStatus>().notNull(),
    version: integer().notNull().default(1),
    discountRial: rial('discount_rial').notNull(),
    vatRial: rial('vat_rial').notNull(),
    /** The rate of that day. */
    vatBasisPoints: integer('vat_basis_points').notNull().default(0),
    feeRial: rial('fee_rial').notNull().default(0),
    totalRial: rial('total_rial').notNull(),
    psp: text().$type<Psp>().notNull(),
    /** Paid from the wallet first, as far as it goes. */
    usesWallet: boolean('uses_wallet').notNull().default(false),
    contact: jsonb().$type<{ phone?: string; email?: string }>().notNull(),
    /** The attempt that checkout starts; made with the order, so that repeating checkout repeats this attempt. */
    firstAttemptId: uuid('first_attempt_id').notNull(),
    paidAttemptId: uuid('paid_attempt_id').unique(),
    idempotencyKey: text('idempotency_key').notNull(),
    /** 1 at checkout; a revival of an expired order reserves anew under the next number. */
    reservationRound: integer('reservation_round').notNull().default(1),
    note: text(),
    placedAt: instant('placed_at')
      .notNull()
      .default(sql`now()`),
    holdExpiresAt: instant('hold_expires_at').notNull(),
    paidAt: instant('paid_at'),
    fulfilledAt: instant('fulfilled_at'),
    /** When a sweep must look at this order again; null when nothing is owed. */
    dueAt: instant('due_at'),
  },
  (table) => [
    // Banks take no less than 10,000 Rial; a coupon for all the goods makes an order free, and then nobody is asked to pay (A67).
    check(
      'orders_total',
      sql`(${table.totalRial} >= 10000 or ${table.totalRial} = 0) and ${table.discountRial} >= 0 and ${table.vatRial} >= 0 and ${table.feeRial} >= 0`,
    ),
    index('orders_due')
      .on(table.dueAt)
      .where(sql`${table.dueAt} is not null`),
    index('orders_of_customer').on(table.customerId, table.id),
    index('orders_of_customer_lately').on(table.customerId, table.placedAt),
    index('orders_waiting_for_keys')
      .on(table.paidAt)
      .where(sql`${table.status} in ('paid', 'fulfilling', 'part_fulfilled')`),
    uniqueIndex('orders_one_per_cart_state')
      .on(table.cartId, table.cartOrderCount)
      .where(sql`${table.status} not in ('cancelled', 'expired')`),
  ],
);

/** What was bought, as it was at that moment (PL-3). */
export const orderLines = pgTable(
  'order_lines',
  {
    id: uuid().primaryKey(),
    orderId: uuid('order_id')
      .notNull()
      .references(() => orders.id),
    position: integer().notNull(),
    variantId: uuid('variant_id').notNull(),
    productSlug: text('product_slug').notNull(),
    title: jsonb().$type<LocalizedText>().notNull(),
    variantTitle: jsonb('variant_title').$type<LocalizedText>().notNull(),
    region: text().notNull(),
    platform: text().notNull(),
    image: text(),
    quantity: integer().notNull(),
    unitPriceRial: rial('unit_price_rial').notNull(),
    /** The line's share of the order's discount and VAT: a unit that goes back gives back what was paid for it. */
    discountRial: rial('discount_rial').notNull().default(0),
    vatRial: rial('vat_rial').notNull().default(0),
    deliveredCount: integer('delivered_count').notNull().default(0),
    /** Delivered units whose money went back after a complaint. */
    refundedCount: integer('refunded_count').notNull().default(0),
    /** Who sold it, and is owed its price when it is delivered; null is the shop itself. */
    sellerId: uuid('seller_id'),
    fulfilmentKind: text('fulfilment_kind').$type<FulfilmentKind>().notNull().default('key'),
    /** Where a top-up goes, with the nickname that was shown before paying. */
    gameAccount: jsonb('game_account').$type<ShownGameAccount>(),
    /** A pre-order is delivered from this day. */
    releasesOn: date('releases_on', { mode: 'string' }),
  },
  (table) => [
    index('order_lines_order').on(table.orderId),
    check(
      'order_lines_amounts',
      sql`${table.quantity} > 0 and ${table.unitPriceRial} > 0 and ${table.deliveredCount} between 0 and ${table.quantity}
        and ${table.refundedCount} between 0 and ${table.quantity} and ${table.vatRial} >= 0
        and ${table.discountRial} between 0 and ${table.unitPriceRial} * ${table.quantity}`,
    ),
  ],
);

export const orderHistory = pgTable(
  'order_history',
  {
    id: uuid()
      .primaryKey()
      .default(sql`uuidv7()`),
    orderId: uuid('order_id')
      .notNull()
      .references(() => orders.id),
    from: text('from_status').$type<OrderStatus>(),
    to: text('to_status').$type<OrderStatus>().notNull(),
    reason: text().notNull(),
    actor: text().notNull(),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [index('order_history_order').on(table.orderId, table.id), index('order_history_lately').on(table.at)],
);

/** What a coupon takes off never changes; its switch, end and limits may. Only the database's own functions count its uses. */
export const coupons = pgTable(
  'coupons',
  {
    id: uuid().primaryKey(),
    /** In the form that codes are compared in. */
    code: text().notNull().unique(),
    percentBasisPoints: integer('percent_basis_points'),
    discountMaxRial: rial('discount_max_rial'),
    amountRial: rial('amount_rial'),
    isFirstOrderOnly: boolean('is_first_order_only').notNull(),
    // Empty lists mean all.
    productIds: idList('product_ids'),
    categoryIds: idList('category_ids'),
    customerIds: idList('customer_ids'),
    orderMinRial: rial('order_min_rial').notNull(),
    isStackable: boolean('is_stackable').notNull(),
    isActive: boolean('is_active').notNull(),
    startsAt: instant('starts_at')
      .notNull()
      .default(sql`now()`),
    endsAt: instant('ends_at'),
    usesMax: integer('uses_max'),
    customerUsesMax: integer('customer_uses_max'),
    usedCount: integer('used_count').notNull().default(0),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    check(
      'coupons_kind',
      sql`(${table.percentBasisPoints} is null) <> (${table.amountRial} is null) and (${table.discountMaxRial} is null or ${table.amountRial} is null)`,
    ),
    check(
      'coupons_amounts',
      sql`${table.percentBasisPoints} between 1 and 10000 and ${table.discountMaxRial} > 0 and ${table.amountRial} > 0 and ${table.orderMinRial} >= 0`,
    ),
    check(
      'coupons_used',
      sql`${table.usedCount} >= 0 and ${table.usedCount} <= ${table.usesMax} and ${table.usesMax} > 0 and ${table.customerUsesMax} > 0`,
    ),
  ],
);

export const couponCustomers = pgTable(
  'coupon_customers',
  {
    couponId: uuid('coupon_id')
      .notNull()
      .references(() => coupons.id),
    customerId: uuid('customer_id').notNull(),
    usedCount: integer('used_count').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.couponId, table.customerId] }),
    check('coupon_customers_used', sql`${table.usedCount} >= 0`),
  ],
);

export const couponUses = pgTable(
  'coupon_uses',
  {
    couponId: uuid('coupon_id')
      .notNull()
      .references(() => coupons.id),
    orderId: uuid('order_id')
      .notNull()
      .references(() => orders.id),
    customerId: uuid('customer_id').notNull(),
    discountRial: rial('discount_rial').notNull(),
    usedAt: instant('used_at')
      .notNull()
      .default(sql`now()`),
    /** Given back, because the order died. */
    releasedAt: instant('released_at'),
  },
  (table) => [
    primaryKey({ columns: [table.couponId, table.orderId] }),
    index('coupon_uses_order').on(table.orderId),
    check('coupon_uses_discount', sql`${table.discountRial} > 0`),
  ],
);

export const cartCoupons = pgTable(
  'cart_coupons',
  {
    cartId: uuid('cart_id')
      .notNull()
      .references(() => carts.id, { onDelete: 'cascade' }),
    couponId: uuid('coupon_id')
      .notNull()
      .references(() => coupons.id),
    addedAt: instant('added_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (table) => [primaryKey({ columns: [table.cartId, table.couponId] })],
);

/** Wrong codes of one customer, guest cart or network in one day (A61). */
export const couponMisses = pgTable(
  'coupon_misses',
  { source: text().notNull(), day: date({ mode: 'string' }).notNull(), count: integer().notNull() },
  (table) => [primaryKey({ columns: [table.source, table.day] })],
);
