import { and, eq } from 'drizzle-orm';
import { productNotFound } from '@kelid/contracts/catalog';
import type { Context } from './context.ts';
import type { ProductRow } from './db/queries.ts';
import { products } from './db/schema.ts';

/** The seller that this caller is; undefined for the shop's own staff and services, who may touch every product. */
export function sellerScope(ctx: Context): string | undefined {
  return ctx.actor.kind === 'user' && !ctx.actor.roles.includes('admin') ? ctx.actor.userId : undefined;
}

/** A product that this caller may change; another seller's is as missing as one that is not there. */
export async function ownProduct(ctx: Context, productId: string): Promise<ProductRow> {
  const seller = sellerScope(ctx);
  const [row] = await ctx.db
    .select()
    .from(products)
    .where(and(eq(products.id, productId), seller === undefined ? undefined : eq(products.sellerId, seller)));
  if (!row) throw productNotFound();
  return row;
}
