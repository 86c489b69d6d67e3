import { catalogContract } from '@kelid/contracts/catalog';
import { newId } from '@kelid/service/ids';
import { invariantsBeside } from '@kelid/service/invariants';
import { type Simulators, startSimulators } from '@kelid/simulators/simulators';
import { userActor } from '@kelid/testing/start-service';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { catalogService } from './service.ts';
import { formula, startPrices, type TestPrices } from './test-prices.ts';

let simulators: Simulators;
let shop: TestPrices;
let variantId: string;
let other: string;
beforeEach(async () => {
  simulators = await startSimulators({ port: 0, smtpPort: 0 });
  shop = await startPrices(simulators.url);
  await shop.readRates();
  [variantId = '', other = ''] = await shop.addVariants(2);
  await shop.internal().setPriceFormula({ variantId, formula, reason: 'spring prices' });
});
afterEach(async () => {
  await shop.close();
  await simulators.close();
});

// What the checks are for: each of these is a catalogue gone wrong.
test.each([
  ['CA-6 CA-10', `update products set from_price_rial = 1`],
  ['CA-6 CA-10', `update products set is_in_stock = true`],
  ['CA-6 CA-10', `update products set regions = '{}'`],
  ['I13', `update variants set price_rial = price_rial + 10`],
  ['I27', `update price_formulas set floor_rial = 100000000`],
  ['I27', `update price_formulas set currency = 'EUR'`],
  [
    'I27',
    `update fx_states set rate_id = (select rate_id from fx_states where currency = 'USD') where currency = 'EUR'`,
  ],
  [
    'CA-3',
    `do $$ begin alter table categories disable trigger user; update categories set parent_id = id; alter table categories enable trigger user; end $$`,
  ],
])('the check %s finds: %s', async (id, statement) => {
  expect(await shop.brokenInvariants('catalog')).toEqual([]);
  await shop.ownerSql('catalog', statement);
  expect(await shop.brokenInvariants('catalog')).toContainEqual(expect.stringMatching(`^${id}:`));
});

test('I13: a price that is not what its history says is an alarm, and that variant alone is not sold until staff settle it', async () => {
  const sold = async () =>
    (await shop.internal().getVariants({ variantIds: [variantId, other] })).items.map((item) => item.variantId);
  const look = async () => {
    await shop.sql('catalog', 'update monitor_marks set due_at = now()');
    await shop.host.sweep('catalog', 'watch-invariants');
  };
  await look();
  expect((await sold()).toSorted()).toEqual([variantId, other].toSorted());
  await shop.sql('catalog', 'update variants set price_rial = 10000 where id = $1', [variantId]);
  await look();
  expect(await sold()).toEqual([other]);
  const [alarm] = shop.logLines.filter((line) => line.includes('invariant-broken'));
  expect(JSON.parse(alarm ?? '')).toMatchObject({ invariant: 'I13', subject: variantId, variantId });

  const developer = shop.as(catalogContract, userActor(newId(), ['developer']));
  const [breach] = (await developer.listCatalogBreaches({ limit: 10 })).items;
  expect(breach).toMatchObject({ invariant: 'I13', variantId, settledAt: null });
  await shop.admin().settleCatalogBreach({ breachId: breach?.id ?? '', reason: 'the price is right' });
  await look();
  expect((await sold()).toSorted()).toEqual([variantId, other].toSorted());
  const [marks] = await shop.sql('catalog', "select count(*)::int from monitor_marks where looked_until > '-infinity'");
  expect(marks?.['count']).toBe((await invariantsBeside(catalogService.migrationsFolder)).length);
});
