import { sql } from 'drizzle-orm';
import { intentMismatch } from '@kelid/contracts/payments';
import { failpoint } from '@kelid/service/failpoint';
import { newId } from '@kelid/service/ids';
import type { Operations } from '../context.ts';

/** The same order again answers the same intent (CP4). */
export const createIntent: Operations['createIntent'] = async (ctx, input) => {
  // The empty update locks and answers the row that is there already, in the one statement.
  const { rows } = await ctx.db.execute<{ id: string; status: 'open'; amount_rial: number; customer_id: string }>(sql`
    insert into payment_intents as known (id, order_id, order_number, customer_id, amount_rial, phone, status)
    values (${newId()}, ${input.orderId}, ${input.orderNumber}, ${input.customerId}, ${input.amountRial}, ${input.phone ?? null}, 'open')
    on conflict (order_id) do update set phone = known.phone
    returning id, status, amount_rial, customer_id`);
  failpoint('payments.intent-created'); // CP4
  const intent = rows[0];
  if (!intent) throw new Error('The intent was not answered');
  if (intent.amount_rial !== input.amountRial || intent.customer_id !== input.customerId) throw intentMismatch();
  return { intentId: intent.id, status: intent.status };
};
