import { eq } from 'drizzle-orm';
import { priceOutOfBounds, RateCurrency } from '@kelid/contracts/catalog';
import type { Tx } from '@kelid/service/context';
import type { Context } from './context.ts';
import { fxRates, fxStates, priceFormulas } from './db/schema.ts';
import { sellerScope } from './own-product.ts';

interface Offered {
  field: string;
  variantId?: string;
  priceRial: number;
  /** Minor units of the currency. */
  faceValue: number;
  faceCurrency: string;
}

/** A seller asks for a price between the bounds of the shop; one that follows a rate is the staff's. Call it in the price's transaction. */
export async function refusePriceOfSeller(ctx: Context, tx: Tx, offered: Offered): Promise<void> {
  if (sellerScope(ctx) === undefined) return;
  const refuse = (message: string) => priceOutOfBounds({ errors: [{ field: offered.field, message }] });
  if (offered.variantId !== undefined) {
    const [formula] = await tx
      .select({ variantId: priceFormulas.variantId })
      .from(priceFormulas)
      .where(eq(priceFormulas.variantId, offered.variantId))
      .for('update');
    if (formula) throw refuse('This price follows a rate, which staff set');
  }
  const { config } = ctx;
  const worthRial = await faceWorthRial(tx, offered);
  const floorRial = Math.max(
    config.CATALOG_SELLER_PRICE_MIN_RIAL,
    Math.ceil((worthRial * config.CATALOG_SELLER_PRICE_LOW_BASIS_POINTS) / 10_000),
  );
  const ceilingRial = Math.min(
    config.CATALOG_SELLER_PRICE_MAX_RIAL,
    worthRial === 0
      ? Number.MAX_SAFE_INTEGER
      : Math.floor((worthRial * config.CATALOG_SELLER_PRICE_HIGH_BASIS_POINTS) / 10_000),
  );
  if (offered.priceRial < floorRial || offered.priceRial > ceilingRial)
    throw refuse(`is between ${floorRial} and ${ceilingRial} Rial`);
}

/** What the face value is worth by the rate that prices follow; 0 where there is no such rate or no face value. */
async function faceWorthRial(tx: Tx, { faceValue, faceCurrency }: Offered): Promise<number> {
  const currency = RateCurrency.safeParse(faceCurrency);
  if (!currency.success) return 0;
  const [rate] = await tx
    .select({ rateRial: fxRates.rateRial })
    .from(fxStates)
    .innerJoin(fxRates, eq(fxRates.id, fxStates.rateId))
    .where(eq(fxStates.currency, currency.data));
  return Number((BigInt(faceValue) * BigInt(rate?.rateRial ?? 0)) / 100n);
}
