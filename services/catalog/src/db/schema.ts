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
import type { LocalizedText } from '@kelid/contracts/common';
import type { GameAccountRule } from '@kelid/contracts/game-account';

export { inbox, outbox } from '@kelid/service/tables';

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
