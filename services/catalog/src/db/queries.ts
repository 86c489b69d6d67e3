import { asc, eq, type SQL, sql } from 'drizzle-orm';
import type { z } from 'zod';
import { addressOf } from '@kelid/contracts/address';
import type { Availability, CategoryNode, Product, ProductSummary } from '@kelid/contracts/catalog';
import { catalogContract, productNotFound } from '@kelid/contracts/catalog';
import type { Language } from '@kelid/contracts/common';
import type { Context } from '../context.ts';
import { categories, products, variants } from './schema.ts';

export type ProductRow = typeof products.$inferSelect;

export function showSummary(row: ProductRow, language: Language): z.input<typeof ProductSummary> {
  return {
    id: row.id,
    slug: row.slug,
    title: row.title[language],
    summary: row.summary[language],
    type: row.type,
    platform: row.platform,
    brand: row.brand,
    image: imageOf(row, language),
    rating: null,
    fromPriceRial: row.fromPriceRial,
    inStock: row.isInStock,
    regions: row.regions,
  };
}

/** Where a kept picture is. */
export const mediaUrl = (mediaKey: string) => addressOf(catalogContract.operations.getMedia, { mediaKey }).path;

export function imageOf(row: Pick<ProductRow, 'image' | 'title'>, language: Language) {
  if (row.image === null) return null;
  return {
    small: mediaUrl(row.image.small),
    medium: mediaUrl(row.image.medium),
    large: mediaUrl(row.image.large),
    alt: row.title[language],
  };
}

export function availabilityOf(
  ctx: Context,
  variant: { availableCount: number; canSupply: boolean; releasesOn: string | null },
): Availability {
  const isComing = variant.releasesOn !== null && variant.releasesOn > ctx.now().toISOString().slice(0, 10);
  if (variant.availableCount === 0 && variant.canSupply) return isComing ? 'pre_order' : 'from_supplier';
  if (variant.availableCount === 0) return 'out_of_stock';
  return variant.availableCount <= 5 && !variant.canSupply ? 'low' : 'in_stock';
}

/** A published product with all that its page shows. */
export async function getPublishedProduct(
  ctx: Context,
  which: SQL,
  language: Language,
): Promise<z.input<typeof Product>> {
  const [row] = await ctx.readDb
    .select()
    .from(products)
    .where(sql`${which} and ${products.isPublished}`);
  if (!row) throw productNotFound();
  const [ownVariants, allCategories] = await Promise.all([
    ctx.readDb
      .select()
      .from(variants)
      .where(eq(variants.productId, row.id))
      .orderBy(asc(variants.position), asc(variants.id)),
    ctx.readDb.select().from(categories),
  ]);
  const breadcrumbs: { id: string; slug: string; title: string }[] = [];
  for (let current = allCategories.find((category) => category.id === row.categoryId); current;) {
    breadcrumbs.unshift({ id: current.id, slug: current.slug, title: current.title[language] });
    const { parentId } = current;
    current = allCategories.find((category) => category.id === parentId);
  }
  const category = breadcrumbs.at(-1);
  if (!category) throw new Error('A product has no category');
  return {
    ...showSummary(row, language),
    description: row.description[language],
    activationGuide: row.activationGuide[language],
    accountRule: row.accountRule,
    category,
    breadcrumbs,
    variants: ownVariants.map((variant) => ({
      id: variant.id,
      sku: variant.sku,
      title: variant.title[language],
      region: variant.region,
      faceValue: variant.faceValue,
      faceCurrency: variant.faceCurrency,
      priceRial: variant.priceRial,
      availability: availabilityOf(ctx, variant),
      releasesOn: variant.releasesOn,
    })),
    updatedAt: new Date(row.updatedAt).toISOString(),
  };
}

type CategoryCount = {
  id: string;
  slug: string;
  title: { fa: string; en: string };
  parent_id: string | null;
  count: number;
  [column: string]: unknown;
};

/** The tree, each category counting the published products in it and below it. */
export async function categoryTree(ctx: Context, language: Language): Promise<CategoryNode[]> {
  const { rows } = await ctx.readDb.execute<CategoryCount>(sql`
    select c.id, c.slug, c.title, c.parent_id, (select count(*)::int from products p where p.category_id = c.id and p.is_published) as count
    from categories c order by c.position, c.id`);
  const build = (parentId: string | null): CategoryNode[] =>
    rows
      .filter((row) => row.parent_id === parentId)
      .map((row) => {
        const children = build(row.id);
        const productCount = row.count + children.reduce((sum, child) => sum + child.productCount, 0);
        return { id: row.id, slug: row.slug, title: row.title[language], productCount, children };
      });
  return build(null);
}

/** PostgreSQL's text holds no NUL: a word with one is asked for as a word that nothing has, not as an error. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}

/** The ids of a category and everything below it. */
export function subtreeIds(slug: string): SQL {
  return sql`(with recursive below as (select id from categories where slug = ${storable(slug)} union select c.id from categories c join below b on c.parent_id = b.id) select id from below)`;
}
