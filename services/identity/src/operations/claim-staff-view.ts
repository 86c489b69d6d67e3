import { sql } from 'drizzle-orm';
import { staffViewsLimited } from '@kelid/contracts/common';
import { newId } from '@kelid/service/ids';
import type { Operations } from '../context.ts';
import { staffViews } from '../db/schema.ts';

/** The lock makes the count and the new row one step, so that calls made at the same moment do not pass the limit together (A98). */
export const claimStaffView: Operations['claimStaffView'] = async (ctx, { staffId, customerCount, ...view }) => {
  const { config } = ctx;
  const viewId = newId();
  const claim = await ctx.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(7312, hashtext(${staffId}))`);
    const { rows } = await tx.execute<{ minute: number; hour: number }>(sql`
      select coalesce(sum(customer_count) filter (where at > now() - interval '1 minute'), 0)::int as minute,
        coalesce(sum(customer_count), 0)::int as hour
      from staff_views where staff_id = ${staffId} and at > now() - interval '1 hour'`);
    const before = rows[0] ?? { minute: 0, hour: 0 };
    const [minute, hour] = [before.minute + customerCount, before.hour + customerCount];
    if (hour > config.IDENTITY_STAFF_VIEWS_PER_HOUR) return { minute, before, retryAfterSeconds: 3_600 };
    if (minute > config.IDENTITY_STAFF_VIEWS_PER_MINUTE) return { minute, before, retryAfterSeconds: 60 };
    await tx
      .insert(staffViews)
      .values({ ...view, id: viewId, staffId, customerCount, ip: ctx.origin.ip, requestId: ctx.requestId });
    return { minute, before };
  });
  const alarmFrom = config.IDENTITY_STAFF_VIEWS_ALARM_PER_MINUTE;
  // Once for each time it is passed, and for every refusal.
  if (claim.retryAfterSeconds !== undefined || (claim.minute >= alarmFrom && claim.before.minute < alarmFrom))
    ctx.log.error(
      { alarm: 'staff-views', userId: staffId, operation: view.operation, count: claim.minute },
      'a member of staff looks at many customers',
    );
  if (claim.retryAfterSeconds !== undefined) throw staffViewsLimited({ retryAfterSeconds: claim.retryAfterSeconds });
  return { viewId };
};
