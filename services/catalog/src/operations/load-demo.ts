import { eq, sql } from 'drizzle-orm';
import { priceFromRate } from '@kelid/money/price-from-rate';
import { newId } from '@kelid/service/ids';
import type { Context, Operations } from '../context.ts';
import { categories, priceFormulas, products, variants } from '../db/schema.ts';
import { drawCard } from '../../../../demo/card-art.ts';
import type { DemoProduct } from '../../../../demo/demo-product.ts';
import { demoCategories, demoProducts } from '../../../../demo/demo-shop.ts';
import { searchTextOf } from '../domain/search-text.ts';
import { storeImage } from '../images.ts';

const demoFormula = { feeRial: 0, stepRial: 10_000, floorRial: 10_000, ceilingRial: null };

/** Fills the catalogue with the demo shop. What is there by its slug or SKU stays as it is, so repeating adds only what is missing. */
export const loadDemo: Operations['loadDemo'] = async (ctx) => {
  for (const [position, category] of demoCategories.entries()) {
    await ctx.db.execute(sql`
      insert into categories (id, slug, title, parent_id, position)
      values (${newId()}, ${category.slug}, ${JSON.stringify(category.title)}::jsonb, (select id from categories where slug = ${category.parentSlug}), ${position})
      on conflict (slug) do nothing`);
  }
  const categoryRows = await ctx.db.select({ id: categories.id, slug: categories.slug }).from(categories);
  const categoryIds = new Map(categoryRows.map((row) => [row.slug, row.id]));
  const known = new Set((await ctx.db.select({ slug: products.slug }).from(products)).map((row) => row.slug));
  const missing = demoProducts.filter((product) => !known.has(product.slug));
  await ctx.transaction(async (tx) => {
    for (const product of missing) {
      const categoryId = categoryIds.get(product.categorySlug);
      if (categoryId === undefined) throw new Error(`The demo names no category ${product.categorySlug}`);
      const productId = newId();
      const { art: _art, categorySlug: _slug, variants: demoVariants, ...fields } = product;
      await tx.insert(products).values({ ...fields, id: productId, categoryId, searchText: searchTextOf(product) });
      const newVariants = demoVariants.map((variant, position) => ({ ...variant, id: newId(), productId, position }));
      await tx.insert(variants).values(
        newVariants.map(({ costUsdMinor, marginBasisPoints, demoStockCount: _stock, cost: _cost, ...variant }) => ({
          ...variant,
          priceRial: priceFromRate(
            { ...demoFormula, costMinor: costUsdMinor, marginBasisPoints },
            ctx.config.CATALOG_DEMO_DOLLAR_RIAL,
          ),
        })),
      );
      const formulas = newVariants.flatMap(({ id: variantId, marginBasisPoints, cost }) =>
        cost ? [{ ...demoFormula, ...cost, variantId, marginBasisPoints }] : [],
      );
      if (formulas.length > 0) await tx.insert(priceFormulas).values(formulas);
    }
  });
  await drawMissingCards(ctx);
  const rows = await ctx.db
    .select({ variantId: variants.id, sku: variants.sku, brand: products.brand })
    .from(variants)
    .innerJoin(products, eq(products.id, variants.productId));
  const stockOf = new Map(
    demoProducts.flatMap((product) =>
      product.variants.map((variant) => [variant.sku, variant.demoStockCount] as const),
    ),
  );
  return {
    productCount: demoProducts.length,
    variants: rows.flatMap((row) =>
      stockOf.has(row.sku) ? [{ ...row, demoStockCount: stockOf.get(row.sku) ?? 0 }] : [],
    ),
  };
};

async function drawMissingCards(ctx: Context): Promise<void> {
  const bare = await ctx.db
    .select({ id: products.id, slug: products.slug })
    .from(products)
    .where(sql`${products.image} is null`);
  const artOf = new Map(demoProducts.map((product) => [product.slug, product]));
  for (const row of bare) {
    const product: DemoProduct | undefined = artOf.get(row.slug);
    if (!product) continue;
    const image = await storeImage(ctx.store, Buffer.from(drawCard(product.art, product.title.en, row.slug)), ['svg']);
    await ctx.db.update(products).set({ image }).where(eq(products.id, row.id));
  }
}
