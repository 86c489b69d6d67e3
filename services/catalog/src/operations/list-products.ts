import { and, eq, gte, lte, type SQL, sql } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { type ProductRow, showSummary, storable, subtreeIds } from '../db/queries.ts';
import { products } from '../db/schema.ts';
import { type CursorType, readCursor, writeCursor } from '../domain/cursor.ts';
import { searchFor } from '../db/search.ts';

interface Sorting {
  /** Compared with the cursor's value; ties go by id. */
  value: SQL;
  isDescending: boolean;
  type: CursorType;
  of: (row: ProductRow & { rank: string }) => string | number;
}

/** Letters of a title that sorting compares: more would not fit into a cursor. */
const titleMax = 50;
const highest = Number.MAX_SAFE_INTEGER;

export const listProducts: Operations['listProducts'] = async (ctx, input) => {
  const search = input.q === undefined ? undefined : searchFor(input.q);
  if (input.q !== undefined && !search) return { items: [], nextCursor: null };
  const sort = input.sort ?? (search ? 'relevance' : 'newest');
  const rank = search
    ? sql`round((${search.rank})::numeric, 4)`
    : sql`case when ${products.isFeatured} then 1 else 0 end`;
  const sortings: Record<typeof sort, Sorting> = {
    relevance: { value: rank, isDescending: true, type: 'float8', of: (row) => String(row.rank) },
    newest: { value: sql`${products.id}::text`, isDescending: true, type: 'text', of: (row) => row.id },
    price: {
      value: sql`coalesce(${products.fromPriceRial}, ${highest})`,
      isDescending: false,
      type: 'bigint',
      of: (row) => row.fromPriceRial ?? highest,
    },
    '-price': {
      value: sql`coalesce(${products.fromPriceRial}, 0)`,
      isDescending: true,
      type: 'bigint',
      of: (row) => row.fromPriceRial ?? 0,
    },
    title: {
      value: sql`left(${products.title}->>${input.language}::text, ${titleMax})`,
      isDescending: false,
      type: 'text',
      of: (row) => Array.from(row.title[input.language]).slice(0, titleMax).join(''),
    },
  };
  const sorting = sortings[sort];
  const cursor = input.cursor === undefined ? undefined : readCursor(input.cursor, sort, sorting.type);
  const compare = sorting.isDescending ? sql`<` : sql`>`;
  const direction = sorting.isDescending ? sql`desc` : sql`asc`;

  const rows = await ctx.readDb
    .select({ row: products, rank: sql<string>`(${rank})::text` })
    .from(products)
    .where(
      and(
        products.isPublished,
        search?.matches,
        input.category === undefined ? undefined : sql`${products.categoryId} in ${subtreeIds(input.category)}`,
        input.platform === undefined ? undefined : eq(products.platform, storable(input.platform)),
        input.region === undefined ? undefined : sql`${storable(input.region)} = any(${products.regions})`,
        input.brand === undefined ? undefined : eq(products.brand, storable(input.brand)),
        input.type === undefined ? undefined : eq(products.type, input.type),
        input.minPriceRial === undefined ? undefined : gte(products.fromPriceRial, input.minPriceRial),
        input.maxPriceRial === undefined ? undefined : lte(products.fromPriceRial, input.maxPriceRial),
        input.inStock === undefined ? undefined : eq(products.isInStock, input.inStock),
        cursor === undefined
          ? undefined
          : sql`(${sorting.value}, ${products.id}) ${compare} (${cursor.value}::${sql.raw(sorting.type)}, ${cursor.id}::uuid)`,
      ),
    )
    .orderBy(sql`${sorting.value} ${direction}`, sql`${products.id} ${direction}`)
    .limit(input.limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, input.limit, ({ row, rank: itsRank }) =>
    writeCursor({ sort, value: sorting.of({ ...row, rank: itsRank }), id: row.id }),
  );
  return {
    items: shown.map(({ row }) => showSummary(row, input.language)),
    nextCursor,
  };
};
