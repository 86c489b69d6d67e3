import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { iso } from '../db/queries.ts';

type Row = {
  name: string;
  is_enabled: boolean;
  cooldown_until: string | null;
  balance_cents: number | null;
  balance_at: string | null;
  order_count: number;
  failed_count: number;
  [column: string]: unknown;
};

export const listSuppliers: Operations['listSuppliers'] = async (ctx) => {
  const names = [...ctx.suppliers.keys()];
  const { rows } = await ctx.db.execute<Row>(sql`
    select name, coalesce(s.is_enabled, true) as is_enabled, case when s.cooldown_until > now() then s.cooldown_until::text end as cooldown_until,
      s.balance_cents, s.balance_at::text, count(p.id)::int as order_count,
      count(p.id) filter (where p.status in ('refused', 'unknown', 'not_placed', 'cancelled', 'review'))::int as failed_count
    from unnest(${sql.param(names)}::text[]) as name
    left join supplier_states s on s.supplier = name
    left join procurements p on p.supplier = name and p.created_at > now() - interval '30 minutes'
    group by name, s.supplier order by name`);
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
        },
      ];
    }),
    nextCursor: null,
  };
};
