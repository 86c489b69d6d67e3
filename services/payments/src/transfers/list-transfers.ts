import { and, asc, eq, gt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { transfers } from '../db/schema.ts';
import { selectTransfers, showTransfer } from './transfers.ts';

export const listTransfers: Operations['listTransfers'] = async (ctx, { status, limit, cursor }) => {
  const rows = await selectTransfers(ctx)
    .where(
      and(
        status === undefined ? undefined : eq(transfers.status, status),
        cursor === undefined ? undefined : gt(transfers.attemptId, cursor),
      ),
    )
    .orderBy(asc(transfers.attemptId))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit, ({ transfer }) => transfer.attemptId);
  return {
    items: shown.map(showTransfer),
    nextCursor,
  };
};
