import { RateRial, type RateCurrency } from '@kelid/contracts/catalog';

export interface Quote {
  currency: RateCurrency;
  rateRial: number;
  /** When the market said so, not when it was read. */
  quotedAt: Date;
}

/** A place that knows what the free market pays. Another one is its file and an entry in open-rate-sources.ts. */
export interface RateSource {
  name: string;
  currencies: readonly RateCurrency[];
  /** What could be read now: nothing when there was no answer, and never a guess. Does not throw. */
  read(signal?: AbortSignal): Promise<Quote[]>;
}

/**
 * `121500`, "121500" or "121500.5" as whole Rial; undefined for all else, and for a rate that no currency has. No part of the way is a
 * float: the answer's own digits are moved by the place that makes Rial of Toman.
 */
export function rateRialOf(amount: unknown, unit: 'rial' | 'toman'): number | undefined {
  const text = typeof amount === 'number' ? String(amount) : typeof amount === 'string' ? amount.trim() : '';
  const match = /^(\d{1,10})(?:\.(\d{1,10}))?$/.exec(text);
  if (!match) return undefined;
  const [, whole = '', fraction = ''] = match;
  const places = unit === 'toman' ? 1 : 0;
  const rial = Number(whole + fraction.padEnd(places, '0').slice(0, places));
  return RateRial.safeParse(rial).data;
}

/** A quote, when all of it could be read. */
export function quoteOf(
  currency: RateCurrency,
  rateRial: number | undefined,
  quotedAtMs: number | undefined,
): Quote | undefined {
  if (rateRial === undefined || quotedAtMs === undefined) return undefined;
  const quotedAt = new Date(quotedAtMs);
  return Number.isNaN(quotedAt.getTime()) ? undefined : { currency, rateRial, quotedAt };
}
