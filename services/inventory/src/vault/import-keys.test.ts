import { inventoryContract } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startInventory, type TestInventory } from '../test-inventory.ts';

let shop: TestInventory;
beforeAll(async () => {
  shop = await startInventory();
});
afterAll(() => shop.close());

const file = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${10_000 + index}`);

test('KY-2: an import sent again, or three times at once, is one import and answers the first report each time', async () => {
  const sku = newId();
  const importId = newId();
  const input = { sku, label: 'Steam 500', codes: [...file('ONCE', 5), 'ONCE-10000', '=1+1'], importId };
  const reports = await Promise.all([1, 2, 3].map(() => shop.inventory().importKeys(input)));
  expect(reports[0]).toMatchObject({ importedCount: 5, duplicateCount: 1, invalidCount: 1 });
  expect(reports[0]?.problems).toEqual([
    { line: 6, reason: 'duplicate-in-file' },
    { line: 7, reason: 'malformed' },
  ]);
  for (const report of [...reports, await shop.inventory().importKeys(input)]) expect(report).toEqual(reports[0]);
  expect(await shop.counts(sku)).toMatchObject({ availableCount: 5 });
});

test('I18: two files with the same product keys in opposite order, imported at once, add each key once', async () => {
  const sku = newId();
  const codes = file('BOTH', 3_000);
  const reports = await Promise.all([
    shop.inventory().importKeys({ sku, label: 'from supplier A', codes }),
    shop
      .inventory()
      .importKeys({ sku, label: 'from supplier B', codes: codes.toReversed().map((code) => code.toLowerCase()) }),
  ]);
  expect(reports.map((report) => report.importedCount).reduce((sum, count) => sum + count)).toBe(3_000);
  expect(reports.map((report) => report.duplicateCount).reduce((sum, count) => sum + count)).toBe(3_000);
  expect(await shop.counts(sku)).toMatchObject({ availableCount: 3_000 });
});

test('A71: a refused import leaves no batch, no key and no stock told', async () => {
  const sku = await shop.stockUp(['KNOWN-CODE-0001']);
  const before = await shop.sql(
    'inventory',
    'select (select count(*) from key_batches) as batches, (select count(*) from stock_touches) as touches',
  );
  const codes = [...file('FRESH', 2_500), 'known code 0001'];
  await expect(
    shop.inventory().importKeys({ sku, label: 'all or nothing', codes, onDuplicate: 'reject' }),
  ).rejects.toMatchObject({
    status: 422,
    code: 'inventory.import-refused',
    data: { lines: [{ line: 2_501, reason: 'duplicate-in-stock' }] },
  });
  const after = await shop.sql(
    'inventory',
    'select (select count(*) from key_batches) as batches, (select count(*) from stock_touches) as touches',
  );
  expect(after).toEqual(before);
  expect(await shop.counts(sku)).toMatchObject({ availableCount: 1 });
});

test('A71: an import of which every line is refused leaves no batch, and its report says so, also in parts and when it is sent again', async () => {
  const sku = await shop.stockUp(['ALREADY-CODE-01']);
  const codes = ['=1+1', '', 'already code 01', '=1+1'];
  const nothing = { batchId: null, importedCount: 0, duplicateCount: 1, invalidCount: 3 };
  const importId = newId();
  for (let time = 0; time < 2; time += 1)
    expect(await shop.inventory().importKeys({ sku, label: 'nothing in it', codes, importId })).toMatchObject(nothing);
  const parts = newId();
  await shop.inventory().startKeyImport({ importId: parts, sku, label: 'nothing in its parts' });
  await shop.inventory().addKeyImportLines({ importId: parts, firstLine: 1, lines: codes });
  await shop.inventory().finishKeyImport({ importId: parts });
  await shop.host.sweep('inventory', 'follow-imports');
  expect(await shop.inventory().getKeyImport({ importId: parts })).toMatchObject({ ...nothing, status: 'done' });
  expect((await shop.inventory().listKeyImportVerdicts({ importId: parts })).items).toHaveLength(4);
  expect((await shop.admin().listKeyBatches({ variantId: sku })).items).toHaveLength(1);
});

test('A71 A44: an empty file, 1,000,001 lines, an endless line and an unknown field are 422, an unknown SKU too', async () => {
  const base = { sku: newId(), label: 'limits', codes: ['GOOD-CODE-0001'] };
  for (const wrong of [
    { codes: [] },
    { codes: Array.from({ length: 1_000_001 }, () => 'A') },
    { codes: ['A'.repeat(1_001)] },
    { all: true },
    { label: '' },
  ]) {
    await expect(shop.inventory().importKeys({ ...base, ...wrong })).rejects.toMatchObject({ status: 422 });
  }
  await expect(shop.inventory().importKeys({ ...base, sku: 'unknown' })).rejects.toMatchObject({
    status: 422,
    code: 'inventory.sku-unknown',
  });
  expect(await shop.counts(base.sku)).toMatchObject({ availableCount: 0 });
});

test('KY-2: while a large file comes in, the shop goes on answering', async () => {
  const reading = setTicker();
  await shop.inventory().importKeys({ sku: newId(), label: 'large', codes: file('LARGE', 60_000) });
  // One turn of the process for every few thousand lines, however slow the machine is.
  expect(reading.turnCount()).toBeGreaterThan(10);
}, 60_000);

test('KY-1 KY-3: staff list, quarantine with a reason, and void product keys; each move and look is recorded', async () => {
  const sku = await shop.stockUp(['STAFF-CODE-0001']);
  const admin = userActor(newId(), ['admin']);
  const client = shop.as(inventoryContract, admin);
  const [key] = (await client.listDigitalKeys({ variantId: sku })).items;
  const keyId = key?.id ?? '';
  expect(key?.masked).toBe('•••• •••• 0001');
  expect(await client.updateDigitalKey({ keyId, status: 'quarantined', reason: 'supplier warned us' })).toMatchObject({
    status: 'quarantined',
  });
  await expect(shop.inventory().reserveStock({ ...reservationOf(sku) })).rejects.toMatchObject({
    code: 'inventory.stock-short',
  });
  expect(await client.updateDigitalKey({ keyId, status: 'available', reason: 'all clear' })).toMatchObject({
    status: 'available',
  });
  await client.deleteDigitalKey({ keyId });
  await client.deleteDigitalKey({ keyId });
  await expect(
    client.updateDigitalKey({ keyId, status: 'available', reason: 'I changed my mind' }),
  ).rejects.toMatchObject({ status: 409 });
  await expect(client.revealDigitalKey({ keyId, reason: 'no' })).rejects.toMatchObject({ status: 422 });
  await client.revealDigitalKey({ keyId, reason: 'supplier asks for proof' });
  expect((await client.getDigitalKey({ keyId })).reveals).toMatchObject([{ reason: 'supplier asks for proof' }]);
  expect(
    await shop.sql('inventory', 'select from_status, to_status, reason from key_audit where key_id = $1 order by at', [
      keyId,
    ]),
  ).toEqual([
    { from_status: 'available', to_status: 'quarantined', reason: 'supplier warned us' },
    { from_status: 'quarantined', to_status: 'available', reason: 'all clear' },
    { from_status: 'available', to_status: 'void', reason: 'deleted by staff' },
  ]);
  await expect(client.listDigitalKeys({ cursor: 'not a cursor' })).rejects.toMatchObject({ status: 422 });
  await expect(client.getDigitalKey({ keyId: newId() })).rejects.toMatchObject({ code: 'inventory.key-not-found' });
});

function reservationOf(variantId: string) {
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  return { orderId: newId(), round: 1, expiresAt, lines: [{ orderLineId: newId(), variantId, quantity: 1 }] };
}

/** Ticks every 5 ms; a process that is busy with one thing only misses its ticks. */
function setTicker() {
  let count = 0;
  const timer = setInterval(() => (count += 1), 1);
  return {
    turnCount() {
      clearInterval(timer);
      return count;
    },
  };
}
