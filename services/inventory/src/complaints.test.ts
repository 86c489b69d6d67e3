import { inventoryContract } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orderOf, startInventory, type TestInventory } from './test-inventory.ts';

let shop: TestInventory;
beforeAll(async () => {
  shop = await startInventory();
});
afterAll(async () => {
  expect(await shop.brokenInvariants()).toEqual([]);
  await shop.close();
});

/** A delivered order of somebody who has looked at its product keys. */
async function delivered(
  variantId: string,
  options: { customerId?: string; quantity?: number; isSeen?: boolean } = {},
) {
  const { customerId = newId(), quantity = 1, isSeen = true } = options;
  const { orderId, round, lines } = orderOf(variantId, quantity);
  const bound = await shop.inventory().fulfillOrder({ orderId, round, lines, customerId });
  const keyIds = bound.lines[0]?.keyIds ?? [];
  const owner = shop.owner(customerId);
  if (isSeen) for (const keyId of keyIds) await owner.revealKey({ orderId, keyId });
  const report = (keyId = keyIds[0] ?? '', reason: 'already-used' | 'not-active-yet' = 'already-used') =>
    owner.reportKey({ orderId, keyId, reason });
  return { orderId, customerId, keyIds, owner, report };
}

test('a first complaint about a fresh product key is answered with another one at once, however often it is sent', async () => {
  const variantId = await shop.stockUp(3);
  const order = await delivered(variantId);
  const answers = await Promise.all(Array.from({ length: 5 }, () => order.report()));
  expect(answers).toEqual(answers.map(() => ({ status: 'replaced' })));
  const { items } = await order.owner.listOrderKeys({ orderId: order.orderId });
  expect(items.map((key) => key.complaint)).toEqual(['replaced', null]);
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 1, soldCount: 2 });
  const { code } = await order.owner.revealKey({ orderId: order.orderId, keyId: items[1]?.id ?? '' });
  expect(code).toBeTruthy();
  // What came as a replacement is a person's to judge.
  expect(await order.report(items[1]?.id)).toEqual({ status: 'open' });
});

test('who complains again within a month, of an old key, or of one that is not active yet, goes to a person; where no fresh key is to be had the money goes back', async () => {
  const variantId = await shop.stockUp(6);
  const twice = await delivered(variantId, { quantity: 2 });
  const answers = await Promise.all(twice.keyIds.map((keyId) => twice.report(keyId)));
  expect(answers.map((answer) => answer.status).toSorted()).toEqual(['open', 'replaced']);
  const early = await delivered(variantId);
  expect(await early.report(undefined, 'not-active-yet')).toEqual({ status: 'open' });
  const last = await delivered(await shop.stockUp(1));
  const answers2 = await Promise.all([last.report(), last.report(), last.report()]);
  expect(answers2).toEqual(answers2.map(() => ({ status: 'refunded' })));
  const told = await shop.sql(
    'inventory',
    "select 1 from outbox where type = 'key.refund-due' and data->>'keyId' = $1",
    [last.keyIds[0]],
  );
  expect(told).toHaveLength(1);
});

test('I25: only who owns a product key and has looked at it can complain of it', async () => {
  const order = await delivered(await shop.stockUp(2), { isSeen: false });
  await expect(order.report()).rejects.toMatchObject({ code: 'inventory.key-not-revealable' });
  const stranger = shop.owner(newId());
  const wrong = { orderId: order.orderId, keyId: order.keyIds[0] ?? '', reason: 'invalid' as const };
  await expect(stranger.reportKey(wrong)).rejects.toMatchObject({ status: 404 });
  await expect(shop.owner(order.customerId).reportKey({ ...wrong, orderId: newId() })).rejects.toMatchObject({
    status: 404,
  });
  await expect(stranger.listComplaints({})).rejects.toMatchObject({ status: 403 });
});

test('the third customer who complains of one batch freezes the rest of it', async () => {
  const variantId = await shop.stockUp(10);
  for (let count = 0; count < 2; count += 1) await (await delivered(variantId)).report();
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 6 });
  await (await delivered(variantId)).report();
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 0 });
  expect(shop.logLines.some((line) => line.includes('batch-frozen'))).toBe(true);
  const [batch] = (await shop.admin().listKeyBatches({ variantId })).items;
  expect(batch).toMatchObject({ quarantinedCount: 4 });
});

test('a person decides an open complaint once: another key while there is one, or no', async () => {
  const variantId = await shop.stockUp(3);
  const [first, second] = [await delivered(variantId), await delivered(variantId)];
  for (const order of [first, second]) await order.report(undefined, 'not-active-yet');
  const open = (await shop.admin().listComplaints({ status: 'open', limit: 100 })).items;
  const of = (order: { keyIds: string[] }) => open.find((complaint) => complaint.keyId === order.keyIds[0])?.id ?? '';
  const decide = (complaintId: string, status: 'replaced' | 'rejected') =>
    shop.admin().decideComplaint({ complaintId, status, reason: 'seen by staff' });
  const decided = await Promise.allSettled([
    decide(of(first), 'replaced'),
    decide(of(first), 'replaced'),
    decide(of(first), 'rejected'),
  ]);
  expect(decided.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  if ((await shop.counts(variantId)).availableCount === 0)
    await expect(decide(of(second), 'replaced')).rejects.toMatchObject({ code: 'inventory.stock-short' });
  expect(await decide(of(second), 'rejected')).toMatchObject({ status: 'rejected' });
});

test('what a shopper saw comes with the complaint: sealed, seen by staff with a record of the look, and by nobody else', async () => {
  const order = await delivered(await shop.stockUp(1));
  const keyId = order.keyIds[0] ?? '';
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from('CANARY-ON-A-PICTURE')]);
  const report = (pictureBase64: string) =>
    order.owner.reportKey({ orderId: order.orderId, keyId, reason: 'invalid', pictureBase64 });
  await expect(report(Buffer.from('<svg onload=alert(1)>').toString('base64'))).rejects.toMatchObject({
    status: 422,
    data: { errors: [{ field: 'pictureBase64' }] },
  });
  await report(png.toString('base64'));
  await report(Buffer.concat([png, png]).toString('base64')); // Sent again: the first one stays.
  const complaint = (await shop.admin().listComplaints({ limit: 100 })).items.find((item) => item.keyId === keyId);
  expect(complaint).toMatchObject({ hasPicture: true });
  const complaintId = complaint?.id ?? '';
  expect(await shop.admin().getComplaintPicture({ complaintId })).toEqual({
    contentType: 'image/png',
    contentBase64: png.toString('base64'),
  });
  const looks = (await shop.admin().getDigitalKey({ keyId })).reveals;
  expect(
    looks.some((look) => look.reason === `picture of complaint ${complaintId}` && look.by.startsWith('staff:')),
  ).toBe(true);
  await expect(order.owner.getComplaintPicture({ complaintId })).rejects.toMatchObject({ status: 403 });
  const [row] = await shop.sql('inventory', "select encode(ciphertext, 'escape') as text from complaint_pictures");
  expect(String(row?.['text'])).not.toContain('CANARY');
});

test('A64: a complaint decided as a refund, by somebody else than its customer, tells orders once which unit it is, and its product key is not shown any more', async () => {
  const order = await delivered(await shop.stockUp(1));
  const keyId = order.keyIds[0] ?? '';
  expect(await order.report(undefined, 'not-active-yet')).toEqual({ status: 'open' });
  const complaintId =
    (await shop.admin().listComplaints({ limit: 100 })).items.find((item) => item.keyId === keyId)?.id ?? '';
  const decide = () =>
    shop.admin().decideComplaint({ complaintId, status: 'refunded', reason: 'no fresh one to be had' });
  // Nobody decides their own complaint, whatever role they have (A64).
  const self = shop.as(inventoryContract, userActor(order.customerId, ['customer', 'admin']));
  for (const status of ['refunded', 'replaced', 'rejected'] as const)
    await expect(self.decideComplaint({ complaintId, status, reason: 'it is mine' })).rejects.toMatchObject({
      code: 'own-affair',
    });
  const decided = await Promise.allSettled([decide(), decide(), decide()]);
  expect(decided.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  const told = await shop.sql(
    'inventory',
    "select data from outbox where type = 'key.refund-due' and data->>'complaintId' = $1",
    [complaintId],
  );
  expect(told).toMatchObject([{ data: { complaintId, orderId: order.orderId, keyId } }]);
  await expect(order.owner.revealKey({ orderId: order.orderId, keyId })).rejects.toMatchObject({
    code: 'inventory.key-not-revealable',
  });
  const { items } = await order.owner.listOrderKeys({ orderId: order.orderId });
  expect(items).toMatchObject([{ complaint: 'refunded' }]);
});
