import { and, desc, eq, lt } from 'drizzle-orm';
import type { Operations } from '../context.ts';
import { checkCursor, showAttempt } from '../db/queries.ts';
import { paymentAttempts } from '../db/schema.ts';

export const listAttempts: Operations['listAttempts'] = async (ctx, { status, limit, cursor }) => {
  checkCursor(cursor);
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
  const shown = rows.slice(0, limit);
  return { items: shown.map(showAttempt), nextCursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
};
