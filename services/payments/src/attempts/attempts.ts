import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import type { AttemptStatus } from '@kelid/contracts/payments';
import { actorName } from '@kelid/service/context';
import type { Context } from '../context.ts';
import { paymentAttempts } from '../db/schema.ts';
import type { PspProvider } from '../providers/psp.ts';

export type AttemptRow = typeof paymentAttempts.$inferSelect;
/** With the ages that decide when its bank is asked again, by the database's clock. */
export type AgedAttempt = AttemptRow & { redirectedSecondsAgo: number; chargedSecondsAgo: number };

export const agedColumns = {
  ...getTableColumns(paymentAttempts),
  redirectedSecondsAgo: sql<number>`coalesce(extract(epoch from now() - redirected_at), 0)::float8`,
  chargedSecondsAgo: sql<number>`coalesce(extract(epoch from now() - coalesce(charged_before, redirected_at)), 0)::float8`,
};

/** The bank of an attempt. What the wallet paid was never at one. */
export function bankOf(ctx: Context, { psp }: AttemptRow): PspProvider {
  const bank = psp === 'wallet' ? undefined : ctx.psps[psp];
  if (!bank) throw new Error(`There is no bank ${psp}`);
  return bank;
}

/** The guard of each move: nobody has moved the attempt or asked the PSP again since this row was read. */
export function isStill(attempt: AttemptRow, from: AttemptStatus[]) {
  return and(
    eq(paymentAttempts.id, attempt.id),
    inArray(paymentAttempts.status, from),
    eq(paymentAttempts.verifyCount, attempt.verifyCount),
  );
}

/** What is known already stays: a callback adds to it. */
export function merged(proof: Record<string, string>) {
  return sql`${paymentAttempts.proof} || ${JSON.stringify(proof)}::jsonb`;
}

/** The columns of each move: its status, and for the history, which `attempts_on_move` writes, who made it and why (PA-11). */
export function moveTo(ctx: Pick<Context, 'actor'>, status: AttemptStatus, cause: string) {
  return { status, movedBy: actorName(ctx), moveCause: cause, updatedAt: sql`now()` };
}

export function showAttempt(attempt: typeof paymentAttempts.$inferSelect) {
  return {
    id: attempt.id,
    orderId: attempt.orderId,
    customerId: attempt.customerId,
    psp: attempt.psp,
    status: attempt.status,
    amountRial: attempt.amountRial,
    isSurplus: attempt.isSurplus,
    pspReference: attempt.pspReference,
    cardMasked: attempt.cardMasked,
    failureReason: attempt.failureReason,
    createdAt: new Date(attempt.createdAt).toISOString(),
    updatedAt: new Date(attempt.updatedAt).toISOString(),
  };
}
