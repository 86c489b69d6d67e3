import { z } from 'zod';
import type { Logger } from '@kelid/service/log';
import { createRateHttp } from './rate-http.ts';
import { quoteOf, rateRialOf, type RateSource } from './rate-source.ts';

// https://apidocs.nobitex.ir: the order book of Tether against the Rial; `lastTradePrice` in Rial as a text, `lastUpdate` in milliseconds.
// A Tether stands for a dollar; where it is worth less or more, the guard against outliers sees it.

const Answer = z.object({ status: z.literal('ok'), lastUpdate: z.int().min(0), lastTradePrice: z.string() });

export function createNobitex(options: { baseUrl: string; log: Logger }): RateSource {
  const http = createRateHttp({ source: 'nobitex', ...options });
  return {
    name: 'nobitex',
    currencies: ['USD'],
    async read(signal) {
      const answer = Answer.safeParse(await http.get('/v3/orderbook/USDTIRT', signal));
      const quote = quoteOf('USD', rateRialOf(answer.data?.lastTradePrice, 'rial'), answer.data?.lastUpdate);
      return quote ? [quote] : [];
    },
  };
}
