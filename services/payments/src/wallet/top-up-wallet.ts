import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import { limitReached, type paymentsContract } from '@kelid/contracts/payments';
import { requireUser } from '@kelid/service/context';
import { sqlState } from '@kelid/service/database';
import { answerKey, claimKey, keyScope } from '@kelid/service/idempotency';
import { newId } from '@kelid/service/ids';
import { sqlStates } from '@kelid/service/sqlstates';
import { startAttempt } from '../attempts/start-attempt.ts';
import type { Operations } from '../context.ts';

type Answer = z.input<(typeof paymentsContract)['operations']['topUpWallet']['output']>;

/** By `payments_open_top_up` a top-up owes like an order does, and its captured money is the wallet's at once. The same key is the same top-up and attempt. */
export const topUpWallet: Operations['topUpWallet'] = async (ctx, input) => {
  const { userId } = requireUser(ctx);
  const scope = keyScope(ctx, 'topUpWallet');
  const limitRial = ctx.config.PAYMENTS_TOP_UP_DAY_MAX_RIAL;
  const newTopUpId = newId();
  const claim = await ctx
    .transaction(async (tx) => {
      const claimed = await claimKey(tx, scope, input, newTopUpId);
      if (claimed.kind === 'new')
        await tx.execute(sql`select payments_open_top_up(${newTopUpId}, ${userId}, ${input.amountRial}, ${limitRial})`);
      return claimed;
    })
    .catch((error: unknown) => {
      if (sqlState(error) === sqlStates.topUpLimitReached) throw limitReached({ limitRial, period: 'day' });
      throw error;
    });
  if (claim.kind === 'done') {
    ctx.answerHeaders['idempotency-replayed'] = 'true';
    return claim.answer as Answer; // Stored by this operation under this key.
  }
  const topUpId = claim.kind === 'running' ? (claim.resourceId ?? newTopUpId) : newTopUpId;
  // The attempt's id is the top-up's: whoever repeats this call repeats that attempt.
  const payment = await startAttempt(ctx, { attemptId: topUpId, orderId: topUpId, psp: input.psp });
  const answer = { topUpId, payment };
  await answerKey(ctx.db, scope, 201, answer);
  return answer;
};
