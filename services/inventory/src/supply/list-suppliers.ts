import { desc, sql } from 'drizzle-orm';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';
import { spendStops } from '../db/schema.ts';

type Row = {
  name: string;
  is_enabled: boolean;
  cooldown_until: string | null;
  balance_cents: number | null;
  balance_at: string | null;
  order_count: number;
  failed_count: number;
  spent_today_cents: string;
  all_spent_today_cents: string;
  [column: string]: unknown;
};

/** With the failures of the last 30 minutes, what `supply_spent` counts of today, and the ceilings that were reached in seven days. */
export const listSuppliers: Operations['listSuppliers'] = async (ctx) => {
  const names = [...ctx.suppliers.keys()];
  const { rows } = await ctx.db.execute<Row>(sql`
    select name, coalesce(s.is_enabled, true) as is_enabled, case when s.cooldown_until > now() then s.cooldown_until::text end as cooldown_until,
      s.balance_cents, s.balance_at::text, count(p.id)::int as order_count,
      count(p.id) filter (where p.status in ('refused', 'unknown', 'not_placed', 'cancelled', 'review'))::int as failed_count,
      supply_spent(name) as spent_today_cents, supply_spent(null) as all_spent_today_cents
    from unnest(${sql.param(names)}::text[]) as name
    left join supplier_states s on s.supplier = name
    left join procurements p on p.supplier = name and p.created_at > now() - interval '30 minutes'
    group by name, s.supplier order by name`);
  const stops = await ctx.db
    .select()
    .from(spendStops)
    .where(sql`${spendStops.at} > now() - interval '7 days'`)
    .orderBy(desc(spendStops.at))
    .limit(100);
  return {
    items: rows.flatMap((row) => {
      const supplier = ctx.suppliers.get(row.name);
      if (!supplier) return [];
      return [
        {
          name: row.name,
          title: supplier.facts.title,
          isEnabled: row.is_enabled,
          isUp: supplier.isUp(),
          cooldownUntil: iso(row.cooldown_until),
          balanceCents: row.balance_cents,
          balanceAt: iso(row.balance_at),
          orderCount: row.order_count,
          failedCount: row.failed_count,
          spentTodayCents: Number(row.spent_today_cents),
          dayMaxCents: ctx.config.INVENTORY_SUPPLIER_DAY_CENTS,
        },
      ];
    }),
    spentTodayCents: Number(rows[0]?.all_spent_today_cents ?? 0),
    dayMaxCents: ctx.config.INVENTORY_SPEND_DAY_CENTS,
    stops: stops.map(({ day: _day, at, ...stop }) => ({ ...stop, at: iso(at) })),
    nextCursor: null,
  };
};
