import { z } from 'zod';
import type { Logger } from '@kelid/service/log';
import { createRateHttp } from './rate-http.ts';
import { quoteOf, rateRialOf, type RateSource } from './rate-source.ts';

// https://www.navasan.tech/webserviceguide: one object of all items, `value` in Toman as a text, `timestamp` in Unix seconds.

const items = { USD: 'usd_sell', EUR: 'eur', TRY: 'try' } as const;
const Item = z.object({ value: z.union([z.string(), z.number()]), timestamp: z.int().min(0) });
const Answer = z.record(z.string(), z.unknown());

export function createNavasan(options: { baseUrl: string; apiKey: string; log: Logger }): RateSource {
  const http = createRateHttp({ source: 'navasan', ...options });
  return {
    name: 'navasan',
    currencies: ['USD', 'EUR', 'TRY'],
    async read(signal) {
      const answer = Answer.safeParse(await http.get(`/latest/?api_key=${encodeURIComponent(options.apiKey)}`, signal));
      return this.currencies.flatMap((currency) => {
        const item = Item.safeParse(answer.data?.[items[currency]]);
        if (!item.success) return [];
        return quoteOf(currency, rateRialOf(item.data.value, 'toman'), item.data.timestamp * 1000) ?? [];
      });
    },
  };
}
