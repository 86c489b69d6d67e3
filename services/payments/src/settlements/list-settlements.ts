import { sql } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { selectSettlements, showSettlement } from './settlements.ts';

export const listSettlements: Operations['listSettlements'] = async (ctx, { psp, limit, cursor }) => {
  const rows = await selectSettlements(
    ctx,
    sql`(${psp ?? null}::text is null or s.psp = ${psp ?? null}) and (${cursor ?? null}::uuid is null or s.id < ${cursor ?? null})`,
    limit + 1,
  );
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return { items: shown.map(showSettlement), nextCursor };
};
