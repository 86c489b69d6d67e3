import { inventoryContract } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orderOf, startInventory, type TestInventory } from '../test-inventory.ts';

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
  options: { customerId?: string; quantity?: number; isSeen?: boolean; valueRial?: number } = {},
) {
  const { customerId = newId(), quantity = 1, isSeen = true, valueRial = 5_000_000 } = options;
  const { orderId, round, lines } = orderOf(variantId, quantity);
  const fulfill = async () => {
    const valued = lines.map((line) => ({ ...line, unitValueRial: valueRial }));
    return (await shop.inventory().fulfillOrder({ orderId, round, lines: valued, customerId })).lines[0];
  };
  const keyIds = (await fulfill())?.keyIds ?? [];
  const owner = shop.owner(customerId);
  if (isSeen) for (const keyId of keyIds) await owner.revealKey({ orderId, keyId });
  const report = (keyId = keyIds[0] ?? '', reason: 'already-used' | 'not-active-yet' = 'already-used') =>
    owner.reportKey({ orderId, keyId, reason });
  return { orderId, customerId, keyIds, owner, report, fulfill };
}

/** A customer who bought something of this worth, looked at it so many days ago, and was content. */
async function goodCustomer({ worthRial = 50_000_000, days = 15 } = {}): Promise<string> {
  const { customerId, keyIds } = await delivered(await shop.stockUp(1), { valueRial: worthRial });
  await makeLooksOlder(keyIds, days);
  return customerId;
}
const makeLooksOlder = (keyIds: string[], days: number) =>
  shop.ownerSql(
    'inventory',
    'update key_reveals set at = at - make_interval(days => $2) where key_id = any($1::uuid[])',
    [keyIds, days],
  );
const makeDeliveryOlder = (keyIds: string[], hours: number) =>
  shop.ownerSql(
    'inventory',
    'update key_allocations set allocated_at = allocated_at - make_interval(hours => $2) where key_id = any($1::uuid[])',
    [keyIds, hours],
  );
const makeComplaintOlder = (keyId: string | undefined, days: number) =>
  shop.sql(
    'inventory',
    'update complaints set created_at = created_at - make_interval(days => $2), decided_at = decided_at - make_interval(days => $2) where key_id = $1',
    [keyId, days],
  );
const makeComplaintCost = (keyId: string | undefined, valueRial: number) =>
  shop.sql('inventory', 'update complaints set value_rial = $2 where key_id = $1', [keyId, valueRial]);
const alarms = (name: string) => shop.logLines.filter((line) => line.includes(`"alarm":"${name}"`)).length;
const refundsOf = (keyId: string | undefined) =>
  shop.sql('inventory', "select 1 from outbox where type = 'key.refund-due' and data->>'keyId' = $1", [keyId]);

test('a good customer’s first complaint about a fresh and cheap product key is answered with another one at once, however often it is sent', async () => {
  const variantId = await shop.stockUp(3);
  const order = await delivered(variantId, { customerId: await goodCustomer() });
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

test('a new phone’s first complaint brings neither a second product key nor money before a person has looked, with stock and without', async () => {
  for (const stock of [3, 1]) {
    const variantId = await shop.stockUp(stock);
    const order = await delivered(variantId, { valueRial: 1_000_000 });
    expect(await order.report()).toEqual({ status: 'open' });
    expect(await shop.counts(variantId)).toMatchObject({ availableCount: stock - 1, soldCount: 1 });
    expect(await refundsOf(order.keyIds[0])).toEqual([]);
  }
});

test('a dear product key is a person’s to judge, however good its customer; without stock no money goes back either', async () => {
  const customerId = await goodCustomer({ worthRial: 900_000_000 });
  for (const stock of [2, 1]) {
    const dear = await delivered(await shop.stockUp(stock), { customerId, valueRial: 63_700_000 });
    expect(await dear.report()).toEqual({ status: 'open' });
    expect(await refundsOf(dear.keyIds[0])).toEqual([]);
    await makeComplaintOlder(dear.keyIds[0], 31);
  }
  const [atCap, above] = [20_000_000, 20_000_001];
  for (const valueRial of [above, atCap]) {
    const order = await delivered(await shop.stockUp(2), { customerId, valueRial });
    expect(await order.report()).toEqual({ status: valueRial === atCap ? 'replaced' : 'open' });
    await makeComplaintOlder(order.keyIds[0], 31);
  }
  // What was sold before its worth was kept is nobody's to give away.
  const { orderId, round, lines } = orderOf(await shop.stockUp(2));
  const { lines: bound } = await shop.inventory().fulfillOrder({ orderId, round, lines, customerId });
  const keyId = bound[0]?.keyIds[0] ?? '';
  await shop.owner(customerId).revealKey({ orderId, keyId });
  expect(await shop.owner(customerId).reportKey({ orderId, keyId, reason: 'invalid' })).toEqual({ status: 'open' });
});

test('a good name is what was bought, looked at long enough ago, kept without a complaint, and worth as much as is asked for', async () => {
  const askedOf = async (customerId: string) =>
    (await (await delivered(await shop.stockUp(2), { customerId, valueRial: 5_000_000 })).report()).status;
  expect(await askedOf(await goodCustomer({ worthRial: 5_000_000 }))).toBe('replaced');
  expect(await askedOf(await goodCustomer({ worthRial: 4_999_999 }))).toBe('open');
  expect(await askedOf(await goodCustomer({ days: 13 }))).toBe('open');
  const complained = await delivered(await shop.stockUp(1), { valueRial: 50_000_000 });
  await makeLooksOlder(complained.keyIds, 60);
  await complained.report();
  await makeComplaintOlder(complained.keyIds[0], 59);
  expect(await askedOf(complained.customerId)).toBe('open');
  const unseen = await delivered(await shop.stockUp(1), { valueRial: 50_000_000, isSeen: false });
  await makeDeliveryOlder(unseen.keyIds, 24 * 60);
  expect(await askedOf(unseen.customerId)).toBe('open');
  // What the rules have given before is used up.
  const again = await goodCustomer({ worthRial: 9_000_000 });
  const first = await delivered(await shop.stockUp(2), { customerId: again, valueRial: 5_000_000 });
  expect(await first.report()).toEqual({ status: 'replaced' });
  await makeComplaintOlder(first.keyIds[0], 400);
  expect(await askedOf(again)).toBe('open');
});

test('who complains again within 30 days, of a key delivered more than 72 hours ago, or of one that is not active yet, goes to a person; where no fresh key is to be had the money goes back, once', async () => {
  // Each of a batch of its own: trusted complaints freeze theirs.
  const stock = () => shop.stockUp(2);
  const customerId = await goodCustomer();
  const twice = await delivered(await shop.stockUp(4), { customerId, quantity: 2 });
  const answers = await Promise.all(twice.keyIds.map((keyId) => twice.report(keyId)));
  expect(answers.map((answer) => answer.status).toSorted()).toEqual(['open', 'replaced']);
  for (const keyId of twice.keyIds) await makeComplaintOlder(keyId, 29);
  expect(await (await delivered(await stock(), { customerId })).report()).toEqual({ status: 'open' });
  await shop.sql(
    'inventory',
    "update complaints set created_at = created_at - interval '31 days' where customer_id = $1",
    [customerId],
  );
  expect(await (await delivered(await stock(), { customerId })).report()).toEqual({ status: 'replaced' });

  for (const [hours, status] of [
    [73, 'open'],
    [71, 'replaced'],
  ] as const) {
    const order = await delivered(await stock(), { customerId: await goodCustomer() });
    await makeDeliveryOlder(order.keyIds, hours);
    expect(await order.report()).toEqual({ status });
  }
  const early = await delivered(await stock(), { customerId: await goodCustomer() });
  expect(await early.report(undefined, 'not-active-yet')).toEqual({ status: 'open' });
  const last = await delivered(await shop.stockUp(1), { customerId: await goodCustomer() });
  const answers2 = await Promise.all([last.report(), last.report(), last.report()]);
  expect(answers2).toEqual(answers2.map(() => ({ status: 'refunded' })));
  expect(await refundsOf(last.keyIds[0])).toHaveLength(1);
});

test('I2: a product key that was replaced stands for no other unit: what its line still lacks is told, and bound when it is there', async () => {
  const variantId = await shop.stockUp(1);
  const order = await delivered(variantId, { customerId: await goodCustomer(), quantity: 2 });
  await shop.stockUp(1, { variantId });
  expect(await order.report()).toEqual({ status: 'replaced' });
  expect(await order.fulfill()).toMatchObject({ keyIds: order.keyIds, missingCount: 1 });
  await shop.stockUp(1, { variantId });
  expect(await order.fulfill()).toMatchObject({ keyIds: [order.keyIds[0], expect.any(String)], missingCount: 0 });
});

test('many small complaints do not add up: what the rules give one customer in a year, and all in a day and in 30 days, has an end, with an alarm', async () => {
  const customerId = await goodCustomer({ worthRial: 900_000_000 });
  const complain = async (who?: string) => {
    const order = await delivered(await shop.stockUp(2), { customerId: who ?? (await goodCustomer()) });
    return { ...order, status: (await order.report()).status };
  };
  await shop.sql('inventory', "update complaints set decided_at = decided_at - interval '1 year'");
  const first = await complain(customerId);
  expect(first.status).toBe('replaced');
  await makeComplaintOlder(first.keyIds[0], 100);
  await makeComplaintCost(first.keyIds[0], 35_000_001);
  const second = await complain(customerId);
  expect(second.status).toBe('open');
  await makeComplaintOlder(second.keyIds[0], 31);
  await makeComplaintOlder(first.keyIds[0], 266);
  expect((await complain(customerId)).status).toBe('replaced');

  // 200 million a day: there is room for three of these seven, who ask at the same moment.
  await shop.sql('inventory', "update complaints set decided_at = decided_at - interval '1 year'");
  const cost = (await complain()).keyIds[0];
  await makeComplaintCost(cost, 185_000_000);
  const before = alarms('complaint-total');
  const seven = await Promise.all(
    Array.from({ length: 7 }, async () => delivered(await shop.stockUp(2), { customerId: await goodCustomer() })),
  );
  const answers = await Promise.all(seven.map((order) => order.report()));
  expect(answers.filter((answer) => answer.status === 'replaced')).toHaveLength(3);
  expect(answers.filter((answer) => answer.status === 'open')).toHaveLength(4);
  expect(alarms('complaint-total')).toBe(before + 4);
  // A billion in 30 days.
  await shop.sql('inventory', "update complaints set decided_at = decided_at - interval '2 days'");
  await makeComplaintCost(cost, 981_000_000);
  expect((await complain()).status).toBe('open');
  await makeComplaintOlder(cost, 31);
  expect((await complain()).status).toBe('replaced');
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

test('three cheap complaints of new phones close nothing: staff are alarmed; three that are trusted, or found true by staff, freeze the rest of the batch', async () => {
  const variantId = await shop.stockUp(20);
  const rivals = [];
  for (let count = 0; count < 3; count += 1) {
    const rival = await delivered(variantId, { valueRial: 100_000 });
    expect(await rival.report()).toEqual({ status: 'open' });
    rivals.push(rival);
  }
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 17 });
  expect(alarms('batch-doubtful')).toBe(1);
  const frozenBefore = alarms('batch-frozen');
  // One trusted complaint (replaced from this batch), one found true by staff, one found wrong.
  await (await delivered(variantId, { customerId: await goodCustomer() })).report();
  const open = (await shop.admin().listComplaints({ status: 'open', limit: 100 })).items;
  const idOf = (rival: { keyIds: string[] } | undefined) =>
    open.find((complaint) => complaint.keyId === rival?.keyIds[0])?.id ?? '';
  const decide = (rival: { keyIds: string[] } | undefined, status: 'refunded' | 'rejected') =>
    shop.admin().decideComplaint({ complaintId: idOf(rival), status, reason: 'the supplier says so' });
  await decide(rivals[0], 'refunded');
  await decide(rivals[1], 'rejected');
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 15 });
  const held = orderOf(variantId);
  await shop.inventory().reserveStock(held);
  await decide(rivals[2], 'refunded');
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 0 });
  expect(alarms('batch-frozen')).toBe(frozenBefore + 1);
  const [batch] = (await shop.admin().listKeyBatches({ variantId })).items;
  expect(batch).toMatchObject({ quarantinedCount: 14 });
  // A hold that ends gives nothing of a frozen batch back to the shelf.
  await shop.inventory().releaseStock({ orderId: held.orderId, round: 1 });
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 0, reservedCount: 0 });

  // Opened by staff, it stays open: what was known by then is settled.
  await shop.admin().updateKeyBatch({ batchId: batch?.id ?? '', status: 'open', reason: 'the supplier mended it' });
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 15 });
  await (await delivered(variantId, { valueRial: 100_000 })).report();
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 14 });
});

test('a complaint that its supplier has granted counts as found true', async () => {
  const variantId = await shop.stockUp(8);
  const procurementId = newId();
  await shop.sql(
    'inventory',
    `insert into procurements (id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, status)
     values ($1, $2, 'Steam', 'kinguin', 'ref', 3, 100, 'received')`,
    [procurementId, variantId],
  );
  for (const left of [7, 6, 0]) {
    const order = await delivered(variantId, { valueRial: 100_000 });
    await order.report();
    await shop.sql(
      'inventory',
      `insert into supplier_claims (complaint_id, procurement_id, supplier, unit_ref, status, delivered_at, due_at)
       select id, $2, 'kinguin', id::text, 'granted', now(), null from complaints where key_id = $1`,
      [order.keyIds[0], procurementId],
    );
    // As the claim's job does once the supplier has answered.
    await shop.sql('inventory', 'select inventory_weigh_batch((select batch_id from product_keys where id = $1), 3)', [
      order.keyIds[0],
    ]);
    expect(await shop.counts(variantId)).toMatchObject({ availableCount: left });
  }
});

test('three trusted customers who complain of one batch freeze the rest of it', async () => {
  const variantId = await shop.stockUp(10);
  for (let count = 0; count < 2; count += 1)
    await (await delivered(variantId, { customerId: await goodCustomer() })).report();
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 6 });
  await (await delivered(variantId, { customerId: await goodCustomer() })).report();
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 0 });
  expect((await shop.admin().listKeyBatches({ variantId })).items).toMatchObject([{ quarantinedCount: 4 }]);
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

test('I1: after all the money of an order went back, an older complaint of it brings neither another product key nor money, by a person or by the rules', async () => {
  const variantId = await shop.stockUp(8);
  const [order, other] = [
    await delivered(variantId, { quantity: 2, customerId: await goodCustomer() }),
    await delivered(variantId),
  ];
  await order.report(order.keyIds[0], 'not-active-yet');
  await other.report();
  const open = (await shop.admin().listComplaints({ status: 'open', limit: 100 })).items;
  const idOf = (keyId: string | undefined) => open.find((complaint) => complaint.keyId === keyId)?.id ?? '';
  const decide = (complaintId: string, status: 'replaced' | 'refunded' | 'rejected') =>
    shop.admin().decideComplaint({ complaintId, status, reason: 'seen by staff' });
  const { availableCount } = await shop.counts(variantId);

  // A look at what was seen, and a part that went back, close nothing.
  await shop.inventory().withdrawKeys({ orderId: order.orderId, revealedMax: -1 });
  await shop.inventory().withdrawKeys({ orderId: other.orderId, revealedMax: 1, keyIds: [] });
  await shop.inventory().withdrawKeys({ orderId: order.orderId, revealedMax: 2 });
  for (const status of ['replaced', 'refunded'] as const)
    await expect(decide(idOf(order.keyIds[0]), status)).rejects.toMatchObject({ code: 'inventory.order-refunded' });
  expect(await order.report(order.keyIds[1])).toEqual({ status: 'open' });
  expect(await refundsOf(order.keyIds[0])).toEqual([]);
  expect(await shop.counts(variantId)).toMatchObject({ availableCount });
  await decide(idOf(order.keyIds[0]), 'rejected');
  await decide(idOf(other.keyIds[0]), 'replaced');
});
