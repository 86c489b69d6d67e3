import { sql } from 'drizzle-orm';
import { intentMismatch, limitReached } from '@kelid/contracts/payments';
import { sqlState } from '@kelid/service/database';
import { failpoint } from '@kelid/service/failpoint';
import { newId } from '@kelid/service/ids';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Operations } from '../context.ts';
import { levelOf } from '../limits/customer-levels.ts';

/** By `payments_open_intent`. The same order again answers the same intent, with the same part of the wallet (CP4). */
export const createIntent: Operations['createIntent'] = async (ctx, input) => {
  const limits = ctx.config.PAYMENTS_DAY_MAX_RIAL;
  const { rows } = await ctx.db
    .execute<{
      id: string;
      status: 'open';
      amount_rial: number;
      customer_id: string;
      wallet_rial: number;
    }>(
      sql`
    select * from payments_open_intent(${newId()}, ${input.orderId}, ${input.orderNumber}, ${input.customerId}, ${input.amountRial}::bigint, ${input.phone ?? null},
      ${input.walletMaxRial}::bigint, ${sql.param(limits)}::bigint[])`,
    )
    .catch(async (error: unknown) => {
      if (sqlState(error) === sqlStates.dayLimitReached)
        throw limitReached({ limitRial: limits[await levelOf(ctx, input.customerId)] ?? 0, period: 'day' });
      throw error;
    });
  failpoint('payments.intent-created'); // CP4
  const intent = rows[0];
  if (!intent) throw new Error('The intent was not answered');
  if (intent.amount_rial !== input.amountRial || intent.customer_id !== input.customerId) throw intentMismatch();
  return { intentId: intent.id, status: intent.status, walletRial: intent.wallet_rial };
};
