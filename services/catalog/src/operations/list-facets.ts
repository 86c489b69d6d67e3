import { sql } from 'drizzle-orm';
import { ProductType } from '@kelid/contracts/catalog';
import type { Operations } from '../context.ts';
import { subtreeIds } from '../db/queries.ts';

type FacetRow = { kind: string; value: string; count: number; [column: string]: unknown };

export const listFacets: Operations['listFacets'] = async (ctx, { category }) => {
  const { rows } = await ctx.readDb.execute<FacetRow>(sql`
    with shown as (select * from products where is_published ${category === undefined ? sql`` : sql`and category_id in ${subtreeIds(category)}`})
    select 'platform' as kind, platform as value, count(*)::int as count from shown group by 2
    union all select 'brand', brand, count(*)::int from shown group by 2
    union all select 'type', type, count(*)::int from shown group by 2
    union all select 'region', region, count(*)::int from shown, unnest(regions) region group by 2
    order by 1, 3 desc, 2`);
  const of = (kind: string) => rows.filter((row) => row.kind === kind).map(({ value, count }) => ({ value, count }));
  return {
    platforms: of('platform'),
    regions: of('region'),
    brands: of('brand'),
    types: of('type').map(({ value, count }) => ({ value: ProductType.parse(value), count })),
  };
};
