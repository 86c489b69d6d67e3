import { and, eq, type SQL, sql } from 'drizzle-orm';
import { notReviewed, productNotFound, slugTaken, categoryNotFound, staffDecides } from '@kelid/contracts/catalog';
import { invalidInput } from '@kelid/contracts/common';
import { sqlState, violatedConstraint } from '@kelid/service/database';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Context } from './context.ts';
import type { ProductRow } from './db/queries.ts';
import { products } from './db/schema.ts';

/** The seller that this caller is; undefined for the shop's own staff and services, who may touch every product. */
export function sellerScope(ctx: Context): string | undefined {
  return ctx.actor.kind === 'user' && !ctx.actor.roles.includes('admin') ? ctx.actor.userId : undefined;
}

/** The product, if this caller may change it: belongs in the statement that changes it. */
export function isOwn(ctx: Context, productId: string): SQL | undefined {
  const seller = sellerScope(ctx);
  return and(eq(products.id, productId), seller === undefined ? undefined : eq(products.sellerId, seller));
}

/** A product that this caller may change; another seller's is as missing as one that is not there. */
export async function ownProduct(ctx: Context, productId: string): Promise<ProductRow> {
  const [row] = await ctx.db.select().from(products).where(isOwn(ctx, productId));
  if (!row) throw productNotFound();
  return row;
}

/** What a seller changes is a proposal: not shown until staff have looked at it as it is now. */
export function asProposal(ctx: Context) {
  return sellerScope(ctx) === undefined
    ? {}
    : {
        review: 'proposed' as const,
        reviewNote: null,
        reviewedBy: null,
        proposalNumber: sql`${products.proposalNumber} + 1`,
        isPublished: false,
        isFeatured: false,
      };
}

export function refuseWhatStaffDecide(
  ctx: Context,
  fields: { isFeatured?: boolean | undefined; isPublished?: boolean | undefined },
): void {
  if (sellerScope(ctx) === undefined) return;
  const errors = (['isFeatured', 'isPublished'] as const)
    .filter((field) => fields[field] === true)
    .map((field) => ({ field, message: 'Staff decide this' }));
  if (errors.length > 0) throw staffDecides({ errors });
}

/** The problem behind a refused write of a product. */
export function productProblem(error: unknown): unknown {
  if (sqlState(error) === sqlStates.uniqueViolation) return slugTaken();
  if (sqlState(error) === sqlStates.foreignKeyViolation) return categoryNotFound();
  if (violatedConstraint(error) === 'products_reviewed') return notReviewed();
  if (violatedConstraint(error) === 'products_account_rule')
    return invalidInput({
      errors: [{ field: 'accountRule', message: 'A game credit names whose account it goes to; nothing else does' }],
    });
  return error;
}
