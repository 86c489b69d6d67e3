import { and, asc, eq, gt } from 'drizzle-orm';
import type { z } from 'zod';
import { type catalogContract, productNotFound, rateNotSet } from '@kelid/contracts/catalog';
import { invalidInput } from '@kelid/contracts/common';
import { type PriceFormula, priceFromRate } from '@kelid/money/price-from-rate';
import type { Context, Operations } from '../context.ts';
import { fxRates, fxStates, priceFormulas, variants } from '../db/schema.ts';
import { readCursor, writeCursor } from '../domain/cursor.ts';

type Item = z.input<typeof catalogContract.operations.previewPriceChange.output>['items'][number];

const scanned = 500;
/** So many formulas are looked at for one page, however few of them would change. */
const roundsMax = 10;

export const previewPriceChange: Operations['previewPriceChange'] = async (ctx, input) => {
  const { currency, variant, limit } = input;
  if (variant && variant.formula.currency !== currency)
    throw invalidInput({ errors: [{ field: 'variant.formula.currency', message: 'is not that of this preview' }] });
  const rateRial = input.rateRial ?? (await findFollowedRate(ctx, currency));
  if (rateRial === undefined) throw rateNotSet();

  if (variant) {
    const [row] = await ctx.db.select().from(variants).where(eq(variants.id, variant.variantId));
    if (!row) throw productNotFound();
    return { items: changeOf(row, variant.formula, rateRial), nextCursor: null };
  }

  let after = input.cursor === undefined ? undefined : readCursor(input.cursor, 'price-preview', 'text').id;
  const items: Item[] = [];
  for (let round = 0; round < roundsMax; round += 1) {
    const rows = await ctx.db
      .select({ formula: priceFormulas, variant: variants })
      .from(priceFormulas)
      .innerJoin(variants, eq(variants.id, priceFormulas.variantId))
      .where(
        and(eq(priceFormulas.currency, currency), after === undefined ? undefined : gt(priceFormulas.variantId, after)),
      )
      .orderBy(asc(priceFormulas.variantId))
      .limit(scanned);
    for (const row of rows) {
      if (items.length === limit) return { items, nextCursor: cursorAfter(after) };
      items.push(...changeOf(row.variant, row.formula, rateRial));
      after = row.variant.id;
    }
    if (rows.length < scanned) return { items, nextCursor: null };
  }
  return { items, nextCursor: cursorAfter(after) };
};

/** Nothing when the price would stay. */
function changeOf(row: typeof variants.$inferSelect, formula: PriceFormula, rateRial: number): Item[] {
  const toRial = priceFromRate(formula, rateRial);
  if (toRial === row.priceRial) return [];
  return [{ variantId: row.id, sku: row.sku, title: row.title, fromRial: row.priceRial, toRial }];
}

function cursorAfter(id: string | undefined): string | null {
  return id === undefined ? null : writeCursor({ sort: 'price-preview', value: '', id });
}

async function findFollowedRate(ctx: Context, currency: typeof fxStates.$inferSelect.currency) {
  const [rate] = await ctx.db
    .select({ rateRial: fxRates.rateRial })
    .from(fxStates)
    .innerJoin(fxRates, eq(fxRates.id, fxStates.rateId))
    .where(eq(fxStates.currency, currency));
  return rate?.rateRial;
}
