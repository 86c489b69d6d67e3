import { eq, sql } from 'drizzle-orm';
import { RateCurrency } from '@kelid/contracts/catalog';
import { iso } from '@kelid/service/instant';
import type { Operations } from '../context.ts';
import { fxQuotes, fxRates, fxStates } from '../db/schema.ts';

export const listRates: Operations['listRates'] = async (ctx) => {
  const states = await ctx.db.select().from(fxStates).leftJoin(fxRates, eq(fxRates.id, fxStates.rateId));
  const quotes = await ctx.db
    .selectDistinctOn([fxQuotes.currency, fxQuotes.source])
    .from(fxQuotes)
    .orderBy(fxQuotes.currency, fxQuotes.source, sql`${fxQuotes.readAt} desc`);
  return {
    items: RateCurrency.options.flatMap((currency) => {
      const row = states.find(({ fx_states: state }) => state.currency === currency);
      if (!row) return [];
      const { fx_states: state, fx_rates: rate } = row;
      const { manualRateRial, manualReason, manualBy, manualUntil } = state;
      const isManual = manualRateRial !== null && manualUntil !== null && new Date(manualUntil) > ctx.now();
      return [
        {
          currency,
          rate: rate && {
            id: rate.id,
            rateRial: rate.rateRial,
            source: rate.source,
            acceptedAt: iso(rate.acceptedAt),
          },
          marketRateRial: state.marketRateRial,
          agreedAt: iso(state.agreedAt),
          frozenSince: iso(state.frozenSince),
          manual: isManual
            ? {
                rateRial: manualRateRial,
                reason: manualReason ?? '',
                setBy: manualBy ?? '',
                expiresAt: iso(manualUntil),
              }
            : null,
          quotes: quotes
            .filter((quote) => quote.currency === currency)
            .map(({ source, rateRial, quotedAt, readAt, verdict }) => ({
              source,
              rateRial,
              quotedAt: iso(quotedAt),
              readAt: iso(readAt),
              verdict,
            })),
        },
      ];
    }),
  };
};
