import { newId } from '@kelid/service/ids';
import { inventoryContract } from '@kelid/contracts/inventory';
import { serviceActor, startServices, type TestServices, userActor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inventoryService } from '../service.ts';

let shop: TestServices;

beforeAll(async () => {
  shop = await startServices({
    services: [inventoryService],
    env: {
      RUN: 'api',
      INVENTORY_KEK: Buffer.alloc(32, 1).toString('base64'),
      INVENTORY_KEK_ID: 'kek-202611',
      INVENTORY_BLIND_INDEX_KEY: Buffer.alloc(32, 2).toString('base64'),
    },
    peerAnswers: {
      catalog: {
        findVariantBySku: ({ sku }: { sku: string }) => ({
          variant: sku === 'unknown' ? null : { variantId: sku, brand: 'Steam', platform: 'pc', accountRule: null },
        }),
      },
    },
  });
});
afterAll(() => shop.close());

const service = () => shop.as(inventoryContract, serviceActor);
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

async function stockUp(count: number, prefix = newId().slice(-8).toUpperCase(), variant = newId()): Promise<string> {
  const codes = Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(6, '0')}-QK`);
  const report = await service().importKeys({ sku: variant, label: 'test', codes });
  expect(report.importedCount).toBe(count);
  return variant;
}

function orderOf(variant: string, quantity = 1, orderId = newId()) {
  return { orderId, round: 1, expiresAt: inAnHour(), lines: [{ orderLineId: newId(), variantId: variant, quantity }] };
}

async function counts(variant: string) {
  const { items } = await service().getStock({ variantIds: [variant] });
  return items[0];
}

test('I1 I3 KY-5: 200 parallel orders of 50 keys: 50 get one each, all different, and 150 hear that it sold out', async () => {
  const variant = await stockUp(50);
  const orders = Array.from({ length: 200 }, () => orderOf(variant));
  const reserved = await Promise.allSettled(orders.map((order) => service().reserveStock(order)));
  const winners = orders.filter((_, index) => reserved[index]?.status === 'fulfilled');
  expect(winners).toHaveLength(50);
  const refusals = reserved
    .filter((result) => result.status === 'rejected')
    .map((result) => (result.reason as { code: string }).code);
  expect(new Set(refusals)).toEqual(new Set(['inventory.stock-short']));
  const fulfilled = await Promise.all(
    winners.map((order) =>
      service().fulfillOrder({ orderId: order.orderId, customerId: newId(), round: 1, lines: order.lines }),
    ),
  );
  const keyIds = fulfilled.flatMap((answer) => answer.lines.flatMap((line) => line.keyIds));
  expect(new Set(keyIds).size).toBe(50);
  expect(await counts(variant)).toMatchObject({ availableCount: 0, reservedCount: 0, soldCount: 50 });
});

test('I2 CP12: fulfilling one order 20 times at once binds exactly its quantity and always answers the same keys', async () => {
  const variant = await stockUp(10);
  const order = orderOf(variant, 3);
  await service().reserveStock(order);
  const input = { orderId: order.orderId, customerId: newId(), round: 1, lines: order.lines };
  const answers = await Promise.all(Array.from({ length: 20 }, () => service().fulfillOrder(input)));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(answers[0]?.lines[0]?.keyIds).toHaveLength(3);
  expect(await counts(variant)).toMatchObject({ availableCount: 7, reservedCount: 0, soldCount: 3 });
});

test('I3: two lines of one order that share an item are one demand', async () => {
  const variant = await stockUp(3);
  const order = {
    ...orderOf(variant),
    lines: [2, 2].map((quantity) => ({ orderLineId: newId(), variantId: variant, quantity })),
  };
  await expect(service().reserveStock(order)).rejects.toMatchObject({
    code: 'inventory.stock-short',
    data: { variantIds: [variant] },
  });
  expect(await counts(variant)).toMatchObject({ availableCount: 3, reservedCount: 0 });
});

test('CP3: reserving the same order again answers the same hold, and a release that came first refuses the late reserve', async () => {
  const variant = await stockUp(2);
  const order = orderOf(variant);
  const [first, second] = [await service().reserveStock(order), await service().reserveStock(order)];
  expect(second).toEqual(first);
  expect(await counts(variant)).toMatchObject({ reservedCount: 1 });
  await service().releaseStock({ orderId: order.orderId, round: 1 });
  await service().releaseStock({ orderId: order.orderId, round: 1 });
  expect(await counts(variant)).toMatchObject({ availableCount: 2, reservedCount: 0 });
  const late = orderOf(variant);
  await service().releaseStock({ orderId: late.orderId, round: 1 });
  await expect(service().reserveStock(late)).rejects.toMatchObject({ code: 'inventory.reservation-released' });
});

test('I4: a hold that expires at the moment it is used is one of the two, never both, 50 rounds', async () => {
  const variant = await stockUp(50);
  for (let round = 0; round < 50; round += 1) {
    const order = orderOf(variant);
    await service().reserveStock(order);
    await shop.sql(
      'inventory',
      "update reservations set expires_at = now() - interval '1 second' where order_id = $1",
      [order.orderId],
    );
    const [, bound] = await Promise.all([
      shop.host.sweep('inventory', 'expire-reservations'),
      service().fulfillOrder({ orderId: order.orderId, customerId: newId(), round: 1, lines: order.lines }),
    ]);
    expect(bound.lines[0]?.keyIds).toHaveLength(1); // From the hold or, when that ended first, from stock.
  }
  expect(await counts(variant)).toMatchObject({ availableCount: 0, reservedCount: 0, soldCount: 50 });
});

test('KY-5: the key that expires first is sold first', async () => {
  const variant = await stockUp(1);
  const soon = new Date(Date.now() + 86_400_000).toISOString();
  await service().importKeys({ sku: variant, label: 'expires', codes: ['EXPIRES-SOON-1111'], expiresAt: soon });
  const order = orderOf(variant);
  await service().reserveStock(order);
  const bound = await service().fulfillOrder({
    orderId: order.orderId,
    customerId: newId(),
    round: 1,
    lines: order.lines,
  });
  const [row] = await shop.sql('inventory', 'select expires_at from product_keys where id = $1', [
    bound.lines[0]?.keyIds[0],
  ]);
  expect(row?.['expires_at']).not.toBeNull();
});

test('I18 A71: a key that is already there is found whatever its spelling, and nothing is saved when duplicates are refused', async () => {
  const variant = newId();
  const first = await service().importKeys({
    sku: variant,
    label: 'a',
    codes: ['ABCD-EFGH-0001', ' abcd efgh 0001 ', '=HYPERLINK(1)', 'AB\u0000CD', ''],
  });
  expect(first).toMatchObject({ importedCount: 1, duplicateCount: 1, invalidCount: 3 });
  expect(first.problems.map((problem) => [problem.line, problem.reason])).toEqual([
    [2, 'duplicate-in-file'],
    [3, 'malformed'],
    [4, 'malformed'],
    [5, 'empty'],
  ]);
  const refused = service().importKeys({
    sku: variant,
    label: 'b',
    codes: ['NEWX-EFGH-0002', 'abcdefgh0001'],
    onDuplicate: 'reject',
  });
  await expect(refused).rejects.toMatchObject({
    code: 'inventory.import-refused',
    data: { lines: [{ line: 2, reason: 'duplicate-in-stock' }] },
  });
  expect(await counts(variant)).toMatchObject({ availableCount: 1 });
  const dry = await service().importKeys({
    sku: variant,
    label: 'c',
    codes: ['NEWX-EFGH-0002', 'abcdefgh0001'],
    dryRun: true,
  });
  expect(dry).toMatchObject({ batchId: null, importedCount: 1, duplicateCount: 1 });
  const importId = newId();
  const once = await service().importKeys({ sku: variant, label: 'd', codes: ['NEWX-EFGH-0002'], importId });
  expect((await service().importKeys({ sku: variant, label: 'd', codes: ['NEWX-EFGH-0002'], importId })).batchId).toBe(
    once.batchId,
  );
  expect(await counts(variant)).toMatchObject({ availableCount: 2 });
});

test('KY-2: 100,000 lines are imported whole', async () => {
  const variant = await stockUp(100_000);
  expect(await counts(variant)).toMatchObject({ availableCount: 100_000 });
}, 120_000);

test('KY-3 KY-4 A68 A69: only the owner sees a key, each look is recorded before it is shown, and an unpaid one is not shown', async () => {
  const variant = await stockUp(1, 'CANARYXX');
  const owner = userActor();
  const customerId = owner.kind === 'user' ? owner.userId : '';
  const order = orderOf(variant);
  await service().reserveStock(order);
  const [reserved] = await shop.sql(
    'inventory',
    "select id from product_keys where variant_id = $1 and status = 'reserved'",
    [variant],
  );
  const keyId = String(reserved?.['id']);
  await expect(shop.as(inventoryContract, owner).revealKey({ orderId: order.orderId, keyId })).rejects.toMatchObject({
    status: 404,
  });
  await service().fulfillOrder({ orderId: order.orderId, customerId, round: 1, lines: order.lines });
  const { items } = await shop.as(inventoryContract, owner).listOrderKeys({ orderId: order.orderId });
  expect(items).toMatchObject([{ id: keyId, masked: '•••• •••• 00QK', revealedAt: null }]);
  const stranger = shop.as(inventoryContract, userActor());
  expect((await stranger.listOrderKeys({ orderId: order.orderId })).items).toEqual([]);
  await expect(stranger.revealKey({ orderId: order.orderId, keyId })).rejects.toMatchObject({
    code: 'inventory.key-not-found',
  });
  const shown = await Promise.all(
    [1, 2].map(() => shop.as(inventoryContract, owner).revealKey({ orderId: order.orderId, keyId })),
  );
  expect(shown.map((answer) => answer.code)).toEqual(['CANARYXX-000000-QK', 'CANARYXX-000000-QK']);
  expect(await shop.sql('inventory', 'select actor from key_reveals where key_id = $1', [keyId])).toHaveLength(2);
  const admin = shop.as(inventoryContract, userActor(newId(), ['admin']));
  await expect(admin.deleteDigitalKey({ keyId })).rejects.toMatchObject({ code: 'inventory.key-already-sold' });
  await expect(
    shop.as(inventoryContract, userActor(newId(), ['support'])).revealDigitalKey({ keyId, reason: 'customer asks' }),
  ).rejects.toMatchObject({ status: 403 });
  expect((await admin.revealDigitalKey({ keyId, reason: 'customer asks' })).code).toBe('CANARYXX-000000-QK');
  expect((await admin.getDigitalKey({ keyId })).reveals).toHaveLength(3);
  expect((await admin.listDigitalKeys({ variantId: variant })).items).toMatchObject([
    { id: keyId, status: 'allocated' },
  ]);
});

test('I17 I19 KY-7 A70: the database and the logs hold no readable key, though keys were shown, refused and complained of, and a ciphertext moved to another row does not open and raises an alarm', async () => {
  const variant = await stockUp(2, 'CANARYYY');
  const order = orderOf(variant, 2);
  const owner = userActor();
  await service().reserveStock(order);
  await service().fulfillOrder({
    orderId: order.orderId,
    customerId: owner.kind === 'user' ? owner.userId : '',
    round: 1,
    lines: order.lines,
  });
  // Everything that has a readable key in its hands for a moment: shown to its owner and to staff, refused at import, complained of.
  const own = shop.as(inventoryContract, owner);
  const admin = shop.as(inventoryContract, userActor(newId(), ['admin']));
  for (const { id: keyId } of (await own.listOrderKeys({ orderId: order.orderId })).items) {
    expect((await own.revealKey({ orderId: order.orderId, keyId })).code).toContain('CANARYYY');
    expect((await admin.revealDigitalKey({ keyId, reason: 'customer asks' })).code).toContain('CANARYYY');
    const note = 'It says used. My code is CANARYYY';
    await own.reportKey({ orderId: order.orderId, keyId, reason: 'already-used', note });
  }
  await shop.sql('inventory', 'update complaints set note = null'); // What a customer writes is kept as written, and is no vault.
  await service().importKeys({ sku: variant, label: 'again', codes: ['CANARYYY-000000-QK', 'CANARYYY\u0000'] });
  await expect(
    service().importKeys({ sku: variant, label: 'again', codes: ['CANARYYY-000001-QK'], onDuplicate: 'reject' }),
  ).rejects.toMatchObject({ status: 422 });
  const lines = shop.logLines.join('');
  expect(lines).toContain('"operation":"revealKey"');
  expect(lines).not.toContain('CANARYYY');
  const tables = await shop.ownerSql(
    'inventory',
    "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
  );
  for (const { relname } of tables) {
    const hits = await shop.ownerSql(
      'inventory',
      `select 1 from "${String(relname)}" t where t::text like '%CANARYYY%' or encode(t::text::bytea, 'escape') like '%CANARYYY%'`,
    );
    expect(hits).toEqual([]);
  }
  const rows = await shop.sql('inventory', 'select id, ciphertext from product_keys where variant_id = $1', [variant]);
  await shop.sql('inventory', 'update product_keys set ciphertext = $2 where id = $1', [
    rows[0]?.['id'],
    rows[1]?.['ciphertext'],
  ]);
  await expect(
    shop.as(inventoryContract, owner).revealKey({ orderId: order.orderId, keyId: String(rows[0]?.['id']) }),
  ).rejects.toMatchObject({ status: 500 });
  expect(shop.logLines.some((line) => line.includes('decrypt-failed'))).toBe(true);
  const whole = rows[1]?.['ciphertext'];
  const short = whole instanceof Buffer ? whole.subarray(0, 16) : undefined;
  await shop.sql('inventory', 'update product_keys set ciphertext = $2 where id = $1', [rows[1]?.['id'], short]);
  await expect(
    shop.as(inventoryContract, owner).revealKey({ orderId: order.orderId, keyId: String(rows[1]?.['id']) }),
  ).rejects.toMatchObject({ status: 500 });
  expect(shop.logLines.join('')).not.toContain('CANARYYY');
});

test('I1 KY-3: the database itself refuses to give a sold key back or to allocate one without its order line', async () => {
  const variant = await stockUp(2);
  const order = orderOf(variant);
  await service().reserveStock(order);
  await service().fulfillOrder({ orderId: order.orderId, customerId: newId(), round: 1, lines: order.lines });
  await expect(
    shop.sql(
      'inventory',
      "update product_keys set status = 'available' where variant_id = $1 and status = 'allocated'",
      [variant],
    ),
  ).rejects.toThrow(/cannot go/);
  await expect(
    shop.sql(
      'inventory',
      "update product_keys set status = 'allocated' where variant_id = $1 and status = 'available'",
      [variant],
    ),
  ).rejects.toThrow(/allocation/);
  await expect(
    shop.sql('inventory', 'delete from key_allocations where order_id = $1', [order.orderId]),
  ).rejects.toThrow(/permission denied/);
  await expect(
    shop.sql('inventory', 'update key_allocations set customer_id = $2 where order_id = $1', [order.orderId, newId()]),
  ).rejects.toThrow(/permission denied/);
});

test('KY-1 KY-10 A44: unsold keys can be quarantined and voided, counts follow, and no list gives more than its cap', async () => {
  const variant = await stockUp(3);
  const admin = shop.as(inventoryContract, userActor(newId(), ['admin']));
  const { items } = await admin.listDigitalKeys({ variantId: variant });
  await admin.updateDigitalKey({ keyId: items[0]?.id ?? '', status: 'quarantined', reason: 'complaint' });
  await admin.deleteDigitalKey({ keyId: items[1]?.id ?? '' });
  expect(await counts(variant)).toMatchObject({ availableCount: 1 });
  for (const limit of [0, -1, 1e9])
    await expect(admin.listDigitalKeys({ variantId: variant, limit })).rejects.toMatchObject({ status: 422 });
});
