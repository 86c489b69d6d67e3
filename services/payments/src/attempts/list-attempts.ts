import { and, desc, eq, lt } from 'drizzle-orm';
import { pageOf } from '@kelid/service/page';
import type { Operations } from '../context.ts';
import { paymentAttempts } from '../db/schema.ts';
import { showAttempt } from './attempts.ts';

export const listAttempts: Operations['listAttempts'] = async (ctx, { status, limit, cursor }) => {
  const rows = await ctx.db
    .select()
    .from(paymentAttempts)
    .where(
      and(
        status === undefined ? undefined : eq(paymentAttempts.status, status),
        cursor === undefined ? undefined : lt(paymentAttempts.id, cursor),
      ),
    )
    .orderBy(desc(paymentAttempts.id))
    .limit(limit + 1);
  const { items: shown, nextCursor } = pageOf(rows, limit);
  return { items: shown.map(showAttempt), nextCursor };
};
