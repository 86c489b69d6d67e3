import { and, eq, inArray, sql } from 'drizzle-orm';
import type { RateCurrency } from '@kelid/contracts/catalog';
import type { Tx } from '@kelid/service/context';
import { failpoint } from '@kelid/service/failpoint';
import { newId } from '@kelid/service/ids';
import type { Context } from '../context.ts';
import { fxQuotes, fxRates, fxStates } from '../db/schema.ts';
import { agreeOnRate, type SourceQuote } from '../domain/agreement.ts';
import { decideRate } from '../domain/next-rate.ts';

/** A source that gave no answer for so many rounds says nothing any more; until then its last word counts. */
const silentRounds = 3;

type ReadQuote = SourceQuote & { currency: RateCurrency };

/** Reads the sources of the currencies whose time has come, and decides on the rate of each. */
export async function followRates(ctx: Context): Promise<number> {
  // Whoever moves the time on is the one who reads; one that dies before it decides leaves the rate as it was, for a round.
  const due = await ctx.db
    .update(fxStates)
    .set({
      dueAt: sql`least(now() + make_interval(secs => ${ctx.config.CATALOG_RATE_EVERY_SECONDS}), case when manual_until > now() then manual_until end)`,
    })
    .where(
      sql`currency = any(array(select currency from fx_states where due_at <= now() order by currency for update skip locked))`,
    )
    .returning({ currency: fxStates.currency });
  if (due.length === 0) return 0;
  const asked = ctx.rateSources.filter((source) => due.some(({ currency }) => source.currencies.includes(currency)));
  const answers = await Promise.all(
    asked.map(async (source) => (await source.read(ctx.signal)).map((quote) => ({ ...quote, source: source.name }))),
  );
  failpoint('catalog.rates-read');
  for (const { currency } of due)
    await decide(
      ctx,
      currency,
      answers.flat().filter((quote) => quote.currency === currency),
    );
  return due.length;
}

async function decide(ctx: Context, currency: RateCurrency, read: readonly ReadQuote[]): Promise<void> {
  const { config } = ctx;
  const sources = ctx.rateSources.filter((source) => source.currencies.includes(currency)).map(({ name }) => name);
  const outcome = await ctx.transaction(async (tx) => {
    const [state] = await tx.select().from(fxStates).where(eq(fxStates.currency, currency)).for('no key update');
    if (!state) throw new Error(`There is no state of ${currency}`);
    const [rate] = state.rateId === null ? [] : await tx.select().from(fxRates).where(eq(fxRates.id, state.rateId));
    const quotes = [...read, ...(await lastWords(tx, ctx, currency, sources, read))];
    const now = ctx.now();
    const { rateRial, verdicts } = agreeOnRate(
      quotes,
      {
        sourcesMin: config.CATALOG_RATE_SOURCES_MIN,
        staleMinutes: config.CATALOG_RATE_STALE_MINUTES,
        spreadBasisPoints: config.CATALOG_RATE_SPREAD_BASIS_POINTS,
      },
      now,
    );
    if (read.length > 0)
      await tx.insert(fxQuotes).values(
        read.map((quote) => ({
          id: newId(),
          source: quote.source,
          currency,
          rateRial: quote.rateRial,
          quotedAt: quote.quotedAt.toISOString(),
          verdict: verdicts.get(quote) ?? 'unconfirmed',
        })),
      );
    const isManual = state.manualUntil !== null && new Date(state.manualUntil) > now;
    const ended = isManual ? {} : { manualRateRial: null, manualReason: null, manualBy: null, manualUntil: null };
    const update = (changes: Partial<typeof fxStates.$inferInsert>) =>
      tx
        .update(fxStates)
        .set({ ...ended, ...changes })
        .where(eq(fxStates.currency, currency));

    // Where too few sources know a currency, none of them can be wrong: its rate is set by hand.
    if (sources.length < config.CATALOG_RATE_SOURCES_MIN) {
      await update({ frozenSince: null, alarmedAt: null });
      return undefined;
    }
    const decision = decideRate({ followed: rate, marketRateRial: state.marketRateRial, isManual }, rateRial, {
      jumpBasisPoints: config.CATALOG_RATE_JUMP_BASIS_POINTS,
      stillBasisPoints: config.CATALOG_RATE_STILL_BASIS_POINTS,
    });
    if (decision.kind === 'freeze') {
      // While somebody's own rate is in force nobody has to be woken; when it ends and the sources still differ, they are.
      const isAlarm = !isManual && state.alarmedAt === null;
      await update({
        frozenSince: state.frozenSince ?? now.toISOString(),
        alarmedAt: isAlarm ? now.toISOString() : state.alarmedAt,
      });
      return isAlarm ? { alarm: decision.why } : undefined;
    }
    const [next] =
      decision.kind === 'follow' && rateRial !== undefined
        ? await tx.insert(fxRates).values({ currency, rateRial, source: 'market' }).returning({ id: fxRates.id })
        : [];
    await update({
      marketRateRial: rateRial ?? null,
      agreedAt: now.toISOString(),
      frozenSince: null,
      alarmedAt: null,
      ...(next ? { rateId: next.id } : {}),
    });
    return next ? { followed: rateRial } : undefined;
  });
  if (outcome?.alarm)
    ctx.log.error(
      { currency, reason: outcome.alarm, alarm: 'rate-frozen' },
      'a rate is frozen: its prices stay until its sources agree on it, or until it is set by hand',
    );
  else if (outcome) ctx.log.info({ currency, rateRial: outcome.followed }, 'prices follow another rate');
  failpoint('catalog.after-rate');
}

/** What the sources that gave no answer now said in the rounds before. */
async function lastWords(
  tx: Tx,
  ctx: Context,
  currency: RateCurrency,
  sources: string[],
  read: readonly ReadQuote[],
): Promise<ReadQuote[]> {
  const silentSeconds = silentRounds * ctx.config.CATALOG_RATE_EVERY_SECONDS;
  const silent = sources.filter((source) => !read.some((quote) => quote.source === source));
  const rows = await tx
    .selectDistinctOn([fxQuotes.source])
    .from(fxQuotes)
    .where(
      and(
        eq(fxQuotes.currency, currency),
        inArray(fxQuotes.source, silent),
        sql`${fxQuotes.readAt} > now() - make_interval(secs => ${silentSeconds})`,
      ),
    )
    .orderBy(fxQuotes.source, sql`${fxQuotes.readAt} desc`);
  return rows.map((row) => ({ ...row, quotedAt: new Date(row.quotedAt) }));
}
