import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { startPrices, type TestPrices } from './test-prices.ts';

let simulators: Simulators;
let shop: TestPrices;
beforeEach(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPrices(simulators.url);
});
afterEach(async () => {
  await shop.close();
  await simulators.close();
});

const hours = (count: number) => new Date(Date.now() + count * 3_600_000).toISOString();
const verdicts = async () =>
  Object.fromEntries((await shop.rateOf('USD')).quotes.map(({ source, verdict }) => [source, verdict]));

test('prices follow the median of three sources, and each of them is shown with what was made of it', async () => {
  await shop.readRates();
  expect(await shop.rateOf('USD')).toMatchObject({
    rate: { rateRial: 1_215_000, source: 'market' },
    marketRateRial: 1_215_000,
    agreedAt: expect.any(String),
    frozenSince: null,
    manual: null,
    quotes: ['brsapi', 'navasan', 'nobitex'].map((source) => ({ source, rateRial: 1_215_000, verdict: 'used' })),
  });
  expect(await shop.rateOf('EUR')).toMatchObject({ rate: { rateRial: 1_324_350 }, frozenSince: null });
  expect((await shop.rateOf('EUR')).quotes).toHaveLength(2);
});

test('sources are read when their time has come, not before', async () => {
  await shop.readRates();
  await shop.market(1_250_000);
  expect(await shop.sweep('follow-rates')).toBe(0);
  expect(await shop.dollar()).toBe(1_215_000);
  await shop.readRates();
  expect(await shop.dollar()).toBe(1_250_000);
});

test('a source that says twice as much is left out, and prices go on with the others', async () => {
  await shop.fault('navasan.latest', 'outlier');
  await shop.readRates();
  expect(await shop.dollar()).toBe(1_215_000);
  expect(await verdicts()).toEqual({ navasan: 'outlier', brsapi: 'used', nobitex: 'used' });
  // The euro has two sources, and two that differ are no agreement.
  expect(await shop.rateOf('EUR')).toMatchObject({ rate: null, frozenSince: expect.any(String) });
});

test('a source that has not moved for days is stale, and a rate needs two that are not', async () => {
  await shop.fault('navasan.latest', 'stale');
  await shop.readRates();
  expect(await shop.dollar()).toBe(1_215_000);
  expect(await verdicts()).toEqual({ navasan: 'stale', brsapi: 'used', nobitex: 'used' });
  await shop.fault('brsapi.currencies', 'stale');
  await shop.readRates();
  expect(await verdicts()).toEqual({ navasan: 'stale', brsapi: 'stale', nobitex: 'unconfirmed' });
  expect(await shop.rateOf('USD')).toMatchObject({ rate: { rateRial: 1_215_000 }, frozenSince: expect.any(String) });
});

test.each(['error', 'garbage', 'down'])(
  'a source that fails with %s counts by its last word for three rounds, then not at all',
  async (mode) => {
    await shop.readRates();
    await shop.fault('navasan.latest', mode);
    await shop.fault('brsapi.currencies', mode);
    await shop.market(1_220_000);
    await shop.readRates();
    expect(await shop.rateOf('USD')).toMatchObject({ marketRateRial: 1_215_000, frozenSince: null });
    await shop.sql(
      'catalog',
      "update fx_quotes set read_at = read_at - interval '16 minutes' where source <> 'nobitex'",
    );
    await shop.readRates();
    expect(await shop.rateOf('USD')).toMatchObject({ rate: { rateRial: 1_215_000 }, frozenSince: expect.any(String) });
    await shop.calm();
    await shop.readRates();
    expect(await shop.rateOf('USD')).toMatchObject({ rate: { rateRial: 1_220_000 }, frozenSince: null });
  },
);

test('while sources differ no price moves, one alarm is raised, and the next freeze raises the next', async () => {
  await shop.readRates();
  for (const times of [1, 2]) {
    await shop.fault('navasan.latest', 'outlier');
    await shop.fault('brsapi.currencies', 'stale');
    for (let round = 0; round < 3; round += 1) await shop.readRates();
    expect(await shop.rateOf('USD')).toMatchObject({ rate: { rateRial: 1_215_000 }, frozenSince: expect.any(String) });
    expect(shop.alarms().filter(({ currency }) => currency === 'USD')).toHaveLength(times);
    await shop.calm();
    await shop.readRates();
    expect(await shop.rateOf('USD')).toMatchObject({ frozenSince: null });
  }
  expect(shop.alarms()[0]).toMatchObject({ reason: 'disagreement' });
});

test('a jump is not sold at, however many sources agree on it, until it is over or somebody sets the rate', async () => {
  await shop.readRates();
  await shop.market(1_400_000);
  await shop.readRates();
  await shop.readRates();
  expect(await shop.rateOf('USD')).toMatchObject({ rate: { rateRial: 1_215_000 }, frozenSince: expect.any(String) });
  expect(shop.alarms()).toHaveLength(1);
  expect(shop.alarms()[0]).toMatchObject({ currency: 'USD', reason: 'jump' });

  await shop.admin().setManualRate({ currency: 'USD', rateRial: 1_410_000, reason: 'the war', expiresAt: hours(2) });
  await shop.readRates();
  expect(await shop.rateOf('USD')).toMatchObject({
    rate: { rateRial: 1_410_000, source: 'manual' },
    marketRateRial: 1_400_000,
    frozenSince: null,
  });
  await shop.admin().clearManualRate({ currency: 'USD' });
  await shop.sweep('follow-rates');
  expect(await shop.rateOf('USD')).toMatchObject({ rate: { rateRial: 1_400_000, source: 'market' }, manual: null });
});

test('a rate set by hand wins over the market until it ends, and then the market is back without a word', async () => {
  await shop.readRates();
  const admin = shop.admin();
  const { rateId } = await admin.setManualRate({
    currency: 'USD',
    rateRial: 1_600_000,
    reason: 'supplier wants more',
    expiresAt: hours(1),
  });
  await shop.market(1_220_000);
  await shop.readRates();
  expect(await shop.rateOf('USD')).toMatchObject({
    rate: { id: rateId, rateRial: 1_600_000, source: 'manual' },
    marketRateRial: 1_220_000,
    manual: { rateRial: 1_600_000, reason: 'supplier wants more', setBy: expect.stringMatching(/^user:/) },
  });
  await shop.sql('catalog', "update fx_states set manual_until = now() - interval '1 second'");
  expect((await shop.rateOf('USD')).manual).toBeNull();
  await shop.readRates();
  expect(await shop.rateOf('USD')).toMatchObject({ rate: { rateRial: 1_220_000, source: 'market' }, manual: null });
  expect(shop.alarms()).toEqual([]);
});

test('the end of a rate set by hand is a time to decide, though the sources are not due', async () => {
  await shop.readRates();
  await shop.admin().setManualRate({ currency: 'USD', rateRial: 1_300_000, reason: 'a test', expiresAt: hours(0.01) });
  await shop.readRates();
  const [row] = await shop.sql(
    'catalog',
    "select due_at = manual_until as is_due_then from fx_states where currency = 'USD'",
  );
  expect(row).toEqual({ is_due_then: true });
});

test('while a rate set by hand is in force nobody is woken; when it ends and sources still differ, they are', async () => {
  await shop.readRates();
  await shop.admin().setManualRate({ currency: 'USD', rateRial: 1_300_000, reason: 'by hand', expiresAt: hours(1) });
  await shop.fault('navasan.latest', 'outlier');
  await shop.fault('brsapi.currencies', 'stale');
  await shop.readRates();
  const ofDollar = () => shop.alarms().filter(({ currency }) => currency === 'USD').length;
  expect(ofDollar()).toBe(0);
  await shop.sql('catalog', "update fx_states set manual_until = now() - interval '1 second' where currency = 'USD'");
  await shop.readRates();
  await shop.readRates();
  expect(ofDollar()).toBe(1);
  expect(await shop.rateOf('USD')).toMatchObject({ rate: { rateRial: 1_300_000 } });
});

test('a rate set by hand ends ahead of now, within 30 days', async () => {
  for (const expiresAt of [hours(-1), hours(24 * 30 + 1)])
    await expect(
      shop.admin().setManualRate({ currency: 'USD', rateRial: 1_300_000, reason: 'by hand', expiresAt }),
    ).rejects.toMatchObject({ code: 'catalog.expiry-not-ahead' });
  expect(await shop.rateOf('USD')).toMatchObject({ rate: null, manual: null });
});

test('a rate in Toman, or with a digit too many, is refused before it sells anything at a tenth', async () => {
  const set = (rateRial: number) =>
    shop.admin().setManualRate({ currency: 'USD', rateRial, reason: 'by hand', expiresAt: hours(1) });
  await set(1_000_000); // Where no rate is known yet, staff know best.
  for (const rateRial of [100_000, 499_999, 2_000_001, 10_000_000])
    await expect(set(rateRial)).rejects.toMatchObject({
      code: 'catalog.rate-implausible',
      data: { knownRateRial: 1_000_000 },
    });
  expect(await shop.dollar()).toBe(1_000_000);
  await set(2_000_000);
  await set(1_000_000);
  await set(500_000);
});

test('two processes that read at once accept one rate, 10 rounds', async () => {
  for (let round = 1; round <= 10; round += 1) {
    await shop.market(1_200_000 + round * 10_000);
    await shop.sql('catalog', 'update fx_states set due_at = now()');
    await Promise.all([shop.sweep('follow-rates'), shop.sweep('follow-rates'), shop.sweep('follow-rates')]);
    const rates = await shop.sql('catalog', "select count(*)::int as count from fx_rates where currency = 'USD'");
    expect(rates).toEqual([{ count: round }]);
    expect(await shop.dollar()).toBe(1_200_000 + round * 10_000);
  }
});

test('a rate of the past stays what it was, and what sources said is forgotten after 30 days', async () => {
  await shop.readRates();
  await expect(shop.sql('catalog', 'update fx_rates set rate_rial = 1000')).rejects.toMatchObject({ code: '42501' });
  await expect(shop.sql('catalog', 'delete from fx_rates')).rejects.toMatchObject({ code: '42501' });
  await shop.sql('catalog', "update fx_quotes set read_at = read_at - interval '31 days' where source = 'navasan'");
  await shop.sweep('forget-quotes');
  expect(await shop.sql('catalog', 'select distinct source from fx_quotes order by 1')).toEqual([
    { source: 'brsapi' },
    { source: 'nobitex' },
  ]);
});
