import { eq, sql } from 'drizzle-orm';
import { tellVerdict, weighBatch } from '../complaints/complaining.ts';
import type { Context } from '../context.ts';
import { complaintPictures, complaints, procurements, supplierClaims } from '../db/schema.ts';
import { openPicture } from '../complaints/pictures.ts';
import { openStoredKey } from '../vault/record-reveal.ts';
import type { Claim } from '../providers/supplier.ts';

type ClaimRow = typeof supplierClaims.$inferSelect;

/** How long an answer is waited for after the supplier was asked: two weeks, as the slowest of them says. */
const answerHours = 14 * 24;

/** Bad units of suppliers: asked for their money inside the supplier's window, once; then watched until it answers. */
export async function claimFromSuppliers(ctx: Context): Promise<number> {
  const due = await ctx.db
    .update(supplierClaims)
    .set({ dueAt: sql`now() + interval '10 minutes'` })
    .where(
      sql`complaint_id = any(array(select complaint_id from supplier_claims where due_at <= now() order by due_at limit 5 for update skip locked))`,
    )
    .returning();
  for (const claim of due) await followClaim(ctx, claim);
  return due.length;
}

async function followClaim(ctx: Context, row: ClaimRow): Promise<void> {
  const supplier = ctx.suppliers.get(row.supplier);
  const hours = (ctx.now().getTime() - Date.parse(row.askedAt ?? row.deliveredAt)) / 3_600_000;
  if (row.status === 'due') {
    if (!supplier?.claim || supplier.facts.claimHours === 0) {
      await endClaim(ctx, row, 'refused', 'this supplier is asked by hand only');
      return;
    }
    if (hours > supplier.facts.claimHours) {
      await endClaim(ctx, row, 'late', 'past the window of the supplier');
      return;
    }
    const claim = await describe(ctx, row);
    const answer = await supplier.claim(claim);
    if (answer === 'unknown') return; // Asked again when the lease is over; a second claim of one unit is refused as one.
    if (answer === 'refused')
      await endClaim(
        ctx,
        row,
        'refused',
        claim.claimedCount < claim.orderQuantity ? 'other units of the same order are good' : 'refused by the supplier',
      );
    else
      await ctx.db
        .update(supplierClaims)
        .set({ status: 'asked', askedAt: sql`now()`, dueAt: sql`now() + interval '1 hour'` })
        .where(sql`${eq(supplierClaims.complaintId, row.complaintId)} and status = 'due'`);
    return;
  }
  const outcome = await supplier?.claimOutcome?.(await describe(ctx, row), ctx.signal);
  if (outcome === 'granted') await endClaim(ctx, row, 'granted', null);
  else if (outcome === 'refused') await endClaim(ctx, row, 'refused', 'refused by the supplier');
  else if (hours > answerHours) await endClaim(ctx, row, 'refused', 'no answer in two weeks');
  else
    await ctx.db
      .update(supplierClaims)
      .set({ dueAt: sql`now() + interval '6 hours'` })
      .where(eq(supplierClaims.complaintId, row.complaintId));
}

async function endClaim(
  ctx: Context,
  row: ClaimRow,
  status: 'granted' | 'refused' | 'late',
  note: string | null,
): Promise<void> {
  await ctx.transaction(async (tx) => {
    await tx
      .update(supplierClaims)
      .set({ status, note, dueAt: null })
      .where(sql`${eq(supplierClaims.complaintId, row.complaintId)} and status = ${row.status}`);
    if (status !== 'granted') return;
    const [complaint] = await tx.select().from(complaints).where(eq(complaints.id, row.complaintId));
    if (complaint) tellVerdict(ctx, complaint.keyId, await weighBatch(ctx, tx, complaint.batchId));
  });
  ctx.log.warn(
    { supplier: row.supplier, procurementId: row.procurementId, status, reason: note },
    'a claim to a supplier has ended',
  );
}

async function describe(ctx: Context, row: ClaimRow): Promise<Claim> {
  const [found] = await ctx.db
    .select({
      supplierOrderId: procurements.supplierOrderId,
      productRef: procurements.productRef,
      orderQuantity: procurements.quantity,
      claimedCount: sql<number>`(select count(*)::int from supplier_claims c where c.procurement_id = ${row.procurementId})`,
      keyId: complaints.keyId,
      reason: complaints.reason,
      note: complaints.note,
      hasPicture: sql<boolean>`exists (select from ${complaintPictures} where complaint_id = ${row.complaintId})`,
    })
    .from(complaints)
    .innerJoin(procurements, eq(procurements.id, row.procurementId))
    .where(eq(complaints.id, row.complaintId));
  if (!found) throw new Error('The complaint of a claim is gone');
  const { keyId, hasPicture, supplierOrderId, ...rest } = found;
  const { code } = await openStoredKey(ctx, keyId);
  return {
    ...rest,
    supplierOrderId: supplierOrderId ?? '',
    reference: row.procurementId,
    unitRef: row.unitRef,
    code: code ?? null,
    picture: hasPicture ? ((await openPicture(ctx, row.complaintId)) ?? null) : null,
  };
}
