import { z } from 'zod';
import { RateCurrency } from '@kelid/contracts/catalog';
import type { Logger } from '@kelid/service/log';
import { createRateHttp } from './rate-http.ts';
import { quoteOf, rateRialOf, type RateSource } from './rate-source.ts';

// BrsApi's Market/Gold_Currency.php: `currency` is a list, each item with its symbol, its price, its unit as a word and `time_unix`.

const units: Record<string, 'rial' | 'toman'> = { تومان: 'toman', ریال: 'rial' };
const Item = z.object({
  symbol: RateCurrency,
  price: z.union([z.string(), z.number()]),
  unit: z.string(),
  time_unix: z.int().min(0),
});
const Answer = z.object({ currency: z.array(z.unknown()).max(1_000) });

export function createBrsApi(options: { baseUrl: string; apiKey: string; log: Logger }): RateSource {
  const http = createRateHttp({ source: 'brsapi', ...options });
  return {
    name: 'brsapi',
    currencies: ['USD', 'EUR', 'TRY'],
    async read(signal) {
      const path = `/Market/Gold_Currency.php?key=${encodeURIComponent(options.apiKey)}`;
      const answer = Answer.safeParse(await http.get(path, signal));
      const items = (answer.data?.currency ?? []).flatMap((entry) => Item.safeParse(entry).data ?? []);
      // One item of a currency, however often it is listed: a source must never agree with itself.
      return this.currencies.flatMap((currency) => {
        const item = items.find(({ symbol }) => symbol === currency);
        const unit = units[item?.unit ?? ''];
        // A price in an unknown unit may be ten times another: it is no price.
        if (item === undefined || unit === undefined) return [];
        return quoteOf(currency, rateRialOf(item.price, unit), item.time_unix * 1000) ?? [];
      });
    },
  };
}
