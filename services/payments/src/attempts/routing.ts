import { sql } from 'drizzle-orm';
import type { Psp } from '@kelid/contracts/payments';
import type { Context } from '../context.ts';
import type { PspProvider } from '../providers/psp.ts';

type Record = {
  psp: Psp;
  is_enabled: boolean;
  begun: number;
  lost: number;
  seconds: number;
  [column: string]: unknown;
};

/**
 * The banks that take a new payment now, best first: those that began and finished most of the last half hour's attempts, then
 * those that can tell of a payment nobody came back from, then the faster ones. A bank that does not answer is left out by its breaker and comes back by itself; one that staff switched off comes back by staff.
 */
export async function offeredPsps(ctx: Context): Promise<PspProvider[]> {
  return (await recordsOf(ctx))
    .filter((row) => row.is_enabled && ctx.psps[row.psp]?.isOffered())
    .toSorted(
      (a, b) =>
        Number(isByChoice(ctx, a)) - Number(isByChoice(ctx, b)) ||
        lostShare(a) - lostShare(b) ||
        Number(isFound(ctx, b)) - Number(isFound(ctx, a)) ||
        Math.round(a.seconds) - Math.round(b.seconds),
    )
    .flatMap((row) => ctx.psps[row.psp] ?? []);
}

function isByChoice(ctx: Context, { psp }: Record): boolean {
  return ctx.psps[psp]?.facts.isByChoice ?? false;
}

function isFound(ctx: Context, { psp }: Record): boolean {
  return ctx.psps[psp]?.facts.isFound ?? false;
}

const keptMs = 2_000;
const kept = new WeakMap<Context['psps'], { at: number; records: Promise<Record[]> }>();

/** Read at most every two seconds: each checkout asks for it. */
function recordsOf(ctx: Context): Promise<Record[]> {
  const known = kept.get(ctx.psps);
  if (known && performance.now() - known.at < keptMs) return known.records;
  const records = readRecords(ctx);
  kept.set(ctx.psps, { at: performance.now(), records });
  // What could not be read is not kept.
  records.catch(() => kept.delete(ctx.psps));
  return records;
}

async function readRecords(ctx: Context): Promise<Record[]> {
  const { rows } = await ctx.db.execute<Record>(sql`
    select known.psp, coalesce(s.is_enabled, true) as is_enabled, coalesce(a.begun, 0) as begun, coalesce(a.lost, 0) as lost, coalesce(a.seconds, 0) as seconds
    from unnest(${sql.param(Object.keys(ctx.psps))}::text[]) as known(psp)
    left join psp_settings s on s.psp = known.psp
    left join (
      select psp, count(*)::int as begun, count(*) filter (where failure_reason like 'request %' or status in ('unknown', 'review'))::int as lost,
        avg(extract(epoch from redirected_at - created_at))::float8 as seconds
      from payment_attempts where created_at > now() - interval '30 minutes' and status <> 'requesting' group by psp) a on a.psp = known.psp`);
  return rows;
}

/** In tenths, so that one payment more or less changes no order; a bank without a record counts as a good one. */
function lostShare({ begun, lost }: Record): number {
  return begun < 5 ? 0 : Math.round((lost / begun) * 10);
}
