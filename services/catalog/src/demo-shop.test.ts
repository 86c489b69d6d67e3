import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogContract, type CategoryNode } from '@kelid/contracts/catalog';
import { newId } from '@kelid/service/ids';
import { serviceActor, startServices, type TestServices } from '@kelid/testing/start-service';
import { demoProducts } from '../../../demo/demo-shop.ts';
import { catalogService } from './service.ts';

let shop: TestServices;
let folder: string;
const service = () => shop.as(catalogContract, serviceActor);
const guest = () => shop.as(catalogContract, { kind: 'guest' });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kelid-catalog-'));
  shop = await startServices({
    services: [catalogService],
    env: { RUN: 'api', CATALOG_MEDIA_SECRET: 'x'.repeat(40), CATALOG_MEDIA_FOLDER: folder },
  });
  await service().loadDemo({});
});
afterAll(async () => {
  await shop.close();
  await rm(folder, { recursive: true });
});

async function everyProduct(filter: Parameters<ReturnType<typeof guest>['listProducts']>[0] = {}) {
  const items: Awaited<ReturnType<ReturnType<typeof guest>['listProducts']>>['items'] = [];
  for (let cursor: string | undefined; ;) {
    const page = await guest().listProducts({ ...filter, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = page.nextCursor;
  }
}

test('CA-15: the demo shop has at least 60 products of every type, and loading it again adds nothing and changes nothing', async () => {
  const before = await everyProduct({ limit: 100 });
  expect(before.length).toBe(demoProducts.length);
  expect(before.length).toBeGreaterThanOrEqual(60);
  expect(new Set(before.map((product) => product.type))).toEqual(
    new Set(['gift_card', 'game_key', 'game_credit', 'digital_item']),
  );
  for (const product of before) {
    expect(product.image).not.toBeNull();
    expect(product.fromPriceRial).toBeGreaterThanOrEqual(10_000);
    expect(product.regions.length).toBeGreaterThan(0);
  }
  await service().loadDemo({});
  expect(await everyProduct({ limit: 100 })).toEqual(before);
}, 60_000);

test('CA-4: the same product is found in the list, by its slug and by its id; the featured ones are published and marked', async () => {
  const [first] = (await guest().listProducts({ limit: 1 })).items;
  const bySlug = await guest().getProductBySlug({ slug: first?.slug ?? '' });
  expect(bySlug).toMatchObject({ id: first?.id, title: first?.title });
  expect(await guest().getProduct({ productId: first?.id ?? '' })).toEqual(bySlug);
  const featured = (await guest().listFeaturedProducts({ limit: 50 })).items.map((product) => product.slug);
  const marked = demoProducts.filter((product) => product.isFeatured).map((product) => product.slug);
  expect(featured.toSorted()).toEqual(marked.toSorted());
  for (const missing of [
    () => guest().getProductBySlug({ slug: 'nothing' }),
    () => guest().getProduct({ productId: newId() }),
  ])
    await expect(missing()).rejects.toMatchObject({ status: 404, code: 'catalog.product-not-found' });
});

test.each([
  ['counter strke', 'counter-strike-2-prime'],
  ['pubg', 'pubg-mobile-uc'],
  ['یوسی پابجی', 'pubg-mobile-uc'],
  ['يوسي پابجي', 'pubg-mobile-uc'],
  ['pubgg moble', 'pubg-mobile-uc'],
  ['استیم', 'steam-'],
  ['استيم', 'steam-'],
  ['steem', 'steam-'],
  ['hsjdl', 'steam-'],
  ['STEAM   gift', 'steam-gift-card-'],
])('CA-5: whoever types %s finds %s first', async (q, slug) => {
  const [first] = (await guest().listProducts({ q, limit: 3 })).items;
  expect(first?.slug.startsWith(slug)).toBe(true);
});

test('CA-5: words that nothing is called find nothing, and signs of any kind are only letters', async () => {
  for (const q of ['qqqqzzzz', '%%%', "' or 1=1 --", '___', '\\'])
    expect((await guest().listProducts({ q })).items.length).toBeLessThanOrEqual(20);
  await expect(guest().listProducts({ q: 'a\0b' })).rejects.toMatchObject({
    status: 422,
    data: { errors: [{ field: 'q' }] },
  });
  expect((await guest().listProducts({ q: 'qqqqzzzz' })).items).toEqual([]);
});

test('CA-6 CA-7: any filters together equal a filter by hand, in any order and page by page, nothing twice and nothing left out', async () => {
  const all = await everyProduct({ limit: 100 });
  const tree = (await guest().listCategories({})).items;
  const slugsBelow = (node: CategoryNode): string[] => [node.slug, ...node.children.flatMap(slugsBelow)];
  const below = new Map<string, string[]>();
  const walk = (nodes: CategoryNode[]) => {
    for (const node of nodes) {
      below.set(node.slug, slugsBelow(node));
      walk(node.children);
    }
  };
  walk(tree);
  const categoryOf = new Map(demoProducts.map((product) => [product.slug, product.categorySlug]));
  const oneOf = <T>(values: T[]) => fc.option(fc.constantFrom(...new Set(values)), { nil: undefined, freq: 2 });
  const price = fc.option(fc.integer({ min: 10_000, max: 60_000_000 }), { nil: undefined, freq: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        category: oneOf([...below.keys()]),
        platform: oneOf(all.map((product) => product.platform)),
        brand: oneOf(all.map((product) => product.brand)),
        region: oneOf(all.flatMap((product) => product.regions)),
        type: oneOf(all.map((product) => product.type)),
        minPriceRial: price,
        maxPriceRial: price,
        sort: fc.constantFrom('newest' as const, 'price' as const, '-price' as const, 'title' as const),
        limit: fc.integer({ min: 1, max: 30 }),
      }),
      async ({ sort, limit, ...filter }) => {
        const expected = all.filter(
          (product) =>
            (filter.category === undefined ||
              below.get(filter.category)?.includes(categoryOf.get(product.slug) ?? '')) &&
            (filter.platform === undefined || product.platform === filter.platform) &&
            (filter.brand === undefined || product.brand === filter.brand) &&
            (filter.region === undefined || product.regions.includes(filter.region)) &&
            (filter.type === undefined || product.type === filter.type) &&
            (filter.minPriceRial === undefined || (product.fromPriceRial ?? 0) >= filter.minPriceRial) &&
            (filter.maxPriceRial === undefined || (product.fromPriceRial ?? 0) <= filter.maxPriceRial),
        );
        const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
        const found = await everyProduct({ ...given, sort, limit });
        expect(found.map((product) => product.slug).toSorted()).toEqual(
          expected.map((product) => product.slug).toSorted(),
        );
        if (sort === 'price' || sort === '-price') {
          const prices = found.map((product) => product.fromPriceRial ?? 0);
          expect(prices).toEqual(prices.toSorted((a, b) => (sort === 'price' ? a - b : b - a)));
        }
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
