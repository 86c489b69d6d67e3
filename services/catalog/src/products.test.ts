import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogContract, type CategoryNode } from '@kelid/contracts/catalog';
import { priceMaxRial } from '@kelid/contracts/common';
import { stockChanged } from '@kelid/contracts/events';
import { type Database, openDatabase } from '@kelid/service/database';
import { newId } from '@kelid/service/ids';
import { serviceActor, startServices, type TestServices, userActor } from '@kelid/testing/start-service';
import type { Context } from './context.ts';
import { onStockChanged } from './events/on-stock-changed.ts';
import { catalogService } from './service.ts';

let shop: TestServices;
let folder: string;
let database: Database;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kelid-catalog-'));
  shop = await startServices({
    services: [catalogService],
    env: { RUN: 'api', CATALOG_MEDIA_SECRET: 'x'.repeat(40), CATALOG_MEDIA_FOLDER: folder, DATABASE_POOL_MAX: '20' },
  });
  database = openDatabase({
    url: shop.databaseUrls['catalog']?.appUrl ?? '',
    poolMax: 10,
    log: shop.host.log,
    name: 'catalog-test',
  });
});
afterAll(async () => {
  await database.close();
  await shop.close();
  await rm(folder, { recursive: true });
});

const service = () => shop.as(catalogContract, serviceActor);
const guest = () => shop.as(catalogContract, { kind: 'guest' });
const both = (text: string) => ({ fa: text, en: text });
const newSlug = () => `s-${newId()}`;
const words = {
  title: both('Card'),
  summary: both('s'),
  description: both('d'),
  activationGuide: { fa: ['۱'], en: ['1'] },
  type: 'gift_card' as const,
  brand: 'Steam',
  platform: 'steam',
  aliases: [],
  isFeatured: false,
  accountRule: null,
};
const variant = (priceRial = 10_000, region = 'US') => ({
  sku: newId(),
  title: both('5'),
  region,
  faceValue: 500,
  faceCurrency: 'USD',
  priceRial,
});

async function addCategory(parentId: string | null = null): Promise<string> {
  const { categoryId } = await service().createCategory({ slug: newSlug(), title: both('c'), parentId, position: 0 });
  return categoryId;
}

async function addProduct(
  options: { categoryId?: string; variants?: ReturnType<typeof variant>[]; slug?: string } = {},
) {
  const categoryId = options.categoryId ?? (await addCategory());
  const slug = options.slug ?? newSlug();
  return service().createProduct({ ...words, slug, categoryId, variants: options.variants ?? [variant()] });
}

const tell = (variantId: string, availableCount: number, at: Date) =>
  onStockChanged({ db: database.db } as Context, {
    id: newId(),
    ...stockChanged({ variantId, availableCount, at: at.toISOString() }),
  });

test('CA-1: a product of each type can be added, and one of another type, without a variant, below the least price or above the highest cannot', async () => {
  const categoryId = await addCategory();
  for (const type of ['gift_card', 'game_key', 'game_credit', 'digital_item'] as const) {
    const accountRule = type === 'game_credit' ? ('pubg-mobile' as const) : null;
    const slug = newSlug();
    await service().createProduct({ ...words, type, accountRule, slug, categoryId, variants: [variant()] });
    expect(await guest().getProductBySlug({ slug })).toMatchObject({ type, accountRule, activationGuide: ['۱'] });
  }
  const product = { ...words, slug: newSlug(), categoryId, variants: [variant()] };
  const { brand: _brand, ...withoutBrand } = product;
  for (const [type, accountRule] of [
    ['game_credit', null],
    ['game_credit', undefined],
    ['gift_card', 'pubg-mobile'],
  ] as const)
    await expect(service().createProduct({ ...product, type, accountRule })).rejects.toMatchObject({
      status: 422,
      data: { errors: [{ field: 'accountRule' }] },
    });
  const { productId } = await addProduct();
  await expect(service().updateProduct({ productId, type: 'game_credit' })).rejects.toMatchObject({
    status: 422,
    data: { errors: [{ field: 'accountRule' }] },
  });
  await service().updateProduct({ productId, type: 'game_credit', accountRule: 'free-fire' });
  const wrong = [
    { ...product, type: 'car' },
    { ...product, variants: [] },
    { ...product, variants: [variant(9_999)] },
    { ...product, variants: [variant(10_000.5)] },
    { ...product, variants: [variant(priceMaxRial + 1)] },
    { ...product, slug: 'No Slug' },
    withoutBrand,
  ];
  for (const input of wrong)
    await expect(service().createProduct(input as typeof product)).rejects.toMatchObject({ status: 422 });
});

test('CA-1: one slug is one product, and a product has a category that is there', async () => {
  const slug = newSlug();
  const added = await Promise.allSettled(Array.from({ length: 5 }, () => addProduct({ slug })));
  expect(added.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  for (const result of added)
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'catalog.slug-taken' });
  await expect(addProduct({ categoryId: newId() })).rejects.toMatchObject({ code: 'catalog.category-not-found' });
});

test('CA-2: what a seller adds or changes is a proposal that nobody is shown until staff approve it as it is; the seller sees why not', async () => {
  const seller = shop.as(catalogContract, userActor(newId(), ['seller']));
  const admin = shop.as(catalogContract, userActor(newId(), ['admin']));
  const product = { ...words, slug: newSlug(), categoryId: await addCategory(), variants: [variant(100_000)] };
  await expect(seller.createProduct({ ...product, isFeatured: true })).rejects.toMatchObject({
    code: 'catalog.staff-decides',
    data: { errors: [{ field: 'isFeatured' }] },
  });
  const { productId, variants } = await seller.createProduct(product);
  const variantId = variants[0]?.id ?? '';
  const isShown = async () => {
    const listed = await guest().listProducts({ category: undefined, q: undefined, limit: 100 });
    const sold = await service().getVariants({ variantIds: [variantId] });
    const page = await guest()
      .getProduct({ productId })
      .then(
        () => true,
        () => false,
      );
    expect([listed.items.some(({ id }) => id === productId), sold.items.length === 1]).toEqual([page, page]);
    return page;
  };
  const proposal = async () => {
    const found = (await seller.listProposals({})).items.find((item) => item.productId === productId);
    expect((await admin.listProposals({ limit: 100 })).items).toContainEqual(found);
    if (!found) throw new Error('The proposal is not listed');
    return found;
  };
  const decide = async (decision: 'approve' | 'reject', note?: string) =>
    admin.reviewProduct({
      productId,
      decision,
      proposalNumber: (await proposal()).proposalNumber,
      ...(note ? { note } : {}),
    });
  expect(await isShown()).toBe(false);
  for (const change of [{ isPublished: true }, { isFeatured: true }])
    await expect(seller.updateProduct({ productId, ...change })).rejects.toMatchObject({
      code: 'catalog.staff-decides',
    });
  await expect(admin.updateProduct({ productId, isPublished: true })).rejects.toMatchObject({
    code: 'catalog.not-reviewed',
  });
  await decide('reject', 'Name the region in the title');
  expect(await proposal()).toMatchObject({
    review: 'rejected',
    note: 'Name the region in the title',
    isPublished: false,
  });

  // The seller changes it while staff look: they decide on what they saw, so not at all.
  await seller.updateProduct({ productId, brand: 'Xbox' });
  const seen = await proposal();
  expect(seen).toMatchObject({ review: 'proposed', note: null, proposalNumber: 2 });
  await seller.updateProduct({ productId, description: both('another') });
  await expect(
    admin.reviewProduct({ productId, decision: 'approve', proposalNumber: seen.proposalNumber }),
  ).rejects.toMatchObject({ code: 'catalog.proposal-changed' });
  expect(await decide('approve')).toEqual({ productId, review: 'approved', isPublished: true });
  expect(await isShown()).toBe(true);
  await expect(admin.reviewProduct({ productId, decision: 'approve', proposalNumber: 3 })).rejects.toMatchObject({
    code: 'catalog.proposal-changed',
  });

  // A price within bounds, and hiding it, need nobody; words and pictures wait again.
  await seller.updateVariant({ variantId, priceRial: 120_000 });
  expect(await isShown()).toBe(true);
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  for (const change of [
    () => seller.updateVariant({ variantId, region: 'DE' }),
    () => seller.updateProduct({ productId, title: both('another') }),
    () => seller.uploadProductImage({ productId, contentType: 'image/png', contentBase64: png.toString('base64') }),
  ]) {
    await change();
    expect(await isShown()).toBe(false);
    await decide('approve');
    expect(await isShown()).toBe(true);
  }
  await seller.updateProduct({ productId, isPublished: false });
  expect(await isShown()).toBe(false);
  await admin.updateProduct({ productId, isPublished: true, isFeatured: true });
  expect(await isShown()).toBe(true);
  // No statement shows what nobody looked at, and the shop's own goods are no proposals.
  await expect(
    shop.sql('catalog', `update products set review = 'proposed' where id = $1`, [productId]),
  ).rejects.toThrow('products_reviewed');
  const own = await addProduct();
  await expect(
    admin.reviewProduct({ productId: own.productId, decision: 'approve', proposalNumber: 0 }),
  ).rejects.toMatchObject({ code: 'catalog.proposal-changed' });
});

test('CA-2: a seller changes only own products; another’s is as missing as none, and a customer may change nothing', async () => {
  const [mine, other] = [1, 2].map(() => shop.as(catalogContract, userActor(newId(), ['customer', 'seller'])));
  const product = { ...words, slug: newSlug(), categoryId: await addCategory(), variants: [variant(100_000)] };
  const { productId, variants } = (await mine?.createProduct(product)) ?? { productId: '', variants: [] };
  const variantId = variants[0]?.id ?? '';
  const shopsOwn = await addProduct();
  const contentBase64 = Buffer.from('no picture').toString('base64');
  const attempts = (seller: typeof mine, id: string, ofVariant: string) => [
    () => seller?.updateProduct({ productId: id, isPublished: false }),
    () => seller?.updateVariant({ variantId: ofVariant, priceRial: 990_000 }),
    () => seller?.uploadProductImage({ productId: id, contentType: 'image/png', contentBase64 }),
  ];
  const refused = [
    ...attempts(other, productId, variantId),
    ...attempts(mine, shopsOwn.productId, shopsOwn.variants[0]?.id ?? ''),
    ...attempts(mine, newId(), newId()),
  ];
  for (const attempt of refused)
    await expect(attempt()).rejects.toMatchObject({ status: 404, code: 'catalog.product-not-found' });
  expect((await mine?.listProposals({}))?.items).toMatchObject([
    { productId, review: 'proposed', proposalNumber: 1, variants: [{ priceRial: 100_000 }] },
  ]);
  expect((await other?.listProposals({}))?.items).toEqual([]);
  const customer = shop.as(catalogContract, userActor());
  await expect(customer.updateProduct({ productId, isPublished: false })).rejects.toMatchObject({ status: 403 });
  await expect(customer.createProduct(product)).rejects.toMatchObject({ status: 403 });

  await mine?.updateVariant({ variantId, priceRial: 990_000 });
  await mine?.updateProduct({ productId, title: both('Zanbagh') });
  const proposalNumber = (await mine?.listProposals({}))?.items[0]?.proposalNumber ?? 0;
  await shop
    .as(catalogContract, userActor(newId(), ['admin']))
    .reviewProduct({ productId, decision: 'approve', proposalNumber });
  expect((await guest().listProducts({ q: 'zanbagh' })).items).toMatchObject([
    { id: productId, fromPriceRial: 990_000 },
  ]);
  const admin = shop.as(catalogContract, userActor(newId(), ['admin']));
  await admin.updateProduct({ productId, isPublished: false });
  await expect(guest().getProduct({ productId })).rejects.toMatchObject({ status: 404 });
  expect((await guest().listProducts({ q: 'zanbagh' })).items).toEqual([]);
  expect((await service().getVariants({ variantIds: [variantId] })).items).toEqual([]);
});

function findNode(nodes: CategoryNode[], id: string): CategoryNode | undefined {
  for (const node of nodes) {
    const found = node.id === id ? node : findNode(node.children, id);
    if (found) return found;
  }
  return undefined;
}

test('CA-3: a category moves with all below it: breadcrumbs, counts and lists follow', async () => {
  const [from, to] = [await addCategory(), await addCategory()];
  const middle = await addCategory(from);
  const leaf = await addCategory(middle);
  const { productId } = await addProduct({ categoryId: leaf });
  await addProduct({ categoryId: middle });
  const hidden = await addProduct({ categoryId: leaf });
  await service().updateProduct({ productId: hidden.productId, isPublished: false });
  const look = async () => {
    const { items } = await guest().listCategories({});
    const { breadcrumbs } = await guest().getProduct({ productId });
    const lists = [from, to].map(async (id) => {
      const category = findNode(items, id)?.slug ?? '';
      return (await guest().listProducts({ category })).items.length;
    });
    return {
      counts: [from, to, middle, leaf].map((id) => findNode(items, id)?.productCount),
      breadcrumbs: breadcrumbs.map((crumb) => crumb.id),
      lists: await Promise.all(lists),
    };
  };
  expect(await look()).toEqual({ counts: [2, 0, 2, 1], breadcrumbs: [from, middle, leaf], lists: [2, 0] });
  await service().moveCategory({ categoryId: middle, parentId: to, position: 3 });
  expect(await look()).toEqual({ counts: [0, 2, 2, 1], breadcrumbs: [to, middle, leaf], lists: [0, 2] });
  await service().moveCategory({ categoryId: middle, parentId: null, position: 3 });
  expect(await look()).toEqual({ counts: [0, 0, 2, 1], breadcrumbs: [middle, leaf], lists: [0, 0] });
});

test('CK-4: a variant is sold with its category and all above it, so that a coupon for a category is for all below', async () => {
  const top = await addCategory();
  const middle = await addCategory(top);
  const leaf = await addCategory(middle);
  const elsewhere = await addCategory(top);
  const sold = async (categoryId: string) => {
    const { variants } = await addProduct({ categoryId });
    const { items } = await service().getVariants({ variantIds: [variants[0]?.id ?? ''] });
    return items[0]?.categoryIds.toSorted();
  };
  expect(await sold(leaf)).toEqual([top, middle, leaf].toSorted());
  expect(await sold(elsewhere)).toEqual([top, elsewhere].toSorted());
  expect(await sold(top)).toEqual([top]);
});

test('CA-3: no category comes below itself, also when two moves at once would only together close the circle, 20 rounds', async () => {
  const top = await addCategory();
  const leaf = await addCategory(await addCategory(top));
  for (const parentId of [top, leaf])
    await expect(service().moveCategory({ categoryId: top, parentId, position: 0 })).rejects.toMatchObject({
      code: 'catalog.category-cycle',
    });
  for (let round = 0; round < 20; round += 1) {
    const [a, b] = [await addCategory(), await addCategory()];
    const moves = await Promise.allSettled([
      service().moveCategory({ categoryId: a, parentId: b, position: 0 }),
      service().moveCategory({ categoryId: b, parentId: a, position: 0 }),
    ]);
    expect(moves.map((move) => move.status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const { items } = await guest().listCategories({});
    for (const id of [a, b]) expect(findNode(items, id)).toBeDefined();
  }
  await expect(service().moveCategory({ categoryId: newId(), parentId: null, position: 0 })).rejects.toMatchObject({
    code: 'catalog.category-not-found',
  });
});

test('CA-10 I15: whatever order the news of stock comes in, and however often, the newest is what the page shows', async () => {
  const { productId, variants } = await addProduct();
  const variantId = variants[0]?.id ?? '';
  const news = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 });
  let base = Date.now();
  await fc.assert(
    fc.asyncProperty(news, fc.infiniteStream(fc.nat()), async (counts, keys) => {
      base += 1_000;
      const events = counts.map((count, index) => ({ count, at: new Date(base + index) }));
      const shuffled = [...events, ...events]
        .map((event) => ({ event, key: keys.next().value ?? 0 }))
        .toSorted((a, b) => a.key - b.key);
      for (const { event } of shuffled) await tell(variantId, event.count, event.at);
      const last = counts.at(-1) ?? 0;
      const page = await guest().getProduct({ productId });
      expect(page.inStock).toBe(last > 0);
      expect(page.variants[0]?.availability).toBe(last === 0 ? 'out_of_stock' : last <= 5 ? 'low' : 'in_stock');
    }),
    { numRuns: 30 },
  );
  await tell(newId(), 5, new Date());
});

test('CA-10: news of two variants of one product that come at once are both counted, 40 rounds', async () => {
  const { productId, variants } = await addProduct({ variants: [variant(), variant()] });
  const [a = '', b = ''] = variants.map(({ id }) => id);
  for (let round = 0; round < 40; round += 1) {
    const at = new Date(Date.now() + round * 1_000);
    await Promise.all([tell(a, (round + 1) % 2, at), tell(b, round % 2, at)]);
    expect((await guest().getProduct({ productId })).inStock).toBe(true);
  }
});

test('CA-6 CA-10: the lowest price and the regions of a list are those of its variants after each change, also two at once', async () => {
  const { productId, variants } = await addProduct({ variants: [variant(50_000, 'US'), variant(70_000, 'TR')] });
  const [a = '', b = ''] = variants.map(({ id }) => id);
  expect(await guest().getProduct({ productId })).toMatchObject({ fromPriceRial: 50_000, regions: ['TR', 'US'] });
  for (let round = 0; round < 20; round += 1) {
    const prices = [20_000 + round * 10_000, 300_000 - round * 10_000];
    await Promise.all([
      service().updateVariant({ variantId: a, priceRial: prices[0] }),
      service().updateVariant({ variantId: b, priceRial: prices[1], region: round % 2 ? 'US' : 'EU' }),
    ]);
    expect(await guest().getProduct({ productId })).toMatchObject({
      fromPriceRial: Math.min(...prices),
      regions: round % 2 ? ['US'] : ['EU', 'US'],
    });
  }
});

test('CA-11: the version grows with each write that an answer shows, and not with news that changes nothing', async () => {
  const version = async () => (await service().getCacheVersion({})).version;
  const [top, leaf] = [await addCategory(), await addCategory()];
  const { productId, variants } = await addProduct({ categoryId: leaf });
  const variantId = variants[0]?.id ?? '';
  const at = new Date();
  const writes = [
    () => addCategory(),
    () => service().moveCategory({ categoryId: leaf, parentId: top, position: 0 }),
    () => addProduct({ categoryId: leaf }),
    () => service().updateProduct({ productId, summary: both('new') }),
    () => service().updateVariant({ variantId, priceRial: 20_000 }),
    () => tell(variantId, 3, at),
  ];
  for (const write of writes) {
    const before = await version();
    await write();
    expect(await version()).toBeGreaterThan(before);
  }
  const before = await version();
  await tell(variantId, 3, at);
  await expect(addProduct({ categoryId: newId() })).rejects.toThrow();
  expect(await version()).toBe(before);
});
