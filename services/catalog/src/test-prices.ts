import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalogContract, type PriceFormula, type RateCurrency } from '@kelid/contracts/catalog';
import { newId } from '@kelid/service/ids';
import { simulatedRates } from '@kelid/simulators/environment';
import { serviceActor, startServices, userActor } from '@kelid/testing/start-service';
import { catalogService } from './service.ts';

export const formula: PriceFormula = {
  currency: 'USD',
  costMinor: 1_000,
  marginBasisPoints: 500,
  feeRial: 50_000,
  stepRial: 10_000,
  floorRial: 10_000,
  ceilingRial: null,
};

/** A catalogue with the simulated sources of rates, whose sweeps run when the test says so. */
export async function startPrices(simulatorsUrl: string, env: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'kelid-prices-'));
  const shop = await startServices({
    services: [catalogService],
    env: {
      RUN: 'api',
      CATALOG_MEDIA_SECRET: 'x'.repeat(40),
      CATALOG_MEDIA_FOLDER: folder,
      ...simulatedRates(simulatorsUrl),
      ...env,
    },
  });
  const put = async (path: string, body: unknown) => {
    const response = await fetch(`${simulatorsUrl}${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`The simulator refused ${path}`);
  };
  const both = (text: string) => ({ fa: text, en: text });
  const internal = () => shop.as(catalogContract, serviceActor);
  const sweep = (name: string) => shop.host.sweep('catalog', name);
  const rateOf = async (currency: RateCurrency) => {
    const found = (await internal().listRates({})).items.find((item) => item.currency === currency);
    if (!found) throw new Error(`There is no ${currency}`);
    return found;
  };

  return {
    ...shop,
    internal,
    admin: (userId = newId()) => shop.as(catalogContract, userActor(userId, ['admin'])),
    guest: () => shop.as(catalogContract, { kind: 'guest' }),
    rateOf,
    /** Rial of the dollar that prices follow now. */
    dollar: async () => (await rateOf('USD')).rate?.rateRial,
    market: (rateRial: number, currency: RateCurrency = 'USD') => put('/rates', { currency, rateRial }),
    fault: (place: string, mode: string) => put(`/faults/${place}`, { mode, delayMs: 0 }),
    calm: () => fetch(`${simulatorsUrl}/faults`, { method: 'DELETE' }),
    sweep,
    /** One round of reading, as if its time had come. */
    async readRates() {
      await shop.sql('catalog', 'update fx_states set due_at = now()');
      await sweep('follow-rates');
    },
    /** Until no price is behind its rate. */
    async reprice() {
      while ((await sweep('reprice-variants')) > 0);
    },
    alarms: () =>
      shop.logLines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((line) => line['alarm'] === 'rate-frozen'),
    async addVariants(count: number, priceRial = 10_000_000, productCount = 1): Promise<string[]> {
      const { categoryId } = await internal().createCategory({
        slug: `c-${newId()}`,
        title: both('Cards'),
        parentId: null,
        position: 1,
      });
      const ids: string[] = [];
      for (let product = 0; product < productCount; product += 1) {
        const { variants } = await internal().createProduct({
          slug: `p-${newId()}`,
          title: both('Card'),
          summary: both('s'),
          description: both('d'),
          activationGuide: { fa: [], en: [] },
          type: 'gift_card',
          brand: 'Steam',
          platform: 'steam',
          categoryId,
          aliases: [],
          isFeatured: false,
          accountRule: null,
          variants: Array.from({ length: count / productCount }, () => ({
            sku: newId(),
            title: both('10'),
            region: 'US',
            faceValue: 1_000,
            faceCurrency: 'USD',
            priceRial,
          })),
        });
        ids.push(...variants.map(({ id }) => id));
      }
      return ids;
    },
    async priceOf(variantId: string) {
      return (await internal().getVariants({ variantIds: [variantId] })).items[0]?.priceRial;
    },
    async close() {
      await shop.close();
      await rm(folder, { recursive: true });
    },
  };
}
export type TestPrices = Awaited<ReturnType<typeof startPrices>>;
