import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';

/** A transfer that its customer has named and nobody has looked for yet is money that may be there, too. */
export const getOrderMoney: Operations['getOrderMoney'] = async (ctx, { orderId }) => {
  const { rows } = await ctx.db.execute<{ state: 'settled' | 'captured' | 'checking' | 'review' }>(sql`
    select case
      when bool_or(a.status = 'review') then 'review'
      when bool_or(a.status in ('verifying', 'unknown') or t.status = 'submitted') then 'checking'
      when bool_or(a.status = 'captured' and not a.is_surplus) then 'captured'
      else 'settled' end as state
    from payment_intents i join payment_attempts a on a.intent_id = i.id left join transfers t on t.attempt_id = a.id where i.order_id = ${orderId}`);
  return { state: rows[0]?.state ?? 'settled' };
};
