import { newId } from '@kelid/service/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orderOf, startInventory, type TestInventory } from '../test-inventory.ts';

let shop: TestInventory;
let staff: ReturnType<TestInventory['inventory']>;
beforeAll(async () => {
  shop = await startInventory();
  staff = shop.inventory();
});
afterAll(async () => {
  expect(await shop.brokenInvariants()).toEqual([]);
  await shop.close();
});

type Rules = Partial<Parameters<typeof staff.startKeyImport>[0]>;

/** An import that is sent in parts of this many lines, and stored. */
async function importLines(lines: string[], rules: Rules = {}, partSize = 3) {
  const importId = newId();
  const sku = rules.sku ?? newId();
  await staff.startKeyImport({ importId, sku, label: 'a file', ...rules });
  for (let at = 0; at < lines.length; at += partSize)
    await staff.addKeyImportLines({ importId, firstLine: at + 1, lines: lines.slice(at, at + partSize) });
  await staff.finishKeyImport({ importId });
  await shop.host.sweep('inventory', 'follow-imports');
  const { items } = await staff.listKeyImportVerdicts({ importId });
  return { importId, sku, report: await staff.getKeyImport({ importId }), verdicts: items };
}

test('KY-2: an import in parts tells how far it is, judges each line against all before it, and keeps a verdict for each line left out', async () => {
  const sku = newId();
  const importId = newId();
  await staff.startKeyImport({ importId, sku, label: 'parts' });
  const first = ['PART-0001', '', 'PART-0002', '=HYPERLINK("x")'];
  const second = ['part 0001', 'PART-0003'];
  expect(await staff.addKeyImportLines({ importId, firstLine: 1, lines: first })).toMatchObject({ lineCount: 4 });
  // The answer was lost and the part is sent again; two parts come at once.
  const [again, later] = await Promise.all([
    staff.addKeyImportLines({ importId, firstLine: 1, lines: first }),
    staff.addKeyImportLines({ importId, firstLine: 5, lines: second }),
  ]);
  expect(Math.max(again.lineCount, later.lineCount)).toBe(6);
  expect(await shop.counts(sku)).toMatchObject({ availableCount: 0 });
  expect(await staff.finishKeyImport({ importId })).toMatchObject({ status: 'storing' });
  await expect(staff.addKeyImportLines({ importId, firstLine: 7, lines: ['PART-0009'] })).rejects.toMatchObject({
    code: 'inventory.import-not-found',
  });
  // Several processes look at the same moment; it is stored once.
  await Promise.all([1, 2, 3].map(() => shop.host.sweep('inventory', 'follow-imports')));
  expect(await staff.getKeyImport({ importId })).toEqual({
    importId,
    status: 'done',
    batchId: importId,
    lineCount: 6,
    importedCount: 3,
    duplicateCount: 1,
    invalidCount: 2,
  });
  const { items, nextLine } = await staff.listKeyImportVerdicts({ importId, limit: 2 });
  const rest = await staff.listKeyImportVerdicts({ importId, afterLine: nextLine ?? 0, limit: 2 });
  expect([...items, ...rest.items].map(({ line, reason }) => [line, reason])).toEqual([
    [2, 'empty'],
    [4, 'malformed'],
    [5, 'duplicate-in-file'],
  ]);
  expect(await shop.counts(sku)).toMatchObject({ availableCount: 3 });
  const left = await shop.sql(
    'inventory',
    'select 1 from key_import_lines where import_id = $1 and ciphertext is not null',
    [importId],
  );
  expect(left).toEqual([]);
});

test('KY-2: an import that refuses duplicates stores nothing when it meets one, and says which line', async () => {
  await importLines(['REFUSE-0001']);
  const { sku, report, verdicts } = await importLines(['REFUSE-0002', 'refuse 0001'], { onDuplicate: 'reject' });
  expect(report).toMatchObject({ status: 'refused', batchId: null, importedCount: 0, duplicateCount: 1 });
  expect(verdicts).toMatchObject([{ line: 2, reason: 'duplicate-in-stock' }]);
  expect(await shop.counts(sku)).toMatchObject({ availableCount: 0 });
});

test('KY-2: a dry run tells what would become of each line, and stores nothing', async () => {
  await importLines(['DRYRUN-0001']);
  const { sku, report } = await importLines(['DRYRUN-0001', 'DRYRUN-0002', '!'], { dryRun: true });
  expect(report).toMatchObject({
    status: 'checked',
    batchId: null,
    importedCount: 1,
    duplicateCount: 1,
    invalidCount: 1,
  });
  expect(await shop.counts(sku)).toMatchObject({ availableCount: 0 });
});

test('KY-2: a code with its PIN is one unit with two parts; the same code with another PIN is the same unit', async () => {
  const { sku, report, verdicts } = await importLines(
    ['CARD-1111-2222\t9876', 'CARD-1111-3333;4321', 'card 1111 2222;0000', 'CARD-WITHOUT-PIN', 'CARD-1111-4444;12 34'],
    { lineFormat: 'code-pin' },
  );
  expect(report).toMatchObject({ importedCount: 2, duplicateCount: 1, invalidCount: 2 });
  expect(verdicts.map(({ line, reason }) => [line, reason])).toEqual([
    [3, 'duplicate-in-file'],
    [4, 'malformed'],
    [5, 'malformed'],
  ]);
  const { orderId, round, lines } = orderOf(sku, 2);
  const customerId = newId();
  await staff.fulfillOrder({ orderId, round, lines, customerId });
  const owner = shop.owner(customerId);
  const { items } = await owner.listOrderKeys({ orderId });
  expect(items.map(({ kind }) => kind)).toEqual(['parts', 'parts']);
  expect(items.map(({ masked }) => masked).toSorted()).toEqual(['•••• •••• 2222', '•••• •••• 3333']);
  const revealed = await Promise.all(items.map(({ id }) => owner.revealKey({ orderId, keyId: id })));
  const parts = revealed.map((key) => key.parts?.map(({ label, text }) => `${label} ${text}`).join(', ')).toSorted();
  expect(parts).toEqual(['code CARD-1111-2222, pin 9876', 'code CARD-1111-3333, pin 4321']);
});

test('I18 KY-2: none of the codes of a unit comes in again: in another unit, alone, or as the first after having been the last', async () => {
  const { report } = await importLines(
    ['BUNDLE-A1;BUNDLE-A2;BUNDLE-A3', 'BUNDLE-B1;BUNDLE-A3', 'BUNDLE-C1;BUNDLE-C1'],
    { lineFormat: 'codes' },
  );
  expect(report).toMatchObject({ importedCount: 1, duplicateCount: 1, invalidCount: 1 });
  expect((await importLines(['BUNDLE-A2'])).verdicts).toMatchObject([{ line: 1, reason: 'duplicate-in-stock' }]);
  const again = await importLines(['BUNDLE-A3;BUNDLE-D1', 'BUNDLE-D2;bundle a1', 'BUNDLE-D3;BUNDLE-D4'], {
    lineFormat: 'codes',
  });
  expect(again.report).toMatchObject({ importedCount: 1, duplicateCount: 2 });
  // Two files at once, with one code in both, the one as its first, the other as its second.
  for (let round = 0; round < 10; round += 1) {
    const code = `RACE-${round}-X`;
    const both = await Promise.all([
      staff.importKeys({ sku: newId(), label: 'first', codes: [`${code};RACE-${round}-Y`], lineFormat: 'codes' }),
      staff.importKeys({ sku: newId(), label: 'second', codes: [`RACE-${round}-Z;${code}`], lineFormat: 'codes' }),
      staff.importKeys({ sku: newId(), label: 'alone', codes: [code] }),
    ]);
    expect(both.reduce((sum, report) => sum + report.importedCount, 0)).toBe(1);
  }
});

test('KY-2: an import that is undone while nothing of it is sold may come in again', async () => {
  const { importId, sku } = await importLines(['UNDO-0001;UNDO-0002'], { lineFormat: 'codes' });
  expect((await importLines(['UNDO-0001'])).report).toMatchObject({ importedCount: 0 });
  await shop.admin().updateKeyBatch({ batchId: importId, status: 'undone', reason: 'the wrong product' });
  expect(await shop.counts(sku)).toMatchObject({ availableCount: 0 });
  const fresh = await importLines(['UNDO-0001', 'UNDO-0002']);
  expect(fresh.report).toMatchObject({ importedCount: 2 });
});

test('KY-2: an import whose other end went away is dropped after a day with its lines, and an unknown one is a 404', async () => {
  const importId = newId();
  await staff.startKeyImport({ importId, sku: newId(), label: 'left' });
  await staff.addKeyImportLines({ importId, firstLine: 1, lines: ['LEFT-0001'] });
  expect(await shop.host.sweep('inventory', 'follow-imports')).toBe(0);
  await shop.sql('inventory', "update key_imports set due_at = now() - interval '1 minute' where id = $1", [importId]);
  await shop.host.sweep('inventory', 'follow-imports');
  expect(await staff.getKeyImport({ importId })).toMatchObject({ status: 'refused' });
  expect(await shop.sql('inventory', 'select 1 from key_import_lines where import_id = $1', [importId])).toEqual([]);
  await expect(staff.getKeyImport({ importId: newId() })).rejects.toMatchObject({ status: 404 });
  await expect(staff.startKeyImport({ importId: newId(), sku: 'unknown', label: 'x' })).rejects.toMatchObject({
    status: 422,
  });
  const customer = shop.owner(newId());
  await expect(customer.getKeyImport({ importId })).rejects.toMatchObject({ status: 403 });
  await expect(customer.listKeyImportVerdicts({ importId })).rejects.toMatchObject({ status: 403 });
});

test('I17: of an import on its way, no line is readable in the database', async () => {
  const importId = newId();
  await staff.startKeyImport({ importId, sku: newId(), label: 'secret', lineFormat: 'code-pin' });
  await staff.addKeyImportLines({ importId, firstLine: 1, lines: ['CANARY-ON-ITS-WAY;77777', 'CANARY BROKEN LINE'] });
  const rows = await shop.sql(
    'inventory',
    'select l::text as row, encode(ciphertext, $2) as text from key_import_lines l where import_id = $1',
    [importId, 'escape'],
  );
  expect(rows).toHaveLength(2);
  expect(JSON.stringify(rows)).not.toMatch(/CANARY|77777/);
  expect(shop.logLines.join('')).not.toMatch(/CANARY|77777/);
});
