import { sql } from 'drizzle-orm';
import { tooManyTransferNumbers, trackingNumberUsed, transferDecided } from '@kelid/contracts/payments';
import { requireUser } from '@kelid/service/context';
import { sqlState, violatedConstraint } from '@kelid/service/database';
import { sqlStates } from '@kelid/service/sqlstates';
import { openStatuses } from '../attempts/attempt-status.rules.ts';
import type { Operations } from '../context.ts';
import { getOwnTransfer, showOwnTransfer } from './transfers.ts';

/** May be corrected until the first person has said a word of it; each number that was named stays taken (`transfers_take_number`). */
export const submitTransfer: Operations['submitTransfer'] = async (ctx, { attemptId, trackingNumber, cardLast4 }) => {
  const { userId } = requireUser(ctx);
  const before = await getOwnTransfer(ctx, attemptId, userId);
  await ctx
    .transaction(async (tx) => {
      const { rows } = await tx.execute(sql`
        insert into transfers as t (attempt_id, customer_id, tracking_number, card_last4)
        select id, customer_id, ${trackingNumber}, ${cardLast4} from payment_attempts
          where id = ${attemptId} and customer_id = ${userId} and status = any(${sql.param(openStatuses)}::text[])
        on conflict (attempt_id) do update set tracking_number = excluded.tracking_number, card_last4 = excluded.card_last4, submitted_at = now()
          where t.status = 'submitted' and t.approved_by is null
        returning attempt_id`);
      // The number that the refused row would have taken goes back with it.
      if (rows.length === 0) throw transferDecided({ status: before.transfer?.status ?? before.attempt.status });
    })
    .catch((error: unknown) => {
      if (sqlState(error) === sqlStates.uniqueViolation && violatedConstraint(error) === 'transfer_numbers_pkey')
        throw trackingNumberUsed({ field: 'trackingNumber' });
      if (sqlState(error) === sqlStates.tooManyTransferNumbers) throw tooManyTransferNumbers({ numbersMax: 5 });
      throw error;
    });
  return showOwnTransfer(ctx, await getOwnTransfer(ctx, attemptId, userId));
};
