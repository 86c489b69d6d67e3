import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLogger } from '@kelid/service/log';
import { createBrsApi } from './brsapi.ts';
import { createNavasan } from './navasan.ts';
import { createNobitex } from './nobitex.ts';
import { type Quote, rateRialOf } from './rate-source.ts';

// Answers as the sources' pages and clients show them, apart from the simulator.
let server: Server;
let baseUrl: string;
let asked: (string | undefined)[];
let answer: { status?: number; body: string } | 'hang up' | 'endless';
const lines: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url);
    if (answer === 'hang up') return void request.socket.destroy();
    if (answer === 'endless') {
      response.writeHead(200);
      const write = () => response.writable && response.write('x'.repeat(65_536), () => setImmediate(write));
      return void write();
    }
    if (answer.status === 302) response.setHeader('location', '/elsewhere');
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
    return void response.end(answer.body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  baseUrl = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  lines.length = 0;
});

const log = createLogger({ level: 'debug', destination: { write: (line: string) => void lines.push(line) } });
const sources = {
  navasan: () => createNavasan({ baseUrl, apiKey: 'a key&', log }),
  brsapi: () => createBrsApi({ baseUrl, apiKey: 'a key&', log }),
  nobitex: () => createNobitex({ baseUrl, log }),
};
const reply = (body: unknown) => (answer = { body: JSON.stringify(body) });
const shown = (quotes: Quote[]) =>
  quotes.map(({ currency, rateRial, quotedAt }) => `${currency} ${rateRial} ${quotedAt.toISOString()}`);

const usd = { value: '121500', change: -25, timestamp: 1_763_712_000, date: '1404-08-30 11:30:00' };

test('Navasan: the dollar, the euro and the lira in Toman become Rial, with the time of the market', async () => {
  reply({
    usd_sell: usd,
    usd_buy: { ...usd, value: '121300' },
    eur: { ...usd, value: 132_435 },
    try: { ...usd, value: '2916.5' },
  });
  expect(shown(await sources.navasan().read())).toEqual([
    'USD 1215000 2025-11-21T08:00:00.000Z',
    'EUR 1324350 2025-11-21T08:00:00.000Z',
    'TRY 29165 2025-11-21T08:00:00.000Z',
  ]);
  expect(asked).toEqual(['/latest/?api_key=a%20key%26']);
});

test('Navasan: an item that is missing or broken is left out, and the others count', async () => {
  reply({ usd_sell: usd, eur: { value: 'N/A', timestamp: 1 }, try: null });
  expect(shown(await sources.navasan().read())).toEqual(['USD 1215000 2025-11-21T08:00:00.000Z']);
});

const dollar = {
  date: '1404/08/30',
  time: '11:30',
  time_unix: 1_763_712_000,
  symbol: 'USD',
  name_en: 'US Dollar',
  name: 'دلار',
  price: 121_500,
  change_value: -100,
  change_percent: -0.08,
  unit: 'تومان',
};

test('BrsApi: the unit beside a price says whether it is Toman or Rial, and one in dollars is no rate', async () => {
  reply({
    gold: [],
    currency: [
      { ...dollar, symbol: 'USDT_IRT' },
      dollar,
      { ...dollar, symbol: 'EUR', price: 1_324_350, unit: 'ریال' },
      { ...dollar, symbol: 'TRY', price: 0.024, unit: 'دلار' },
      'nonsense',
    ],
    cryptocurrency: [],
  });
  expect(shown(await sources.brsapi().read())).toEqual([
    'USD 1215000 2025-11-21T08:00:00.000Z',
    'EUR 1324350 2025-11-21T08:00:00.000Z',
  ]);
  expect(asked).toEqual(['/Market/Gold_Currency.php?key=a%20key%26']);
});

test('a currency that one source lists twice is one word, not two that agree', async () => {
  reply({ currency: [dollar, dollar, { ...dollar, price: 130_000 }] });
  expect(shown(await sources.brsapi().read())).toEqual(['USD 1215000 2025-11-21T08:00:00.000Z']);
});

test('Nobitex: the last trade of Tether in Rial stands for the dollar', async () => {
  const book = { status: 'ok', lastUpdate: 1_763_712_000_123, lastTradePrice: '1214990', asks: [], bids: [] };
  reply(book);
  expect(shown(await sources.nobitex().read())).toEqual(['USD 1214990 2025-11-21T08:00:00.123Z']);
  expect(asked).toEqual(['/v3/orderbook/USDTIRT']);
  reply({ ...book, status: 'failed', code: 'InvalidSymbol' });
  expect(await sources.nobitex().read()).toEqual([]);
});

const broken: [name: string, answer: typeof answer][] = [
  ['no connection', 'hang up'],
  ['an answer without an end', 'endless'],
  ['a page of a proxy', { body: '<html>Bad gateway</html>' }],
  ['nothing', { body: '' }],
  ['null', { body: 'null' }],
  ['a list', { body: '[]' }],
  ['an empty object', { body: '{}' }],
  ['JSON cut short', { body: '{"usd_sell":{"value":"1215' }],
  ['a key that ran out', { status: 401, body: JSON.stringify({ usd_sell: usd, currency: [dollar] }) }],
  ['too many calls', { status: 429, body: '{}' }],
  ['an error of its own', { status: 500, body: '{}' }],
  ['the way to another address', { status: 302, body: '' }],
];
test.each(
  Object.entries(sources).flatMap(([name, open]) => broken.map(([what, text]) => [name, what, open, text] as const)),
)('a source that fails says nothing, and its key stays out of the log: %s, %s', async (_name, _what, open, text) => {
  answer = text;
  expect(await open().read()).toEqual([]);
  expect(lines.join('')).not.toContain('a%20key');
  expect(lines.join('')).not.toContain('a key');
});

test.each([
  ['121500', 'toman', 1_215_000],
  ['121500.5', 'toman', 1_215_005],
  ['121500.56', 'toman', 1_215_005],
  [' 1215000.99 ', 'rial', 1_215_000],
  [1_215_000, 'rial', 1_215_000],
  ['99.9', 'toman', undefined],
  ['100000001', 'toman', undefined],
  ['1e6', 'rial', undefined],
  ['-121500', 'toman', undefined],
  ['121,500', 'toman', undefined],
  ['۱۲۱۵۰۰', 'toman', undefined],
  ['0x1DA9C', 'toman', undefined],
  ['', 'toman', undefined],
  [Number.NaN, 'toman', undefined],
  [Number.MAX_SAFE_INTEGER + 1, 'rial', undefined],
  [1e300, 'rial', undefined],
  [null, 'rial', undefined],
  [['121500'], 'toman', undefined],
] as const)('I27: a rate is read digit by digit, or not at all: %o in %s', (amount, unit, rial) => {
  expect(rateRialOf(amount, unit)).toBe(rial);
});
