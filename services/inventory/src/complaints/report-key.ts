import { and, eq, isNull, sql } from 'drizzle-orm';
import { invalidInput } from '@kelid/contracts/common';
import { keyNotFound, keyNotRevealable } from '@kelid/contracts/inventory';
import { requireUser } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import type { Operations } from '../context.ts';
import { keepPicture } from './pictures.ts';
import { keyAllocations } from '../db/schema.ts';
import { imageOf } from '../vault/image.rules.ts';
import { type BatchVerdict, complaintRules, tellVerdict } from './complaining.ts';

/** Only who has looked at a product key can know that it does not work; the look itself is on record. `inventory_complain` judges by the rules. */
export const reportKey: Operations['reportKey'] = async (ctx, { orderId, keyId, reason, note, pictureBase64 }) => {
  const { userId } = requireUser(ctx);
  const [key] = await ctx.db
    .select({
      isSeen: sql<boolean>`exists (select from key_reveals r where r.key_id = ${keyId} and r.actor = ${`user:${userId}`})`,
    })
    .from(keyAllocations)
    .where(
      and(
        eq(keyAllocations.keyId, keyId),
        eq(keyAllocations.orderId, orderId),
        eq(keyAllocations.customerId, userId),
        isNull(keyAllocations.withdrawnAt),
      ),
    );
  if (!key) throw keyNotFound();
  if (!key.isSeen) throw keyNotRevealable();
  const picture = pictureBase64 === undefined ? undefined : imageOf(pictureBase64);
  if (pictureBase64 !== undefined && !picture)
    throw invalidInput({ errors: [{ field: 'pictureBase64', message: 'Not a PNG, JPEG or GIF' }] });
  const complaintId = newId();
  const complaint = await ctx.transaction(async (tx) => {
    const { rows } = await tx.execute<{
      status: 'open' | 'replaced' | 'refunded' | 'rejected';
      is_new: boolean;
      is_over_total: boolean;
      batch_verdict: BatchVerdict;
    }>(
      sql`select * from inventory_complain(${complaintId}, ${keyId}, ${orderId}, ${userId}, ${reason}, ${note ?? null}, ${JSON.stringify(complaintRules(ctx.config))}::jsonb)`,
    );
    const [answer] = rows;
    if (!answer) throw new Error('The complaint was not answered');
    if (answer.is_new && picture) await keepPicture(ctx, tx, { complaintId, keyId, ...picture });
    return answer;
  });
  ctx.wakeRelay();
  if (complaint.is_new)
    ctx.log.warn({ keyId, orderId, reason, status: complaint.status }, 'a product key was complained of');
  if (complaint.is_over_total)
    ctx.log.error({ keyId, orderId, alarm: 'complaint-total' }, 'what the rules may give on complaints is used up');
  tellVerdict(ctx, keyId, complaint.batch_verdict);
  return { status: complaint.status };
};
