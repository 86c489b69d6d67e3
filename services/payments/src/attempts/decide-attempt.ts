import { and, eq, sql } from 'drizzle-orm';
import { invalidInput } from '@kelid/contracts/common';
import { attemptMoveRefused, attemptNotFound, secondPersonNeeded } from '@kelid/contracts/payments';
import { actorName } from '@kelid/service/context';
import type { Context, Operations } from '../context.ts';
import { paymentAttempts } from '../db/schema.ts';
import { rethrowOwnAffair, rethrowUsedReference } from '../refusals.ts';
import { type AttemptRow, merged, moveTo, showAttempt } from './attempts.ts';
import { endReview } from './reviewing.ts';

/** Money that staff found in the bank is captured like any other, by `payments_capture`: for the order that waits, or for the customer's wallet. */
export const decideAttempt: Operations['decideAttempt'] = async (ctx, { attemptId, decision, reference, reason }) => {
  const attempt = await find(ctx, attemptId);
  const isDone =
    decision === 'captured'
      ? await captureFound(ctx, attempt, reference, reason)
      : await endReview(ctx, attemptId, decision, reason).catch(rethrowOwnAffair);
  if (!isDone) throw attemptMoveRefused({ status: attempt.status });
  return showAttempt(await find(ctx, attemptId));
};

/** Above the amount that one may decide alone, the first word is kept, and another person has to name the same reference. */
async function captureFound(ctx: Context, attempt: AttemptRow, reference: string | undefined, reason: string) {
  if (reference === undefined)
    throw invalidInput({ errors: [{ field: 'reference', message: 'Name the reference that the bank shows' }] });
  const me = actorName(ctx);
  const needsTwo = attempt.amountRial > ctx.config.PAYMENTS_TWO_PEOPLE_ABOVE_RIAL;
  const first = attempt.proof['foundBy'];
  if (needsTwo && first === undefined) return sayFirst(ctx, attempt.id, reference);
  if (needsTwo && (first === me || attempt.proof['foundReference'] !== reference)) throw secondPersonNeeded();
  const foundByAnother = sql`${paymentAttempts.proof} ->> 'foundBy' <> ${me} and ${paymentAttempts.proof} ->> 'foundReference' = ${reference}`;
  const isCaptured = await ctx
    .transaction(async (tx) => {
      const [claimed] = await tx
        .update(paymentAttempts)
        .set(moveTo(ctx, 'verifying', reason))
        .where(and(inReview(attempt.id), needsTwo ? foundByAnother : undefined))
        .returning({ id: paymentAttempts.id });
      if (!claimed) return false;
      await tx.execute(sql`select is_surplus from payments_capture(${attempt.id}, ${reference}, null, null, true)`);
      return true;
    })
    .catch(rethrowUsedReference)
    .catch(rethrowOwnAffair);
  if (isCaptured) ctx.wakeRelay();
  return isCaptured;
}

async function sayFirst(ctx: Context, attemptId: string, reference: string): Promise<boolean> {
  const said = await ctx.db
    .update(paymentAttempts)
    .set({ proof: merged({ foundBy: actorName(ctx), foundReference: reference }) })
    .where(and(inReview(attemptId), sql`not ${paymentAttempts.proof} ? 'foundBy'`))
    .returning({ id: paymentAttempts.id })
    .catch(rethrowOwnAffair);
  return said.length > 0;
}

/** What the bank was asked to give back is not found any more (`reversing.ts`). */
function inReview(attemptId: string) {
  return and(
    eq(paymentAttempts.id, attemptId),
    eq(paymentAttempts.status, 'review'),
    sql`not ${paymentAttempts.proof} ? 'reversing'`,
  );
}

async function find(ctx: Context, attemptId: string): Promise<AttemptRow> {
  const [attempt] = await ctx.db.select().from(paymentAttempts).where(eq(paymentAttempts.id, attemptId));
  if (!attempt) throw attemptNotFound();
  return attempt;
}
