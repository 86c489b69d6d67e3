import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalogContract } from '@kelid/contracts/catalog';
import { newId } from '@kelid/service/ids';
import { serviceActor, startServices, type TestServices } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogService } from './service.ts';

// Two databases that do not follow each other show which of them was read.
let folder: string;
let replica: TestServices;
let shop: TestServices;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kelid-replica-'));
  const env = { RUN: 'api', CATALOG_MEDIA_SECRET: 'x'.repeat(40), CATALOG_MEDIA_FOLDER: folder };
  replica = await startServices({ services: [catalogService], env });
  const CATALOG_REPLICA_URL = replica.databaseUrls['catalog']?.appUrl ?? '';
  shop = await startServices({ services: [catalogService], env: { ...env, CATALOG_REPLICA_URL } });
});
afterAll(async () => {
  await shop.close();
  await replica.close();
  await rm(folder, { recursive: true });
});

async function addProduct(to: TestServices, slug: string) {
  const staff = to.as(catalogContract, serviceActor);
  const both = (text: string) => ({ fa: text, en: text });
  const { categoryId } = await staff.createCategory({
    slug: `c-${newId()}`,
    title: both('Cards'),
    parentId: null,
    position: 1,
  });
  const { variants } = await staff.createProduct({
    slug,
    title: both('Card'),
    summary: both('s'),
    description: both('d'),
    activationGuide: { fa: [], en: [] },
    type: 'gift_card',
    brand: 'Steam',
    platform: 'steam',
    categoryId,
    aliases: [],
    isFeatured: true,
    variants: [
      { sku: newId(), title: both('5'), region: 'US', faceValue: 500, faceCurrency: 'USD', priceRial: 10_000 },
    ],
  });
  return variants[0]?.id ?? '';
}

test('PL-15: with a replica, lists, pages, searches and the version of the cache are read there; writes and what is sold are not', async () => {
  const variantId = await addProduct(shop, 'only-written');
  await addProduct(replica, 'only-replicated');
  const guest = shop.as(catalogContract, { kind: 'guest' });
  const service = shop.as(catalogContract, serviceActor);
  expect(await shop.sql('catalog', 'select slug from products')).toEqual([{ slug: 'only-written' }]);
  expect(await replica.sql('catalog', 'select slug from products')).toEqual([{ slug: 'only-replicated' }]);
  const slugs = [
    ...(await guest.listProducts({})).items,
    ...(await guest.listFeaturedProducts({})).items,
    ...(await guest.suggest({ q: 'card' })).products,
    await guest.getProductBySlug({ slug: 'only-replicated' }),
  ].map((product) => product.slug);
  expect(slugs).toEqual(Array.from({ length: 4 }, () => 'only-replicated'));
  await expect(guest.getProductBySlug({ slug: 'only-written' })).rejects.toMatchObject({ status: 404 });
  const [version] = await replica.sql('catalog', 'select version::int as version from catalog_version');
  expect(await service.getCacheVersion({})).toEqual(version);
  expect((await service.getVariants({ variantIds: [variantId] })).items).toMatchObject([{ variantId }]);
});
