import { and, eq, ne, sql } from 'drizzle-orm';
import { ownAffair } from '@kelid/contracts/common';
import { keyRefundDue } from '@kelid/contracts/events';
import { complaintNotFound, stockShort } from '@kelid/contracts/inventory';
import { requireUser } from '@kelid/service/context';
import { publish } from '@kelid/service/outbox';
import type { Operations } from '../context.ts';
import { actorName } from '../db/queries.ts';
import { complaints, keyAllocations } from '../db/schema.ts';

/** A person's decision on an open complaint, once. */
export const decideComplaint: Operations['decideComplaint'] = async (ctx, { complaintId, status, reason }) =>
  ctx.transaction(async (tx) => {
    const me = requireUser(ctx).userId;
    const isOpen = and(eq(complaints.id, complaintId), eq(complaints.status, 'open'));
    const [complaint] = await tx
      .update(complaints)
      .set({ status, decision: reason, decidedBy: actorName(ctx.actor), decidedAt: sql`now()` })
      .where(and(isOpen, ne(complaints.customerId, me)))
      .returning();
    if (!complaint && (await tx.$count(complaints, isOpen)) > 0) throw ownAffair(); // A64
    if (!complaint) throw complaintNotFound();
    if (status === 'refunded') {
      const [unit] = await tx
        .select({ orderLineId: keyAllocations.orderLineId })
        .from(keyAllocations)
        .where(eq(keyAllocations.keyId, complaint.keyId));
      if (!unit) throw new Error('The product key of this complaint is bound to no line');
      const { orderId, keyId } = complaint;
      await publish(tx, keyRefundDue({ complaintId, orderId, orderLineId: unit.orderLineId, keyId }));
    }
    if (status !== 'replaced') return { complaintId, status, replacementKeyId: null };
    const { rows } = await tx.execute<{ fresh: string | null }>(
      sql`select inventory_replace(${complaint.keyId}) as fresh`,
    );
    const fresh = rows[0]?.fresh ?? null;
    // Nothing to replace it with: the whole decision is taken back.
    if (fresh === null) throw stockShort({ variantIds: [] });
    await tx.update(complaints).set({ replacementKeyId: fresh }).where(eq(complaints.id, complaintId));
    return { complaintId, status, replacementKeyId: fresh };
  });
