import { and, eq, isNull, ne, sql } from 'drizzle-orm';
import { ownAffair } from '@kelid/contracts/common';
import { keyRefundDue } from '@kelid/contracts/events';
import { complaintNotFound, orderRefunded, stockShort } from '@kelid/contracts/inventory';
import { actorName, requireUser } from '@kelid/service/context';
import { sqlState } from '@kelid/service/database';
import { publish } from '@kelid/service/outbox';
import { sqlStates } from '@kelid/service/sqlstates';
import { tellVerdict, weighBatch } from './complaining.ts';
import type { Operations } from '../context.ts';
import { complaints, keyAllocations } from '../db/schema.ts';

/**
 * A person's decision on an open complaint, once. `inventory_replace` binds the other product key; `complaints_not_after_refund` refuses to
 * give what the money of the order was already given for.
 */
export const decideComplaint: Operations['decideComplaint'] = async (ctx, { complaintId, status, reason }) => {
  const { keyId, verdict, ...decided } = await ctx.transaction(async (tx) => {
    const me = requireUser(ctx).userId;
    const isOpen = and(eq(complaints.id, complaintId), eq(complaints.status, 'open'));
    const [complaint] = await tx
      .update(complaints)
      .set({ status, decision: reason, decidedBy: actorName(ctx), decidedAt: sql`now()` })
      .where(and(isOpen, ne(complaints.customerId, me)))
      .returning()
      .catch((error: unknown) => {
        throw sqlState(error) === sqlStates.orderRefunded ? orderRefunded() : error;
      });
    if (!complaint && (await tx.$count(complaints, isOpen)) > 0) throw ownAffair(); // A64
    if (!complaint) throw complaintNotFound();
    const { orderId, keyId } = complaint;
    if (status === 'refunded') {
      const [unit] = await tx
        .select({ orderLineId: keyAllocations.orderLineId })
        .from(keyAllocations)
        .where(and(eq(keyAllocations.keyId, keyId), isNull(keyAllocations.withdrawnAt)));
      if (!unit) throw new Error('The product key of this complaint is bound to no line');
      await publish(
        tx,
        keyRefundDue({ complaintId, orderId, orderLineId: unit.orderLineId, keyId, decidedBy: actorName(ctx) }),
      );
    }
    // Before another key is bound: what is evidently bad is not handed out once more.
    const verdict = status === 'rejected' ? 'fine' : await weighBatch(ctx, tx, complaint.batchId);
    if (status !== 'replaced') return { keyId, verdict, complaintId, status, replacementKeyId: null };
    const { rows } = await tx.execute<{ fresh: string | null }>(sql`select inventory_replace(${keyId}) as fresh`);
    const fresh = rows[0]?.fresh ?? null;
    // Nothing to replace it with: the whole decision is taken back.
    if (fresh === null) throw stockShort({ variantIds: [] });
    await tx.update(complaints).set({ replacementKeyId: fresh }).where(eq(complaints.id, complaintId));
    return { keyId, verdict, complaintId, status, replacementKeyId: fresh };
  });
  tellVerdict(ctx, keyId, verdict);
  return decided;
};
