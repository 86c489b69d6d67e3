import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  bigint,
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  timestamp,
  uuid,
} from 'drizzle-orm/pg-core';
import type { PriceCause, PriceInputs, QuoteVerdict, RateCurrency, ReviewState } from '@kelid/contracts/catalog';
import type { LocalizedText } from '@kelid/contracts/common';
import type { GameAccountRule } from '@kelid/contracts/game-account';

export { inbox, invariantBreaches, monitorMarks, outbox } from '@kelid/service/tables';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' });

export const categories = pgTable('categories', {
  id: uuid().primaryKey(),
  slug: text().notNull().unique(),
  title: jsonb().$type<LocalizedText>().notNull(),
  parentId: uuid('parent_id').references((): AnyPgColumn => categories.id),
  position: integer().notNull(),
});

export const products = pgTable(
  'products',
  {
    id: uuid().primaryKey(),
    slug: text().notNull().unique(),
    title: jsonb().$type<LocalizedText>().notNull(),
    summary: jsonb().$type<LocalizedText>().notNull(),
    description: jsonb().$type<LocalizedText>().notNull(),
    activationGuide: jsonb('activation_guide').$type<{ fa: string[]; en: string[] }>().notNull(),
    type: text().$type<'gift_card' | 'game_key' | 'game_credit' | 'digital_item'>().notNull(),
    brand: text().notNull(),
    platform: text().notNull(),
    categoryId: uuid('category_id')
      .notNull()
      .references(() => categories.id),
    aliases: text().array().notNull(),
    isFeatured: boolean('is_featured').notNull().default(false),
    isPublished: boolean('is_published').notNull().default(true),
    /** Whose accounts a top-up needs; null for what is delivered as a code. */
    accountRule: text('account_rule').$type<GameAccountRule>(),
    /** The seller it belongs to; null for the shop's own. */
    sellerId: uuid('seller_id'),
    /** What staff said of a seller's product as it is now. */
    review: text().$type<ReviewState>().notNull().default('approved'),
    reviewNote: text('review_note'),
    reviewedBy: text('reviewed_by'),
    proposalNumber: integer('proposal_number').notNull().default(0),
    /** The media keys of the three widths; null until an image was stored. */
    image: jsonb().$type<{ small: string; medium: string; large: string }>(),
    /** Every name it is known by, in the form that searching compares. */
    searchText: text('search_text').notNull(),
    // Kept by a trigger on variants, so that lists need no join and can't disagree with them.
    fromPriceRial: bigint('from_price_rial', { mode: 'number' }),
    regions: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    isInStock: boolean('is_in_stock').notNull().default(false),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`now()`),
    updatedAt: instant('updated_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    index('products_search').using('gin', sql`${table.searchText} gin_trgm_ops`),
    index('products_category').on(table.categoryId),
    index('products_price')
      .on(table.fromPriceRial, table.id)
      .where(sql`${table.isPublished}`),
    index('products_proposals')
      .on(table.id)
      .where(sql`${table.sellerId} is not null`),
    check(
      'products_reviewed',
      sql`${table.review} = 'approved' or (${table.sellerId} is not null and not ${table.isPublished} and not ${table.isFeatured})`,
    ),
    check('products_account_rule', sql`(${table.type} = 'game_credit') = (${table.accountRule} is not null)`),
  ],
);

export const variants = pgTable(
  'variants',
  {
    id: uuid().primaryKey(),
    productId: uuid('product_id')
      .notNull()
      .references(() => products.id),
    sku: text().notNull().unique(),
    title: jsonb().$type<LocalizedText>().notNull(),
    region: text().notNull(),
    faceValue: integer('face_value').notNull(),
    faceCurrency: text('face_currency').notNull(),
    priceRial: bigint('price_rial', { mode: 'number' }).notNull(),
    position: integer().notNull(),
    /** What inventory last told; the reserve statement decides, not this. */
    availableCount: integer('available_count').notNull().default(0),
    /** Whether a supplier delivers what our own stock lacks. */
    canSupply: boolean('can_supply').notNull().default(false),
    stockToldAt: instant('stock_told_at'),
    releasesOn: date('releases_on', { mode: 'string' }),
  },
  (table) => [index('variants_product').on(table.productId), check('variants_price', sql`${table.priceRial} >= 10000`)],
);

/** One row: grows with each write that cached answers must follow, in that write's transaction. */
export const catalogVersion = pgTable('catalog_version', {
  id: integer().primaryKey(),
  version: bigint({ mode: 'number' }).notNull(),
});

/** What a source said a currency is worth, as it was read and judged; kept for 30 days. */
export const fxQuotes = pgTable(
  'fx_quotes',
  {
    id: uuid().primaryKey(),
    source: text().notNull(),
    currency: text().$type<RateCurrency>().notNull(),
    rateRial: bigint('rate_rial', { mode: 'number' }).notNull(),
    quotedAt: instant('quoted_at').notNull(),
    readAt: instant('read_at')
      .notNull()
      .default(sql`now()`),
    verdict: text().$type<QuoteVerdict>().notNull(),
  },
  (table) => [
    index('fx_quotes_latest').on(table.currency, table.source, table.readAt),
    index('fx_quotes_age').on(table.readAt),
    check('fx_quotes_rate', sql`${table.rateRial} between 1000 and 1000000000`),
  ],
);

/** The rates that prices follow, each written once. */
export const fxRates = pgTable(
  'fx_rates',
  {
    // A number of the database, not one of ours: of two rates of a currency the later has the greater, so an older one is known by it.
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    currency: text().$type<RateCurrency>().notNull(),
    rateRial: bigint('rate_rial', { mode: 'number' }).notNull(),
    source: text().$type<'market' | 'manual'>().notNull(),
    reason: text(),
    setBy: text('set_by'),
    acceptedAt: instant('accepted_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [check('fx_rates_rate', sql`${table.rateRial} between 1000 and 1000000000`)],
);

/** One row per currency, whose lock orders all that decides on its rate. */
export const fxStates = pgTable('fx_states', {
  currency: text().$type<RateCurrency>().primaryKey(),
  /** The rate that prices follow now. */
  rateId: bigint('rate_id', { mode: 'number' }).references(() => fxRates.id),
  /** What the sources agreed on last, also while a rate set by hand is followed. */
  marketRateRial: bigint('market_rate_rial', { mode: 'number' }),
  agreedAt: instant('agreed_at'),
  frozenSince: instant('frozen_since'),
  alarmedAt: instant('alarmed_at'),
  manualRateRial: bigint('manual_rate_rial', { mode: 'number' }),
  manualReason: text('manual_reason'),
  manualBy: text('manual_by'),
  manualUntil: instant('manual_until'),
  /** When the sources are read again; whoever moves it on is the one who reads. */
  dueAt: instant('due_at')
    .notNull()
    .default(sql`now()`),
});

/** How the price of a variant is made. Without a row here the price is set by hand. */
export const priceFormulas = pgTable(
  'price_formulas',
  {
    variantId: uuid('variant_id')
      .primaryKey()
      .references(() => variants.id),
    currency: text()
      .$type<RateCurrency>()
      .notNull()
      .references(() => fxStates.currency),
    costMinor: integer('cost_minor').notNull(),
    marginBasisPoints: integer('margin_basis_points').notNull(),
    feeRial: bigint('fee_rial', { mode: 'number' }).notNull(),
    stepRial: bigint('step_rial', { mode: 'number' }).notNull(),
    floorRial: bigint('floor_rial', { mode: 'number' }).notNull(),
    ceilingRial: bigint('ceiling_rial', { mode: 'number' }),
    /** The rate that the price was last made of; null until there was one. */
    pricedRateId: bigint('priced_rate_id', { mode: 'number' }).references(() => fxRates.id),
  },
  (table) => [
    index('price_formulas_currency').on(table.currency, table.pricedRateId),
    check('price_formulas_cost', sql`${table.costMinor} between 1 and 10000000`),
    check('price_formulas_margin', sql`${table.marginBasisPoints} between 0 and 100000`),
    check('price_formulas_fee', sql`${table.feeRial} between 0 and 1000000000000`),
    check('price_formulas_step', sql`${table.stepRial} between 10 and 10000000 and ${table.stepRial} % 10 = 0`),
    check('price_formulas_bounds', sql`${table.floorRial} >= 10000 and ${table.ceilingRial} >= ${table.floorRial}`),
  ],
);

/** Each price that a variant got since it was made, with all that made it. Rows are never changed. */
export const priceHistory = pgTable(
  'price_history',
  {
    id: uuid().primaryKey(),
    variantId: uuid('variant_id')
      .notNull()
      .references(() => variants.id),
    oldPriceRial: bigint('old_price_rial', { mode: 'number' }).notNull(),
    priceRial: bigint('price_rial', { mode: 'number' }).notNull(),
    cause: text().$type<PriceCause>().notNull(),
    /** The formula and the rate as they were; null for a price set by hand. */
    inputs: jsonb().$type<PriceInputs>(),
    rateId: bigint('rate_id', { mode: 'number' }).references(() => fxRates.id),
    reason: text(),
    changedBy: text('changed_by').notNull(),
    at: instant('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [index('price_history_variant').on(table.variantId, table.id)],
);
