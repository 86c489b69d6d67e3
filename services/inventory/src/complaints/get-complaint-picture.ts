import { eq } from 'drizzle-orm';
import { complaintNotFound } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { openPicture } from './pictures.ts';
import { complaints, keyReveals } from '../db/schema.ts';

/** The code may be on it, so a look at it is recorded as a look at the product key. */
export const getComplaintPicture: Operations['getComplaintPicture'] = async (ctx, { complaintId }) => {
  const [complaint] = await ctx.db
    .select({ keyId: complaints.keyId })
    .from(complaints)
    .where(eq(complaints.id, complaintId));
  if (!complaint) throw complaintNotFound();
  await ctx.db.insert(keyReveals).values({
    id: newId(),
    keyId: complaint.keyId,
    actor: actorName(ctx).replace('user:', 'staff:'),
    sessionId: ctx.actor.kind === 'user' ? ctx.actor.sessionId : null,
    reason: `picture of complaint ${complaintId}`,
    ip: ctx.origin.ip,
    userAgent: ctx.origin.userAgent.slice(0, 300),
  });
  const picture = await openPicture(ctx, complaintId);
  if (!picture) throw complaintNotFound();
  return picture;
};
