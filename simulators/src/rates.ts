import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { type FaultPlace, type Faults, type rateFaultModes } from './faults.ts';

// The free market of the demo, as three places tell it: Navasan and BrsApi in Toman, Nobitex by its Tether in Rial. Any key is taken but
// one that begins with `wrong`.

export const RateChange = z.strictObject({
  currency: z.enum(['USD', 'EUR', 'TRY']),
  rateRial: z.int().min(10).multipleOf(10),
});
type Currency = z.infer<typeof RateChange>['currency'];

const staleMs = 3 * 24 * 60 * 60_000;

export interface Rates {
  list(): Record<Currency, number>;
  set(change: z.infer<typeof RateChange>): void;
  register(server: FastifyInstance): void;
}

export function createRates(faults: Faults): Rates {
  // At these the demo's formulas make the prices that its cards begin with.
  const market: Record<Currency, number> = { USD: 1_215_000, EUR: 1_324_350, TRY: 29_160 };

  /** What the market says at this moment of a call, or undefined when a fault has answered in its place. */
  async function look(
    place: FaultPlace & keyof typeof rateFaultModes,
    reply: FastifyReply,
  ): Promise<{ rialOf(currency: Currency): number; atMs: number } | undefined> {
    const mode = await faults.strike(place, ['slow', 'error', 'garbage', 'down', 'stale', 'outlier']);
    if (mode === 'error') await reply.status(500).type('text/html').send('<html>Server Error</html>');
    else if (mode === 'garbage') await reply.type('text/html').send('<html><body>Bad gateway</body></html>');
    else if (mode === 'down') reply.raw.destroy();
    else
      return {
        // Twice as much, as when a place mistakes one currency for another.
        rialOf: (currency) => market[currency] * (mode === 'outlier' ? 2 : 1),
        atMs: Date.now() - (mode === 'stale' ? staleMs : 0),
      };
    return undefined;
  }

  function register(server: FastifyInstance): void {
    server.get<{ Querystring: { api_key?: string } }>('/navasan/latest/', async (request, reply) => {
      if (isWrongKey(request.query.api_key)) return reply.status(401).send({ error: 'Invalid API key' });
      const seen = await look('navasan.latest', reply);
      if (!seen) return reply;
      const item = (currency: Currency) => ({
        value: String(seen.rialOf(currency) / 10),
        change: 0,
        timestamp: Math.floor(seen.atMs / 1000),
        date: new Date(seen.atMs).toISOString().slice(0, 19).replace('T', ' '),
      });
      return { usd_sell: item('USD'), usd_buy: item('USD'), eur: item('EUR'), try: item('TRY') };
    });

    server.get<{ Querystring: { key?: string } }>('/brsapi/Market/Gold_Currency.php', async (request, reply) => {
      if (isWrongKey(request.query.key)) return reply.status(403).send({ error: 'key' });
      const seen = await look('brsapi.currencies', reply);
      if (!seen) return reply;
      const item = (symbol: Currency, nameEn: string, name: string) => ({
        date: new Date(seen.atMs).toISOString().slice(0, 10),
        time: new Date(seen.atMs).toISOString().slice(11, 16),
        time_unix: Math.floor(seen.atMs / 1000),
        symbol,
        name_en: nameEn,
        name,
        price: seen.rialOf(symbol) / 10,
        change_value: 0,
        change_percent: 0,
        unit: 'تومان',
      });
      return {
        gold: [],
        currency: [
          item('USD', 'US Dollar', 'دلار'),
          item('EUR', 'Euro', 'یورو'),
          item('TRY', 'Turkish Lira', 'لیر ترکیه'),
        ],
        cryptocurrency: [],
      };
    });

    server.get('/nobitex/v3/orderbook/USDTIRT', async (_request, reply) => {
      const seen = await look('nobitex.orderbook', reply);
      if (!seen) return reply;
      const price = String(seen.rialOf('USD'));
      return {
        status: 'ok',
        lastUpdate: seen.atMs,
        lastTradePrice: price,
        asks: [[price, '120.5']],
        bids: [[price, '80']],
      };
    });
  }

  return {
    list: () => ({ ...market }),
    set: ({ currency, rateRial }) => void (market[currency] = rateRial),
    register,
  };
}

function isWrongKey(key: string | undefined): boolean {
  return key === undefined || key.startsWith('wrong');
}
