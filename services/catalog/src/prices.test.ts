import fc from 'fast-check';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { catalogContract, type PriceFormula } from '@kelid/contracts/catalog';
import type { Role } from '@kelid/contracts/contract';
import { newId } from '@kelid/service/ids';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { serviceActor, userActor } from '@kelid/testing/start-service';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { demoProducts } from '../../../demo/demo-shop.ts';
import { formula, startPrices, type TestPrices } from './test-prices.ts';

let simulators: Simulators;
let shop: TestPrices;
beforeAll(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPrices(simulators.url);
});
afterAll(async () => {
  await shop.close();
  await simulators.close();
});
// Every test begins at the market of the demo, with no rate set by hand and no formula of another test's.
beforeEach(async () => {
  await shop.calm();
  await shop.sql('catalog', 'delete from price_formulas');
  await moveTo(1_215_000);
});
afterEach(() => shop.sql('catalog', 'delete from price_formulas'));

const reason = 'spring prices';
const inOneHour = () => new Date(Date.now() + 3_600_000).toISOString();

/** To another market, step by step where one step would be a jump. */
async function moveTo(rateRial: number): Promise<void> {
  await shop.market(rateRial);
  await shop.sql(
    'catalog',
    "update fx_states set market_rate_rial = $1, manual_until = null, manual_rate_rial = null where currency = 'USD'",
    [rateRial],
  );
  await shop.readRates();
}

async function addFollowing(count: number, changes: Partial<PriceFormula> = {}, productCount = 1): Promise<string[]> {
  const ids = await shop.addVariants(count, 10_000_000, productCount);
  for (const variantId of ids)
    await shop.internal().setPriceFormula({ variantId, formula: { ...formula, ...changes }, reason });
  return ids;
}

const history = async (variantId: string) => (await shop.internal().listPriceHistory({ variantId })).items;

test('a formula makes the price at once: cost, rate, margin and fee, up to a friendly Toman', async () => {
  const [variantId = ''] = await shop.addVariants(1);
  // 10 dollars at 1,215,000 with 5 % are 12,757,500; with the fee 12,807,500.
  expect(await shop.admin().setPriceFormula({ variantId, formula, reason })).toEqual({
    variantId,
    priceRial: 12_810_000,
  });
  expect(await shop.priceOf(variantId)).toBe(12_810_000);
});

test('when the rate moves the price follows, and each step keeps its formula, its rate, who and why', async () => {
  const [variantId = ''] = await shop.addVariants(1);
  const staff = newId();
  await shop.admin(staff).setPriceFormula({ variantId, formula, reason });
  await moveTo(1_250_000);
  expect(await shop.priceOf(variantId)).toBe(12_810_000);
  await shop.reprice();
  expect(await shop.priceOf(variantId)).toBe(13_180_000);
  expect(await history(variantId)).toMatchObject([
    {
      oldPriceRial: 12_810_000,
      priceRial: 13_180_000,
      cause: 'rate',
      inputs: { ...formula, rateRial: 1_250_000 },
      rateId: (await shop.rateOf('USD')).rate?.id,
      reason: null,
      changedBy: 'service:catalog',
    },
    {
      oldPriceRial: 10_000_000,
      priceRial: 12_810_000,
      cause: 'formula',
      inputs: { ...formula, rateRial: 1_215_000 },
      reason,
      changedBy: `user:${staff}`,
    },
  ]);
  await expect(shop.sql('catalog', 'update price_history set price_rial = 10000')).rejects.toMatchObject({
    code: '42501',
  });
});

test('a rate set by hand is followed within a sweep, and while sources differ prices stay as they are', async () => {
  const [variantId = ''] = await addFollowing(1);
  await shop.fault('navasan.latest', 'outlier');
  await shop.fault('brsapi.currencies', 'down');
  await shop.market(1_260_000);
  await shop.sql('catalog', "update fx_quotes set read_at = read_at - interval '1 hour'");
  await shop.readRates();
  await shop.reprice();
  expect(await shop.priceOf(variantId)).toBe(12_810_000);
  await shop
    .admin()
    .setManualRate({ currency: 'USD', rateRial: 1_300_000, reason: 'nobody agrees', expiresAt: inOneHour() });
  await shop.reprice();
  expect(await shop.priceOf(variantId)).toBe(13_700_000);
  expect((await history(variantId))[0]).toMatchObject({ cause: 'rate', inputs: { rateRial: 1_300_000 } });
});

test('a price never goes below its floor nor above its ceiling', async () => {
  const [low = '', high = ''] = await shop.addVariants(2);
  const set = (variantId: string, changes: Partial<PriceFormula>) =>
    shop.internal().setPriceFormula({ variantId, formula: { ...formula, ...changes }, reason });
  expect((await set(low, { floorRial: 15_000_000 })).priceRial).toBe(15_000_000);
  expect((await set(high, { ceilingRial: 11_000_000 })).priceRial).toBe(11_000_000);
  await moveTo(1_300_000);
  await shop.reprice();
  expect([await shop.priceOf(low), await shop.priceOf(high)]).toEqual([15_000_000, 11_000_000]);
  await expect(set(low, { floorRial: 20_000_000, ceilingRial: 19_000_000 })).rejects.toMatchObject({ status: 422 });
});

test('a variant without a formula keeps its price, and a price set by hand ends the formula', async () => {
  const [plain = ''] = await shop.addVariants(1);
  const [followed = ''] = await addFollowing(1);
  const staff = newId();
  await shop.admin(staff).updateVariant({ variantId: followed, priceRial: 9_000_000, reason: 'a sale' });
  await moveTo(1_300_000);
  await shop.reprice();
  expect([await shop.priceOf(plain), await shop.priceOf(followed)]).toEqual([10_000_000, 9_000_000]);
  expect((await history(followed))[0]).toMatchObject({
    oldPriceRial: 12_810_000,
    priceRial: 9_000_000,
    cause: 'hand',
    inputs: null,
    rateId: null,
    reason: 'a sale',
    changedBy: `user:${staff}`,
  });
});

test('the same price set again, or other words, leaves the formula and the history alone', async () => {
  const [variantId = ''] = await addFollowing(1);
  await shop.admin().updateVariant({ variantId, priceRial: 12_810_000 });
  await shop.admin().updateVariant({ variantId, region: 'EU' });
  expect(await history(variantId)).toHaveLength(1);
  await moveTo(1_250_000);
  await shop.reprice();
  expect(await shop.priceOf(variantId)).toBe(13_180_000);
});

test('a formula taken away leaves the price as it is, with the reason in its history', async () => {
  const [variantId = ''] = await addFollowing(1);
  await shop.admin().setPriceFormula({ variantId, formula: null, reason: 'by hand from now on' });
  await moveTo(1_300_000);
  await shop.reprice();
  expect(await shop.priceOf(variantId)).toBe(12_810_000);
  expect((await history(variantId))[0]).toMatchObject({
    oldPriceRial: 12_810_000,
    priceRial: 12_810_000,
    cause: 'formula',
    inputs: null,
    reason: 'by hand from now on',
  });
});

test('a formula in a currency that has no rate yet waits for the first one', async () => {
  const [variantId = ''] = await shop.addVariants(1);
  const inLira = { ...formula, currency: 'TRY' as const, costMinor: 10_000 };
  const other = await startPrices(simulators.url, { CATALOG_RATE_SOURCES_MIN: '9' });
  try {
    const [waiting = ''] = await other.addVariants(1);
    await other.readRates();
    expect((await other.internal().setPriceFormula({ variantId: waiting, formula: inLira, reason })).priceRial).toBe(
      10_000_000,
    );
    await other.reprice();
    expect(await other.priceOf(waiting)).toBe(10_000_000);
    await expect(other.internal().previewPriceChange({ currency: 'TRY' })).rejects.toMatchObject({
      code: 'catalog.rate-not-set',
    });
    await other
      .internal()
      .setManualRate({ currency: 'TRY', rateRial: 29_160, reason: 'by hand', expiresAt: inOneHour() });
    await other.reprice();
    expect(await other.priceOf(waiting)).toBe(3_120_000);
    // Too few sources know any currency: that is no disagreement, and nobody is woken.
    expect(other.alarms()).toEqual([]);
  } finally {
    await other.close();
  }
  expect(await shop.internal().setPriceFormula({ variantId, formula: inLira, reason })).toMatchObject({
    priceRial: 3_120_000,
  });
});

test('I27: whatever formulas and rates are set, what is charged is what the formula says, to the Rial', async () => {
  const [variantId = ''] = await shop.addVariants(1);
  const parts = fc.record({
    costMinor: fc.integer({ min: 1, max: 10_000_000 }),
    marginBasisPoints: fc.integer({ min: 0, max: 100_000 }),
    feeRial: fc.integer({ min: 0, max: 1_000_000_000_000 }),
    stepRial: fc.integer({ min: 1, max: 1_000_000 }).map((tomans) => tomans * 10),
    floorRial: fc.integer({ min: 10_000, max: 1_000_000_000 }),
  });
  const rates = fc.integer({ min: 1_000, max: 1_000_000_000 });
  await fc.assert(
    fc.asyncProperty(parts, rates, rates, async (some, first, second) => {
      const exact = (rateRial: number) => {
        const rial =
          BigInt(some.costMinor) * BigInt(rateRial) * BigInt(10_000 + some.marginBasisPoints) +
          BigInt(some.feeRial) * 1_000_000n;
        const unit = 1_000_000n * BigInt(some.stepRial);
        const rounded = Number((rial / unit + (rial % unit === 0n ? 0n : 1n)) * BigInt(some.stepRial));
        return Math.max(rounded, some.floorRial);
      };
      const setRate = async (rateRial: number) => {
        await shop.sql('catalog', "update fx_states set rate_id = null where currency = 'USD'"); // So that any rate may be the first.
        await shop.internal().setManualRate({ currency: 'USD', rateRial, reason: 'by hand', expiresAt: inOneHour() });
      };
      await setRate(first);
      const set = await shop
        .internal()
        .setPriceFormula({ variantId, formula: { ...some, currency: 'USD', ceilingRial: null }, reason });
      expect(set.priceRial).toBe(exact(first));
      await setRate(second);
      await shop.reprice();
      expect(await shop.priceOf(variantId)).toBe(exact(second));
    }),
    { numRuns: 40 },
  );
});

test('a preview says which prices another rate would change, page by page, and writes nothing', async () => {
  const ids = await addFollowing(7);
  const before = await shop.sql('catalog', 'select count(*)::int as count from price_history');
  const seen: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await shop
      .admin()
      .previewPriceChange({ currency: 'USD', rateRial: 1_250_000, limit: 3, ...(cursor ? { cursor } : {}) });
    for (const { variantId, fromRial, toRial, sku } of page.items) {
      expect([fromRial, toRial, sku]).toEqual([12_810_000, 13_180_000, expect.any(String)]);
      seen.push(variantId);
    }
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(ids.toSorted());
  expect((await shop.admin().previewPriceChange({ currency: 'USD' })).items).toEqual([]);
  expect(await shop.sql('catalog', 'select count(*)::int as count from price_history')).toEqual(before);
  expect(await shop.dollar()).toBe(1_215_000);

  // What was shown is what comes.
  await moveTo(1_250_000);
  await shop.reprice();
  for (const id of ids) expect(await shop.priceOf(id)).toBe(13_180_000);
});

test('a preview of a formula shows that variant alone, also with a rate of its own', async () => {
  const [variantId = ''] = await shop.addVariants(1);
  const variant = { variantId, formula: { ...formula, marginBasisPoints: 0 } };
  const preview = (more: object = {}) => shop.admin().previewPriceChange({ currency: 'USD', variant, ...more });
  expect((await preview()).items).toMatchObject([{ variantId, fromRial: 10_000_000, toRial: 12_200_000 }]);
  expect((await preview({ rateRial: 1_000_000 })).items).toMatchObject([{ toRial: 10_050_000 }]);
  expect((await preview({ rateRial: 995_000 })).items).toEqual([]);
  await expect(preview({ currency: 'EUR' })).rejects.toMatchObject({ code: 'invalid-input' });
  await expect(preview({ variant: { ...variant, variantId: newId() } })).rejects.toMatchObject({
    code: 'catalog.product-not-found',
  });
  expect(await shop.priceOf(variantId)).toBe(10_000_000);
});

test('the history is read page by page, newest first, nothing twice and nothing left out', async () => {
  const [variantId = ''] = await shop.addVariants(1);
  const prices = Array.from({ length: 7 }, (_, index) => 20_000_000 + index * 10_000);
  for (const priceRial of prices) await shop.admin().updateVariant({ variantId, priceRial });
  const seen: number[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await shop.admin().listPriceHistory({ variantId, limit: 3, ...(cursor ? { cursor } : {}) });
    seen.push(...page.items.map((item) => item.priceRial));
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(prices.toReversed());
  await expect(shop.admin().listPriceHistory({ variantId, cursor: 'made-up' })).rejects.toMatchObject({
    code: 'catalog.cursor-invalid',
  });
});

test('a shopper may know the rate behind a price and where it is from, and nothing of its cost', async () => {
  const [plain = ''] = await shop.addVariants(1);
  const [variantId = ''] = await addFollowing(1);
  expect(await shop.guest().getPriceExplanation({ variantId: plain })).toEqual({
    variantId: plain,
    priceRial: 10_000_000,
    rate: null,
  });
  const explained = await shop.guest().getPriceExplanation({ variantId });
  expect(explained).toEqual({
    variantId,
    priceRial: 12_810_000,
    rate: {
      currency: 'USD',
      rateRial: 1_215_000,
      source: 'market',
      acceptedAt: expect.any(String),
      agreedAt: expect.any(String),
    },
  });
  await expect(shop.guest().getPriceExplanation({ variantId: newId() })).rejects.toMatchObject({ status: 404 });
});

test('CA-11: a price that follows its rate shows in lists and pages at once, and cached answers are dropped', async () => {
  const [variantId = ''] = await addFollowing(1);
  const version = async () => (await shop.internal().getCacheVersion({})).version;
  const productId = (await shop.internal().getVariants({ variantIds: [variantId] })).items[0]?.productId ?? '';
  await moveTo(1_250_000);
  const before = await version();
  await shop.reprice();
  expect(await version()).toBeGreaterThan(before);
  expect(await shop.guest().getProduct({ productId })).toMatchObject({
    fromPriceRial: 13_180_000,
    variants: [{ priceRial: 13_180_000 }],
  });
  const told = await shop.sql(
    'catalog',
    "select count(*)::int as count from outbox where type = 'product.changed' and data->>'productId' = $1",
    [productId],
  );
  expect(told).toEqual([{ count: 3 }]); // Made, given a formula, followed its rate.
  // A rate that changes no price makes nothing stale.
  const quiet = await version();
  await shop
    .internal()
    .setManualRate({ currency: 'USD', rateRial: 1_250_000, reason: 'the same', expiresAt: inOneHour() });
  await shop.reprice();
  expect(await version()).toBe(quiet);
});

test('prices of many variants follow in bounded batches, each once, also when three processes do it at once', async () => {
  const ids = await addFollowing(120, {}, 12);
  await moveTo(1_250_000);
  const first = await shop.sweep('reprice-variants');
  expect(first).toBe(50);
  await Promise.all([shop.reprice(), shop.reprice(), shop.reprice()]);
  await shop.reprice();
  const rows = await shop.sql(
    'catalog',
    "select count(*)::int as count, count(distinct variant_id)::int as variants from price_history where cause = 'rate' and variant_id = any($1::uuid[])",
    [ids],
  );
  expect(rows).toEqual([{ count: 120, variants: 120 }]);
  for (const id of ids.slice(0, 5)) expect(await shop.priceOf(id)).toBe(13_180_000);
});

test('whoever sets a price by hand while the sweep follows a rate has the last word, 20 rounds', async () => {
  const [variantId = ''] = await shop.addVariants(1);
  for (let round = 0; round < 20; round += 1) {
    await shop.internal().setPriceFormula({ variantId, formula, reason });
    const rateRial = 1_215_000 + (round % 2 === 0 ? 20_000 : 0);
    await shop.internal().setManualRate({ currency: 'USD', rateRial, reason: 'by hand', expiresAt: inOneHour() });
    const priceRial = 5_000_000 + round * 10;
    await Promise.all([shop.sweep('reprice-variants'), shop.internal().updateVariant({ variantId, priceRial })]);
    await shop.reprice();
    expect(await shop.priceOf(variantId)).toBe(priceRial);
    // The history is one chain: each price begins where the one before ended.
    const chain = (await shop.internal().listPriceHistory({ variantId, limit: 100 })).items.toReversed();
    for (const [index, row] of chain.entries())
      if (index > 0) expect(row.oldPriceRial).toBe(chain[index - 1]?.priceRial);
  }
});

/** Another process of the catalogue on the same database, which runs these sweeps once. */
function startSweeper(sweeps: string[], failpoints = ''): ChildProcess {
  const program = `
    import { startHost } from '@kelid/service/host';
    import { catalogService } from './src/service.ts';
    const host = await startHost({ services: [catalogService], env: process.env });
    for (const name of ${JSON.stringify(sweeps)}) await host.sweep('catalog', name);
    await host.close();`;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: join(import.meta.dirname, '..'),
    env: { PATH: process.env['PATH'], ...shop.env, LOG_LEVEL: 'silent', FAILPOINTS: failpoints },
    stdio: 'inherit',
  });
}

test.each([
  ['after the sources were read', 'catalog.rates-read', 12_810_000],
  ['after the rate was accepted, before any price', 'catalog.after-rate', 13_180_000],
  ['within a batch of prices', 'catalog.before-prices', 13_180_000],
])('killed %s, nothing is half done, and the next process goes on', async (_when, failpoint, priceRial) => {
  const ids = await addFollowing(3);
  await shop.market(1_250_000);
  await shop.sql(
    'catalog',
    "update fx_states set due_at = case when currency = 'USD' then now() else now() + interval '1 hour' end",
  );
  const sweeps = ['follow-rates', 'reprice-variants'];
  expect((await once(startSweeper(sweeps, failpoint), 'exit'))[1]).toBe('SIGKILL');
  for (const id of ids) expect(await shop.priceOf(id)).toBe(12_810_000);
  expect((await once(startSweeper(sweeps), 'exit'))[0]).toBe(0);
  for (const id of ids) {
    expect(await shop.priceOf(id)).toBe(priceRial);
    expect(await history(id)).toHaveLength(priceRial === 12_810_000 ? 1 : 2);
  }
  // One that died while it read leaves the rate for the next round.
  await moveTo(1_250_000);
  await shop.reprice();
  for (const id of ids) expect(await shop.priceOf(id)).toBe(13_180_000);
});

const calls = (variantId: string) => {
  const as = (actor: Parameters<typeof shop.as>[1]) => shop.as(catalogContract, actor);
  return {
    listRates: (actor) => as(actor).listRates({}),
    setManualRate: (actor) =>
      as(actor).setManualRate({ currency: 'EUR', rateRial: 1_324_350, reason, expiresAt: inOneHour() }),
    clearManualRate: (actor) => as(actor).clearManualRate({ currency: 'EUR' }),
    setPriceFormula: (actor) => as(actor).setPriceFormula({ variantId, formula, reason }),
    previewPriceChange: (actor) => as(actor).previewPriceChange({ currency: 'USD' }),
    listPriceHistory: (actor) => as(actor).listPriceHistory({ variantId }),
  } satisfies Record<string, (actor: Parameters<typeof shop.as>[1]) => Promise<unknown>>;
};

test('I13: rates and formulas are for the staff who run the shop: no guest, customer, seller, support or developer', async () => {
  const [variantId = ''] = await shop.addVariants(1);
  const roles: Role[] = ['customer', 'seller', 'support', 'developer'];
  for (const [name, call] of Object.entries(calls(variantId))) {
    for (const role of roles)
      await expect(call(userActor(newId(), [role])), `${name} by ${role}`).rejects.toMatchObject({ status: 403 });
    await expect(call({ kind: 'guest' }), `${name} by a guest`).rejects.toMatchObject({ status: 401 });
    await call(userActor(newId(), ['admin']));
    await call(serviceActor);
  }
});

test("A38: a seller asks for no less and no more than the shop's bounds and the face value's worth by today's rate, when adding and when changing", async () => {
  await addFollowing(1); // So that there is a rate: 1,215,000 Rial a dollar.
  const dollarRial = (await shop.dollar()) ?? 0;
  const sellerId = newId();
  const seller = shop.as(catalogContract, userActor(sellerId, ['seller']));
  const { categoryId } = await shop.internal().createCategory({
    slug: `c-${newId()}`,
    title: { fa: 'c', en: 'c' },
    parentId: null,
    position: 1,
  });
  const text = { fa: 'x', en: 'x' };
  const add = (priceRial: number, faceValue = 1_000, faceCurrency = 'USD') =>
    seller.createProduct({
      slug: `p-${newId()}`,
      title: text,
      summary: text,
      description: text,
      activationGuide: { fa: [], en: [] },
      type: 'gift_card',
      brand: 'Steam',
      platform: 'steam',
      categoryId,
      aliases: [],
      isFeatured: false,
      variants: [{ sku: newId(), title: text, region: 'US', faceValue, faceCurrency, priceRial }],
    });
  const refusal = (field: string) => ({ code: 'catalog.price-out-of-bounds', data: { errors: [{ field }] } });
  // Ten dollars: 70 % to 200 % of what they are worth.
  const [floorRial, ceilingRial] = [dollarRial * 7, dollarRial * 20];
  const { variants } = await add(floorRial);
  await add(ceilingRial);
  for (const priceRial of [floorRial - 1, ceilingRial + 1])
    await expect(add(priceRial)).rejects.toMatchObject(refusal('variants.0.priceRial'));
  const variantId = variants[0]?.id ?? '';
  for (const priceRial of [floorRial - 1, ceilingRial + 1])
    await expect(seller.updateVariant({ variantId, priceRial })).rejects.toMatchObject(refusal('priceRial'));
  // Nor by another face value in the same call.
  await expect(seller.updateVariant({ variantId, priceRial: floorRial - 1, faceValue: 1_001 })).rejects.toMatchObject(
    refusal('priceRial'),
  );
  await seller.updateVariant({ variantId, priceRial: ceilingRial });
  // What no rate knows has the shop's own bounds.
  for (const [faceValue, currency] of [
    [0, 'USD'],
    [1_000, 'SEK'],
  ] as const) {
    for (const priceRial of [49_999, 1_000_000_001])
      await expect(add(priceRial, faceValue, currency)).rejects.toMatchObject(refusal('variants.0.priceRial'));
    await add(50_000, faceValue, currency);
  }
  // A price that staff let follow a rate is not a seller's to end.
  await shop.internal().setPriceFormula({ variantId, formula, reason: 'follows the dollar' });
  await expect(seller.updateVariant({ variantId, priceRial: floorRial + 10_000 })).rejects.toMatchObject(
    refusal('priceRial'),
  );
  await shop.internal().updateVariant({ variantId, priceRial: 10_000 }); // Staff are not bound.
});

test("I13: a seller changes the price of an own variant only, and another's formula is as it was", async () => {
  const [variantId = ''] = await addFollowing(1);
  const seller = shop.as(catalogContract, userActor(newId(), ['seller']));
  await expect(seller.updateVariant({ variantId, priceRial: 10_000 })).rejects.toMatchObject({ status: 404 });
  expect(await shop.priceOf(variantId)).toBe(12_810_000);
  expect(await history(variantId)).toHaveLength(1);
});

test('I13 I27: a rate or a formula that is no whole number, out of bounds or more than was asked for is a 422 and changes nothing', async () => {
  const [variantId = ''] = await shop.addVariants(1);
  const admin = shop.admin();
  const rates = [0, -1, 999, 1.5, 1_000_000_001, Number.MAX_SAFE_INTEGER, '1215000', '۱۲۱۵۰۰۰', '1e6', null];
  for (const rateRial of rates)
    await expect(
      admin.setManualRate({ currency: 'USD', rateRial, reason, expiresAt: inOneHour() } as never),
    ).rejects.toMatchObject({ status: 422 });
  const wrong = [
    { costMinor: 0 },
    { costMinor: 1.5 },
    { costMinor: 2 ** 53 },
    { marginBasisPoints: -1 },
    { feeRial: -10 },
    { feeRial: '0' },
    { stepRial: 15 },
    { stepRial: 0 },
    { floorRial: 9_999 },
    { ceilingRial: 9_999 },
    { currency: 'IRR' },
    { priceRial: 10_000 },
    { rateRial: 1_000 },
  ];
  for (const changes of wrong)
    await expect(
      admin.setPriceFormula({ variantId, formula: { ...formula, ...changes }, reason } as never),
    ).rejects.toMatchObject({ status: 422 });
  await expect(admin.setPriceFormula({ variantId, formula } as never)).rejects.toMatchObject({ status: 422 });
  await expect(admin.setPriceFormula({ variantId: newId(), formula, reason })).rejects.toMatchObject({ status: 404 });
  expect(await shop.priceOf(variantId)).toBe(10_000_000);
  expect(await shop.dollar()).toBe(1_215_000);
});

test('CA-15: the demo has cards whose price follows a rate, and at the first rates of the demo no price moves', async () => {
  await shop.internal().loadDemo({});
  const following = demoProducts.flatMap(({ variants }) => variants.filter(({ cost }) => cost));
  expect(new Set(following.map(({ cost }) => cost?.currency))).toEqual(new Set(['USD', 'EUR']));
  const prices = () =>
    shop.sql('catalog', 'select sku, price_rial from variants where sku = any($1::text[]) order by sku', [
      following.map(({ sku }) => sku),
    ]);
  const before = await prices();
  expect(before).toHaveLength(following.length);
  await shop.readRates();
  await shop.reprice();
  expect(await prices()).toEqual(before);
  expect(
    await shop.sql('catalog', 'select count(*)::int as count from price_formulas where priced_rate_id is null'),
  ).toEqual([{ count: 0 }]);
  await moveTo(1_250_000);
  await shop.reprice();
  expect(await prices()).not.toEqual(before);
}, 90_000);
