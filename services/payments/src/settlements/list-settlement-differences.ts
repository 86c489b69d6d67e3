import { sql } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { selectDifferences } from './settlements.ts';

export const listSettlementDifferences: Operations['listSettlementDifferences'] = async (ctx, input) => {
  const { psp = null, importId = null, status = null, limit, cursor = null } = input;
  const rows = await selectDifferences(
    ctx,
    sql`(${psp}::text is null or d.psp = ${psp}) and (${importId}::uuid is null or d.import_id = ${importId})
      and (${status}::text is null or d.status = ${status}) and (${cursor}::uuid is null or d.id < ${cursor})`,
    limit + 1,
  );
  return pageOf(rows, limit);
};
