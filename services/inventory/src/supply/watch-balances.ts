import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';

/** What is left of each prepaid balance; alarmed once an hour while it is low. */
export async function watchBalances(ctx: Context): Promise<number> {
  for (const [name, supplier] of ctx.suppliers) {
    const balance = await supplier.balance(ctx.signal);
    if (balance.kind === 'unknown') continue;
    const isLow = balance.cents < ctx.config.INVENTORY_BALANCE_ALARM_CENTS;
    const { rows } = await ctx.db.execute<{ is_told: boolean }>(sql`
      insert into supplier_states as known (supplier, balance_cents, balance_at, balance_alarm_at) values (${name}, ${balance.cents}, now(), case when ${isLow} then now() end)
      on conflict (supplier) do update set balance_cents = excluded.balance_cents, balance_at = now(),
        balance_alarm_at = case when ${isLow} and coalesce(known.balance_alarm_at < now() - interval '1 hour', true) then now() else known.balance_alarm_at end
      returning balance_alarm_at = now() as is_told`);
    if (rows[0]?.is_told)
      ctx.log.error(
        { supplier: name, balanceCents: balance.cents, alarm: 'supplier-balance-low' },
        'a supplier account is running out',
      );
  }
  return 0;
}
