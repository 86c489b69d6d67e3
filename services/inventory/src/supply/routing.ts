import { and, eq, type SQL, sql } from 'drizzle-orm';
import { newId } from '@kelid/service/ids';
import type { Context } from '../context.ts';
import { procurements, supplierOffers } from '../db/schema.ts';
import type { Supplier } from '../providers/supplier.ts';
import { placeOrder } from './place-order.ts';

/** What can be ordered of something that has no stock before its day of release. */
const preOrderUnits = 100;

type Offer = typeof supplierOffers.$inferSelect;

interface Candidate {
  offer: Offer;
  supplier: Supplier;
  failedShare: number;
  /** How long its last units took, on average; 0 while nothing is known. */
  deliverySeconds: number;
}

/**
 * Buys what a paid line still lacks: own stock first (`supply_fill`), then from whoever can deliver for least (`supply_open`). Answers
 * whether a ceiling of this line was reached: then nobody buys for it any more.
 */
export async function supplyLine(
  ctx: Context,
  orderLineId: string,
  variantId: string,
): Promise<{ isAtCeiling: boolean }> {
  const { rows } = await ctx.db.execute<{ uncovered: number }>(sql`select supply_fill(${orderLineId}) as uncovered`);
  ctx.wakeRelay();
  let uncovered = rows[0]?.uncovered ?? 0;
  if (uncovered === 0) return { isAtCeiling: false };
  for (const { offer, supplier, stockCount } of await rank(ctx, await candidatesFor(ctx, variantId, orderLineId))) {
    let left = stockCount;
    while (uncovered > 0 && left > 0) {
      const id = newId();
      const wanted = Math.min(uncovered, left, supplier.facts.unitsPerOrderMax);
      // The row, with our reference, before the call: a crash in between leaves something to look for (CP13).
      const { units, stop } = await open(
        ctx,
        sql`select * from supply_open(${id}, ${orderLineId}, ${offer.supplier}, ${wanted}, ${limitsOf(ctx)}::jsonb)`,
      );
      if (stop?.startsWith('need:')) return { isAtCeiling: true };
      if (units === 0) break; // Another router covers the rest, or this supplier is at its ceiling.
      uncovered -= units;
      left -= units;
      await placeOpened(ctx, id);
    }
    if (uncovered === 0) break;
  }
  return { isAtCeiling: false };
}

/** Buys a variant up to its target stock, by `supply_open_stock`. */
export async function buyAhead(ctx: Context, variantId: string): Promise<void> {
  const candidates = await candidatesFor(ctx, variantId, null);
  // Not from a person, and nothing for later: stock is what can be sold now.
  const machines = candidates.filter(({ offer, supplier }) => !supplier.facts.isByHand && !offer.allowsPreOrder);
  for (const { offer, supplier, stockCount } of await rank(ctx, machines)) {
    const id = newId();
    const wanted = Math.min(stockCount, supplier.facts.unitsPerOrderMax);
    const { units } = await open(
      ctx,
      sql`select * from supply_open_stock(${id}, ${variantId}, ${offer.supplier}, ${wanted}, ${limitsOf(ctx)}::jsonb)`,
    );
    if (units > 0) await placeOpened(ctx, id);
  }
}

type Opened = { units: number; stop: string | null; is_news: boolean | null };

/** Opens a supplier order, unless the database says that a ceiling is reached: told aloud once a day for each. */
async function open(ctx: Context, statement: SQL): Promise<Opened> {
  const { rows } = await ctx.db.execute<Opened>(statement);
  const opened = rows[0] ?? { units: 0, stop: null, is_news: null };
  if (opened.is_news)
    ctx.log.error(
      { scope: opened.stop, alarm: 'spending-ceiling' },
      'a ceiling of what may be spent at suppliers was reached; nothing more is bought there',
    );
  return opened;
}

async function placeOpened(ctx: Context, id: string): Promise<void> {
  const [procurement] = await ctx.db.select().from(procurements).where(eq(procurements.id, id));
  if (procurement) await placeOrder(ctx, procurement);
}

function limitsOf({ config }: Context): string {
  return JSON.stringify({
    needSpareOrders: config.INVENTORY_LINE_SPARE_ORDERS,
    needTimes: config.INVENTORY_LINE_SPEND_TIMES,
    needCents: config.INVENTORY_LINE_SPEND_CENTS,
    supplierDayCents: config.INVENTORY_SUPPLIER_DAY_CENTS,
    dayCents: config.INVENTORY_SPEND_DAY_CENTS,
  });
}

/** Offers that may be asked now: switched on, up, and not left out by `supply_excludes`: resting, or for what they did for this line (or stock). */
async function candidatesFor(ctx: Context, variantId: string, orderLineId: string | null): Promise<Candidate[]> {
  const rows = await ctx.db
    .select({
      offer: supplierOffers,
      deliverySeconds: sql<number>`coalesce((select avg(extract(epoch from at - created_at)) from (
        select u.at, p.created_at from supplied_units u join procurements p on p.id = u.procurement_id
        where p.supplier = supplier_offers.supplier and u.verdict = 'stored' and not p.allows_pre_order and u.at > now() - interval '1 day' order by u.at desc limit 20) recent), 0)::float8`,
      failedShare: sql<number>`coalesce((select avg(case when status in ('refused', 'unknown', 'not_placed', 'cancelled', 'review') then 1 else 0 end)
        from (select status from procurements p where p.supplier = supplier_offers.supplier and p.created_at > now() - interval '30 minutes' order by p.created_at desc limit 20) recent), 0)::float8`,
    })
    .from(supplierOffers)
    .where(
      and(
        eq(supplierOffers.variantId, variantId),
        supplierOffers.isEnabled,
        sql`not supply_excludes(${orderLineId}::uuid, ${variantId}::uuid, ${supplierOffers.supplier})`,
      ),
    );
  return rows.flatMap(({ offer, ...record }) => {
    const supplier = ctx.suppliers.get(offer.supplier);
    return supplier?.isUp() ? [{ offer, supplier, ...record }] : [];
  });
}

/** A shopper who waits ten minutes longer is worth two percent of the price to us, and no more than half an hour's worth. */
function slowShare(deliverySeconds: number): number {
  return Math.min(deliverySeconds, 1_800) * (0.02 / 600);
}

/** Asks each for its price now. A price above our maximum is no offer; one that fails often or delivers late counts as dearer, a person comes last. */
async function rank(ctx: Context, candidates: Candidate[]) {
  const quoted = await Promise.all(
    candidates.map(async (candidate) => {
      const { offer, supplier } = candidate;
      const quote = await supplier.quote(offer.productRef, offer.allowsPreOrder, ctx.signal);
      await writeQuote(ctx, offer, quote);
      if (quote.kind !== 'offered' || quote.unitPriceCents > offer.unitMaxCents) return [];
      const stockCount = offer.allowsPreOrder ? Math.max(quote.stockCount, preOrderUnits) : quote.stockCount;
      if (stockCount <= 0) return [];
      return [
        {
          ...candidate,
          stockCount,
          cost: supplier.facts.isByHand
            ? Infinity
            : quote.unitPriceCents * (1 + candidate.failedShare + slowShare(candidate.deliverySeconds)),
        },
      ];
    }),
  );
  return quoted.flat().toSorted((a, b) => a.cost - b.cost);
}

/** Keeps what a supplier said last; the shop window follows when it changes what can be sold (`supply_can`). */
export async function writeQuote(
  ctx: Context,
  offer: Offer,
  quote: Awaited<ReturnType<Supplier['quote']>>,
): Promise<void> {
  if (quote.kind === 'unknown') return;
  const [cents, stockCount] = quote.kind === 'offered' ? [quote.unitPriceCents, quote.stockCount] : [null, 0];
  await ctx.db.execute(sql`
    with was as (select supply_can(${offer.variantId}, 1) as could),
    written as (
      update supplier_offers set quote_cents = ${cents}::int, quote_stock_count = ${stockCount}::int, quoted_at = now()
      where variant_id = ${offer.variantId} and supplier = ${offer.supplier} returning variant_id, quote_cents <= unit_max_cents and (quote_stock_count > 0 or allows_pre_order) and is_enabled as can)
    insert into stock_touches (variant_id) select variant_id from written, was where was.could is distinct from written.can`);
}
