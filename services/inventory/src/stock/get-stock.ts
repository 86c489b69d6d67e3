import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';

/** Counted, not kept: a counter beside the rows could only ever be wrong (KY-10). */
export const getStock: Operations['getStock'] = async (ctx, { variantIds }) => {
  if (variantIds.length === 0) return { items: [] };
  const { rows } = await ctx.db.execute<{ variant_id: string; available: number; reserved: number; sold: number }>(sql`
    select variant_id,
      count(*) filter (where status = 'available')::int as available,
      count(*) filter (where status = 'reserved')::int as reserved,
      count(*) filter (where status = 'allocated')::int as sold
    from product_keys where variant_id in (${sql.join(
      variantIds.map((id) => sql`${id}`),
      sql`, `,
    )}) group by 1`);
  const countOf = new Map(rows.map((row) => [row.variant_id, row]));
  return {
    items: variantIds.map((variantId) => {
      const counted = countOf.get(variantId);
      return {
        variantId,
        availableCount: counted?.available ?? 0,
        reservedCount: counted?.reserved ?? 0,
        soldCount: counted?.sold ?? 0,
      };
    }),
  };
};
