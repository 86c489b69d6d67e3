import { sql } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { selectSettlements, showSettlement } from '../db/books.ts';
import { checkCursor } from '../db/queries.ts';

export const listSettlements: Operations['listSettlements'] = async (ctx, { psp, limit, cursor }) => {
  checkCursor(cursor);
  const rows = await selectSettlements(
    ctx,
    sql`(${psp ?? null}::text is null or s.psp = ${psp ?? null}) and (${cursor ?? null}::uuid is null or s.id < ${cursor ?? null})`,
    limit + 1,
  );
  const shown = rows.slice(0, limit);
  return { items: shown.map(showSettlement), nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
};
