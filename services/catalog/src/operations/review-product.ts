import { and, eq, isNotNull, sql } from 'drizzle-orm';
import { productNotFound, proposalChanged } from '@kelid/contracts/catalog';
import { productChanged } from '@kelid/contracts/events';
import { publish } from '@kelid/service/outbox';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { products } from '../db/schema.ts';

/** Decides on the proposal that was looked at: what the seller changed since then waits to be looked at as well. */
export const reviewProduct: Operations['reviewProduct'] = (ctx, { productId, proposalNumber, decision, note }) =>
  ctx.transaction(async (tx) => {
    const isApproved = decision === 'approve';
    const [row] = await tx
      .update(products)
      .set({
        review: isApproved ? 'approved' : 'rejected',
        reviewNote: note ?? null,
        reviewedBy: actorName(ctx),
        isPublished: isApproved,
        updatedAt: sql`now()`,
      })
      .where(
        and(
          eq(products.id, productId),
          isNotNull(products.sellerId),
          eq(products.review, 'proposed'),
          eq(products.proposalNumber, proposalNumber),
        ),
      )
      .returning({ review: products.review, isPublished: products.isPublished });
    if (row) {
      await publish(tx, productChanged({ productId }));
      return { productId, ...row };
    }
    const [known] = await tx.select({ id: products.id }).from(products).where(eq(products.id, productId));
    throw known ? proposalChanged() : productNotFound();
  });
