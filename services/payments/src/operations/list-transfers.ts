import { and, asc, eq, gt } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { checkCursor, selectTransfers, showTransfer } from '../db/queries.ts';
import { transfers } from '../db/schema.ts';

export const listTransfers: Operations['listTransfers'] = async (ctx, { status, limit, cursor }) => {
  checkCursor(cursor);
  const rows = await selectTransfers(ctx)
    .where(
      and(
        status === undefined ? undefined : eq(transfers.status, status),
        cursor === undefined ? undefined : gt(transfers.attemptId, cursor),
      ),
    )
    .orderBy(asc(transfers.attemptId))
    .limit(limit + 1);
  const shown = rows.slice(0, limit);
  return {
    items: shown.map(showTransfer),
    nextCursor: rows.length > limit ? (shown.at(-1)?.transfer.attemptId ?? null) : null,
  };
};
