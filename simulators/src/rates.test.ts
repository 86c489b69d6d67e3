import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { rateFaultModes } from './faults.ts';
import { startTestSimulators, type TestSimulators } from './test-simulators.ts';

let simulators: TestSimulators;
beforeAll(async () => {
  simulators = await startTestSimulators();
});
afterEach(() => simulators.calm());
afterAll(() => simulators.close());

type Place = keyof typeof rateFaultModes;
const Item = z.union([
  z.object({ usd_sell: z.object({ value: z.string(), timestamp: z.int() }) }).transform(({ usd_sell: usd }) => ({
    rateRial: Number(usd.value) * 10,
    atMs: usd.timestamp * 1000,
  })),
  z
    .object({
      currency: z
        .tuple([z.object({ symbol: z.literal('USD'), price: z.number(), time_unix: z.int() })])
        .rest(z.unknown()),
    })
    .transform(({ currency: [usd] }) => ({ rateRial: usd.price * 10, atMs: usd.time_unix * 1000 })),
  z
    .object({ status: z.literal('ok'), lastTradePrice: z.string(), lastUpdate: z.int() })
    .transform((book) => ({ rateRial: Number(book.lastTradePrice), atMs: book.lastUpdate })),
]);
const paths: Record<Place, string> = {
  'navasan.latest': '/navasan/latest/?api_key=a-key',
  'brsapi.currencies': '/brsapi/Market/Gold_Currency.php?key=a-key',
  'nobitex.orderbook': '/nobitex/v3/orderbook/USDTIRT',
};

/** What a caller hears of the dollar. */
async function ask(place: Place): Promise<string> {
  const response = await fetch(`${simulators.url}${paths[place]}`).catch(() => undefined);
  if (!response) return 'no answer';
  const text = await response.text();
  if (text.startsWith('<')) return `html ${response.status}`;
  const { rateRial, atMs } = Item.parse(JSON.parse(text));
  return `${rateRial} ${Date.now() - atMs < 3_600_000 ? 'now' : 'days ago'}`;
}

const struck: { [P in Place]: Record<(typeof rateFaultModes)[P][number], string> } = {
  'navasan.latest': strikes(),
  'brsapi.currencies': strikes(),
  'nobitex.orderbook': strikes(),
};
function strikes() {
  return {
    slow: '1215000 now',
    error: 'html 500',
    garbage: 'html 200',
    down: 'no answer',
    stale: '1215000 days ago',
    outlier: '2430000 now',
  };
}
const cases = Object.entries(struck).flatMap(([place, modes]) =>
  Object.entries(modes).map(([mode, seen]) => ({ place: place as Place, mode, seen })),
);

test.each(cases)('PA-7: "$mode" at $place strikes one call and spares the next', async ({ place, mode, seen }) => {
  await simulators.fault(place, { mode, delayMs: 200, count: 1 });
  const startedAt = performance.now();
  expect(await ask(place)).toBe(seen);
  // A timer may fire a little early.
  if (mode === 'slow') expect(performance.now() - startedAt).toBeGreaterThan(190);
  expect(await ask(place)).toBe('1215000 now');
});

test('the market of the demo moves where it is told to, and all three places say so', async () => {
  const put = (body: unknown) =>
    fetch(`${simulators.url}/rates`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect(await (await put({ currency: 'USD', rateRial: 1_300_000 })).json()).toMatchObject({ USD: 1_300_000 });
  for (const place of ['navasan.latest', 'brsapi.currencies', 'nobitex.orderbook'] as const)
    expect(await ask(place)).toBe('1300000 now');
  for (const wrong of [{ currency: 'GBP', rateRial: 1_300_000 }, { currency: 'USD', rateRial: 1_300_001 }, {}])
    expect((await put(wrong)).status).toBe(422);
  await put({ currency: 'USD', rateRial: 1_215_000 });
});

test.each(['/navasan/latest/', '/navasan/latest/?api_key=wrong-key', '/brsapi/Market/Gold_Currency.php?key=wrong'])(
  'a source asked with no key or a wrong one refuses: %s',
  async (path) => {
    expect((await fetch(`${simulators.url}${path}`)).ok).toBe(false);
  },
);
