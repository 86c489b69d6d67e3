import { and, eq, inArray, sql } from 'drizzle-orm';
import { Psp, pspWebhookRefused } from '@kelid/contracts/payments';
import { requireStorable } from '@kelid/service/invoke';
import { isWorthALine } from '@kelid/service/minute-counts';
import type { Context, Operations } from '../context.ts';
import { paymentAttempts } from '../db/schema.ts';
import type { WebhookHint } from '../providers/psp.ts';
import { openStatuses, payableStatuses } from './attempt-status.rules.ts';
import { merged } from './attempts.ts';
import { followHint } from './inquiring.ts';

/**
 * A signed hint from a PSP's server: it is written down in one statement and answered; the asking goes on here, or in the sweep when this
 * process dies. The same message again finds nothing left to do.
 */
export const handlePspWebhook: Operations['handlePspWebhook'] = async (ctx, { psp: pspName, headers, body }) => {
  const psp = Psp.safeParse(pspName);
  const hint = psp.success ? ctx.psps[psp.data]?.parseWebhook?.(body, headers) : undefined;
  if (!psp.success || hint === undefined || hint === 'refused') {
    const count = ctx.noise.add(`refused ${psp.data ?? 'unknown'}`);
    if (isWorthALine(count))
      ctx.log.warn(
        { psp: psp.data, count, alarm: 'webhook-refused' },
        "a message that no bank's server signed was refused",
      );
    throw pspWebhookRefused();
  }
  if (hint === 'irrelevant') return {};
  requireStorable(hint); // What is escaped in the text has passed the host's own look.
  const isMeant = and(eq(paymentAttempts.psp, psp.data), namedBy(hint));
  const [attempt] = await ctx.db
    .update(paymentAttempts)
    .set({
      dueAt: sql`now()`,
      ...(hint.proof ? { proof: merged(hint.proof) } : {}),
    })
    .where(and(isMeant, inArray(paymentAttempts.status, hint.claimsSuccess ? payableStatuses : openStatuses)))
    .returning();
  if (!attempt) {
    await noteUnmoved(ctx, psp.data, isMeant, hint);
    return {};
  }
  // The row has the proof already, and more of it than this one message.
  void followHint(ctx, attempt, { claimsSuccess: hint.claimsSuccess }).catch((error: unknown) => {
    ctx.log.error({ attemptId: attempt.id, err: error }, 'a message of a bank could not be followed at once');
  });
  return {};
};

function namedBy(hint: WebhookHint) {
  if ('attemptId' in hint) return eq(paymentAttempts.id, hint.attemptId);
  if ('pspReference' in hint) return eq(paymentAttempts.pspReference, hint.pspReference);
  return eq(paymentAttempts.pspToken, hint.pspToken);
}

async function noteUnmoved(ctx: Context, psp: Psp, isMeant: ReturnType<typeof and>, hint: WebhookHint): Promise<void> {
  const [attempt] = await ctx.db.select().from(paymentAttempts).where(isMeant);
  if (!attempt) ctx.log.warn({ psp, alarm: 'webhook-unknown' }, "a bank's message names no attempt of ours");
  // Money that we have, and the bank takes it from us: a dispute, or a refund that did not arrive.
  else if (attempt.status === 'captured' && !hint.claimsSuccess)
    ctx.log.error({ attemptId: attempt.id, psp, alarm: 'payment-contested' }, 'captured money needs a person');
}
