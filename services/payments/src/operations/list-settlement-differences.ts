import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { selectDifferences } from '../db/books.ts';
import { checkCursor } from '../db/queries.ts';

export const listSettlementDifferences: Operations['listSettlementDifferences'] = async (ctx, input) => {
  const { psp = null, importId = null, status = null, limit, cursor = null } = input;
  checkCursor(input.cursor);
  const rows = await selectDifferences(
    ctx,
    sql`(${psp}::text is null or d.psp = ${psp}) and (${importId}::uuid is null or d.import_id = ${importId})
      and (${status}::text is null or d.status = ${status}) and (${cursor}::uuid is null or d.id < ${cursor})`,
    limit + 1,
  );
  const items = rows.slice(0, limit);
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
};
