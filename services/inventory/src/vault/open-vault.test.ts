import { inventoryContract } from '@kelid/contracts/inventory';
import { type Host, startHost } from '@kelid/service/host';
import { newId } from '@kelid/service/ids';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inventoryService } from '../service.ts';
import { orderOf, secrets, startInventory, type TestInventory } from '../test-inventory.ts';

let shop: TestInventory;
beforeAll(async () => {
  shop = await startInventory();
  await shop.stockUp(1);
});
afterAll(() => shop.close());

const otherSecret = Buffer.alloc(32, 9).toString('base64');

function restart(env: Record<string, string>): Promise<Host> {
  return startHost({
    services: [inventoryService],
    env: { ...shop.env, ...env },
    logDestination: { write: () => undefined },
  });
}

test('F32: with another master key under the same name, inventory refuses to start', async () => {
  await expect(restart({ INVENTORY_KEK: otherSecret })).rejects.toThrow(/kek-202611 is not the one/);
});

test('F32: with a new master key and without the one that product keys are still wrapped by, inventory refuses to start', async () => {
  await expect(restart({ INVENTORY_KEK: otherSecret, INVENTORY_KEK_ID: 'kek-202701' })).rejects.toThrow(/kek-202611/);
});

test('F32 I18: with another blind index key, under which every known product key would look new, inventory refuses to start', async () => {
  await expect(restart({ INVENTORY_BLIND_INDEX_KEY: otherSecret })).rejects.toThrow(/blind-index-1 is not the one/);
});

test('F32: without a master key, or with a short one, the variable is named', async () => {
  await expect(restart({ INVENTORY_KEK: 'c2hvcnQ=' })).rejects.toThrow(/INVENTORY_KEK is not right: needs 32 bytes/);
  const { INVENTORY_KEK: _left, ...rest } = shop.env;
  await expect(startHost({ services: [inventoryService], env: rest })).rejects.toThrow(/INVENTORY_KEK is missing/);
});

test('I18: the key of the blind index is changed while the shop sells: known codes stay known before, while and after each row is changed', async () => {
  const own = await startInventory();
  await own.stockUp(['INDEX-OLD-0001', 'INDEX-OLD-0002', 'INDEX-OLD-0003']);
  await own.inventory().importKeys({ sku: newId(), label: 'b', codes: ['INDEX-B-1;INDEX-B-2'], lineFormat: 'codes' });
  const undone = await own.inventory().importKeys({ sku: newId(), label: 'undone', codes: ['INDEX-UNDONE-1'] });
  await own.admin().updateKeyBatch({ batchId: undone.batchId ?? '', status: 'undone', reason: 'a test' });
  const database = {
    INVENTORY_DATABASE_URL: own.env['INVENTORY_DATABASE_URL'] ?? '',
    INVENTORY_MIGRATION_URL: own.env['INVENTORY_MIGRATION_URL'] ?? '',
  };
  const current = { ...database, INVENTORY_BLIND_INDEX_KEY: otherSecret, INVENTORY_BLIND_INDEX_VERSION: '2' };
  await expect(startInventory(current)).rejects.toThrow(/indexed by blind-index-1/);
  const changing = await startInventory({
    ...current,
    INVENTORY_BLIND_INDEX_PREVIOUS: `1:${secrets.INVENTORY_BLIND_INDEX_KEY}`,
  });
  const bring = async (shopNow: TestInventory, code: string) =>
    (await shopNow.inventory().importKeys({ sku: newId(), label: 'again', codes: [code] })).importedCount;
  const known = ['index old 0001', 'INDEX-OLD-0002', 'INDEX-B-1'];
  for (const code of known) expect(await bring(changing, code)).toBe(0);
  expect(await bring(changing, 'INDEX-NEW-0001')).toBe(1);
  // A process that still has the old key brings one that came in under the new: both are here until the row is changed.
  expect(await bring(own, 'INDEX-NEW-0001')).toBe(1);
  while ((await changing.host.sweep('inventory', 'rotate-blind-indexes')) > 0);
  const left = await own.sql(
    'inventory',
    'select blind_index_version, status, count(*)::int from product_keys group by 1, 2 order by 2',
  );
  expect(left).toEqual([
    { blind_index_version: 2, status: 'available', count: 5 },
    { blind_index_version: 2, status: 'quarantined', count: 1 },
    { blind_index_version: 2, status: 'void', count: 1 },
  ]);
  expect(changing.logLines.some((line) => line.includes('key-twice'))).toBe(true);
  await changing.close();
  const changed = await startInventory(current);
  for (const code of [...known, 'INDEX-NEW-0001', 'INDEX-B-2']) expect(await bring(changed, code)).toBe(0);
  await changed.close();
  await own.close();
});

// Last: from here on the batches are wrapped by the new master key.
test('the master key is changed while the shop sells: old product keys open before and after they are wrapped anew', async () => {
  const variantId = await shop.stockUp(['ROTATE-ME-0001']);
  const owner = userActor();
  const customerId = owner.kind === 'user' ? owner.userId : newId();
  const { orderId, round, lines, expiresAt } = orderOf(variantId);
  await shop.inventory().reserveStock({ orderId, round, lines, expiresAt });
  const bound = await shop.inventory().fulfillOrder({ orderId, customerId, round, lines });
  const keyId = bound.lines[0]?.keyIds[0] ?? '';

  const current = { INVENTORY_KEK: otherSecret, INVENTORY_KEK_ID: 'kek-202701' };
  const changing = await restart({
    ...current,
    INVENTORY_KEK_PREVIOUS: `${secrets.INVENTORY_KEK_ID}:${secrets.INVENTORY_KEK}`,
  });
  const reveal = (host: Host) =>
    host.call('inventory', 'revealKey', { orderId, keyId }, { ...host.contextOf('test'), actor: owner });
  expect((await reveal(changing)).output).toMatchObject({ code: 'ROTATE-ME-0001' });
  expect(await changing.sweep('inventory', 'rewrap-batches')).toBeGreaterThan(0);
  expect(await changing.sweep('inventory', 'rewrap-batches')).toBe(0);
  await changing.close();

  const changed = await restart(current);
  expect((await reveal(changed)).output).toMatchObject({ code: 'ROTATE-ME-0001' });
  await changed.close();
  // The old key alone opens nothing any more.
  await expect(restart({})).rejects.toThrow(/kek-202701/);
});

test('A44 I25: support, seller and customer reach no staff route of product keys', async () => {
  for (const role of ['customer', 'seller', 'support', 'developer'] as const) {
    const client = shop.as(inventoryContract, userActor(newId(), [role]));
    const keyId = newId();
    const calls = [
      client.listDigitalKeys({}),
      client.getDigitalKey({ keyId }),
      client.updateDigitalKey({ keyId, status: 'quarantined', reason: 'because' }),
      client.deleteDigitalKey({ keyId }),
      client.revealDigitalKey({ keyId, reason: 'because I want' }),
      client.importKeys({ sku: 'x', label: 'x', codes: ['AAAA-BBBB'] }),
      client.getStock({ variantIds: [] }),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ status: 403 });
  }
});
