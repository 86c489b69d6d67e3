import { sql } from 'drizzle-orm';
import { limitReached } from '@kelid/contracts/payments';
import { requireUser } from '@kelid/service/context';
import { sqlState } from '@kelid/service/database';
import { oncePerKey } from '@kelid/service/idempotency';
import { sqlStates } from '@kelid/service/sqlstates';
import { startAttempt } from '../attempts/start-attempt.ts';
import type { Operations } from '../context.ts';

/** By `payments_open_top_up` a top-up owes like an order does, and its captured money is the wallet's at once. The same key is the same top-up and attempt. */
export const topUpWallet: Operations['topUpWallet'] = (ctx, input) => {
  const { userId } = requireUser(ctx);
  const limitRial = ctx.config.PAYMENTS_TOP_UP_DAY_MAX_RIAL;
  return oncePerKey(ctx, 'topUpWallet', input, {
    status: 201,
    begin: (tx, topUpId) =>
      tx.execute(sql`select payments_open_top_up(${topUpId}, ${userId}, ${input.amountRial}, ${limitRial})`),
    // The attempt's id is the top-up's: whoever repeats this call repeats that attempt.
    finish: async (topUpId) => ({
      topUpId,
      payment: await startAttempt(ctx, { attemptId: topUpId, orderId: topUpId, psp: input.psp }),
    }),
  }).catch((error: unknown) => {
    if (sqlState(error) === sqlStates.topUpLimitReached) throw limitReached({ limitRial, period: 'day' });
    throw error;
  });
};
