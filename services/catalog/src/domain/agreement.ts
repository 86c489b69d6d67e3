import type { QuoteVerdict } from '@kelid/contracts/catalog';
import { isFarFrom, medianRial } from '@kelid/money/rate';

export interface SourceQuote {
  source: string;
  rateRial: number;
  quotedAt: Date;
}

export interface Guards {
  sourcesMin: number;
  staleMinutes: number;
  spreadBasisPoints: number;
}

// Clocks differ a little; a quote from farther ahead was not made by the market.
const aheadMs = 5 * 60_000;

/**
 * What the sources agree on: the median of those that are fresh and near the median of all fresh ones. Undefined when fewer than
 * `sourcesMin` are, or when they are not the greater part: two against two is no agreement.
 */
export function agreeOnRate<Quote extends SourceQuote>(
  quotes: readonly Quote[],
  guards: Guards,
  now: Date,
): { rateRial: number | undefined; verdicts: Map<Quote, QuoteVerdict> } {
  const oldest = now.getTime() - guards.staleMinutes * 60_000;
  const fresh = quotes.filter(
    ({ quotedAt }) => quotedAt.getTime() >= oldest && quotedAt.getTime() <= now.getTime() + aheadMs,
  );
  const middle = medianRial(fresh.map((quote) => quote.rateRial)) ?? 0;
  const near = fresh.filter((quote) => !isFarFrom(quote.rateRial, middle, guards.spreadBasisPoints));
  const areAgreed = near.length >= guards.sourcesMin && near.length * 2 > fresh.length;
  const verdictOf = (quote: Quote): QuoteVerdict => {
    if (!fresh.includes(quote)) return 'stale';
    if (!near.includes(quote)) return 'outlier';
    return areAgreed ? 'used' : 'unconfirmed';
  };
  return {
    rateRial: areAgreed ? medianRial(near.map((quote) => quote.rateRial)) : undefined,
    verdicts: new Map(quotes.map((quote) => [quote, verdictOf(quote)])),
  };
}
