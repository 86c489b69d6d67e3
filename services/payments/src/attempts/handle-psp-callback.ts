import { setTimeout as sleep } from 'node:timers/promises';
import { and, eq } from 'drizzle-orm';
import { serviceUnavailable } from '@kelid/contracts/common';
import { Psp } from '@kelid/contracts/payments';
import { lineOf } from '@kelid/service/ip-network';
import { isWorthALine } from '@kelid/service/minute-counts';
import type { Context, Operations } from '../context.ts';
import { paymentAttempts } from '../db/schema.ts';
import type { AttemptRow } from './attempts.ts';
import { followHint } from './inquiring.ts';

/** Longer than this the browser does not wait: the result page asks on, and the work goes on here or in the sweep. */
const browserWaitMs = 2_500;
const patientCount = 60;

/** An unsigned hint from a browser: "look at this attempt now". Nothing in it is believed but which attempt to look at. */
export const handlePspCallback: Operations['handlePspCallback'] = async (ctx, { psp: pspName, params }) => {
  const psp = Psp.safeParse(pspName);
  const hint = psp.success ? ctx.psps[psp.data]?.parseCallback(params) : undefined;
  const attempt = psp.success && hint ? await findAttempt(ctx, psp.data, hint.pspToken) : undefined;
  if (!attempt || !hint) {
    ctx.noise.add(lineOf(ctx.origin.ip));
    const count = ctx.noise.add(`callback ${psp.data ?? 'unknown'}`);
    if (isWorthALine(count))
      ctx.log.warn({ psp: psp.data, count, alarm: 'callback-unknown' }, 'a callback names no attempt of ours');
    return { location: `${ctx.config.PAYMENTS_SHOP_URL}/payment/result` };
  }
  const settled = followHint(ctx, attempt, hint).catch((error: unknown) => {
    // What can't be written down is not verified: the browser may try again, and the sweep will.
    ctx.log.error({ attemptId: attempt.id, err: error }, 'a callback could not be settled at once');
    throw serviceUnavailable({ retryAfterSeconds: 5 });
  });
  await Promise.race([settled, sleep(browserWaitMs)]);
  return { location: `${ctx.config.PAYMENTS_SHOP_URL}/payment/result?order=${attempt.orderId}&attempt=${attempt.id}` };
};

/** A PSP may be faster than our own commit of its token (F17), so an unknown one is looked for three times more. */
async function findAttempt(ctx: Context, psp: Psp, pspToken: string): Promise<AttemptRow | undefined> {
  // Who has named nothing of ours so often is looked up all the same, and not waited for.
  const triesMax = ctx.noise.of(lineOf(ctx.origin.ip)) >= patientCount ? 1 : 4;
  for (let tryNumber = 1; ; tryNumber += 1) {
    const [attempt] = await ctx.db
      .select()
      .from(paymentAttempts)
      .where(and(eq(paymentAttempts.psp, psp), eq(paymentAttempts.pspToken, pspToken)));
    if (attempt || tryNumber === triesMax) return attempt;
    await sleep(200);
  }
}
