import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kelid, query } from './back-room.ts';
import { type Shop, startShop } from './shop.ts';
import { Shopper } from './shopper.ts';

// Product keys that nobody else would make. Wherever their text is found, it should not be.
const mark = `CANARY${randomBytes(4).toString('hex').toUpperCase()}`;
let shop: Shop;
let otherFolder: string;

beforeAll(async () => {
  shop = await startShop({ shape: 'one', env: { LOG_LEVEL: 'debug' } });
  await kelid(shop, 'demo', 'load');
});
afterAll(() => shop?.close());

function* filesBelow(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) yield* filesBelow(path);
    else if (stat?.isFile()) yield path;
  }
}

test('I17 KY-7: after imports, purchases, reveals and failures no product key is in the database, its log of changes, the queues or the logs', async () => {
  // One that inventory has nothing of: what the catalogue was told of stock may be a moment old.
  const stocked = await query(shop, 'inventory', 'select distinct variant_id::text as id from product_keys');
  const [variant] = await query(
    shop,
    'catalog',
    `select id, sku from variants where product_id in (select id from products where account_rule is null) and id::text not in (${stocked.map(({ id }) => `'${String(id)}'`).join(', ')}) order by id limit 1`,
  );
  otherFolder = join(shop.folder, '..', `kelid-keys-${mark}.txt`);
  const codes = Array.from({ length: 20 }, (_, index) => `${mark}-${String(index).padStart(4, '0')}-ZZZZ`);
  writeFileSync(otherFolder, codes.join('\n'));
  const report = await kelid(shop, 'keys', 'import', otherFolder, '--sku', String(variant?.['sku']), '--any-format');
  expect(report).toContain('"importedCount": 20');
  await kelid(shop, 'keys', 'import', otherFolder, '--sku', String(variant?.['sku']), '--any-format'); // Every line a duplicate.

  const seen: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const shopper = await new Shopper(shop).signIn();
    seen.push(...(await shopper.buy(String(variant?.['id']), 2)).codes);
  }
  expect(seen).toHaveLength(6);
  expect(new Set(seen).size).toBe(6);
  expect(codes).toEqual(expect.arrayContaining(seen));

  await query(shop, 'inventory', 'checkpoint'); // What is in memory is written to the files that are searched.
  await query(shop, 'queue', 'select 1');
  const found: string[] = [];
  let fileCount = 0;
  for (const path of filesBelow(shop.folder)) {
    fileCount += 1;
    const bytes = readFileSync(path);
    if (
      bytes.includes(mark) ||
      bytes.includes(mark.toLowerCase()) ||
      bytes.includes(Buffer.from(mark).toString('base64').slice(0, 12))
    )
      found.push(path);
  }
  expect(fileCount).toBeGreaterThan(1_000);
  // The search itself finds things: the order's number of the same purchases is there.
  const [order] = await query(shop, 'orders', 'select order_number from orders limit 1');
  expect(
    [...filesBelow(shop.folder)].some((path) => readFileSync(path).includes(String(order?.['order_number']))),
  ).toBe(true);
  expect(found).toEqual([]);
});
