import { sql } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';

type Row = {
  id: string;
  variant_id: string;
  label: string;
  imported_count: number;
  duplicate_count: number;
  available_count: number;
  sold_count: number;
  quarantined_count: number;
  created_by: string;
  created_at: string;
  [column: string]: unknown;
};

export const listKeyBatches: Operations['listKeyBatches'] = async (ctx, { variantId, limit, cursor }) => {
  const { rows } = await ctx.db.execute<Row>(sql`
    with page as (
      select * from key_batches where (${variantId ?? null}::uuid is null or variant_id = ${variantId ?? null}::uuid)
        and (${cursor ?? null}::uuid is null or id < ${cursor ?? null}::uuid)
      order by id desc limit ${limit + 1})
    select page.id, page.variant_id, page.label, page.imported_count, page.duplicate_count, page.created_by, page.created_at::text,
      count(k.id) filter (where k.status = 'available')::int as available_count,
      count(k.id) filter (where k.status = 'allocated')::int as sold_count,
      count(k.id) filter (where k.status = 'quarantined')::int as quarantined_count
    from page left join product_keys k on k.batch_id = page.id
    group by page.id, page.variant_id, page.label, page.imported_count, page.duplicate_count, page.created_by, page.created_at
    order by page.id desc`);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return {
    items: shown.map((row) => ({
      id: row.id,
      variantId: row.variant_id,
      label: row.label,
      importedCount: row.imported_count,
      duplicateCount: row.duplicate_count,
      availableCount: row.available_count,
      soldCount: row.sold_count,
      quarantinedCount: row.quarantined_count,
      createdBy: row.created_by,
      createdAt: iso(row.created_at),
    })),
    nextCursor,
  };
};
