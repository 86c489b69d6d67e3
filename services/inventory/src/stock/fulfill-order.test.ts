import { inventoryContract } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import { patiently, userActor } from '@kelid/testing/start-service';
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

type TestOrder = ReturnType<typeof orderOf>;
async function fulfill({ orderId, round, lines }: TestOrder, customerId = newId()) {
  const answer = await patiently(() => shop.inventory().fulfillOrder({ orderId, customerId, round, lines }));
  return { keyIds: answer.lines.flatMap((line) => line.keyIds), missingCount: answer.lines[0]?.missingCount };
}

test('I1 KY-5: 200 parallel allocations of 50 keys bind 50 distinct keys, and 150 orders hear what is missing', async () => {
  const variantId = await shop.stockUp(50);
  const answers = await Promise.all(Array.from({ length: 200 }, () => fulfill(orderOf(variantId))));
  const keyIds = answers.flatMap((answer) => answer.keyIds);
  expect(keyIds).toHaveLength(50);
  expect(new Set(keyIds).size).toBe(50);
  expect(answers.filter((answer) => answer.missingCount === 1)).toHaveLength(150);
  expect(await shop.brokenInvariants()).toEqual([]);
});

test('I3 I4: a hold that runs out, its payment and the next buyer meet at one key: one of them has it, 60 rounds', async () => {
  for (let round = 0; round < 60; round += 1) {
    const variantId = await shop.stockUp(1);
    const [mine, next] = [orderOf(variantId), orderOf(variantId)];
    await shop.inventory().reserveStock(mine);
    await shop.sql(
      'inventory',
      "update reservations set expires_at = now() - interval '1 second' where order_id = $1",
      [mine.orderId],
    );
    const [paid, bought] = await Promise.all([
      fulfill(mine),
      shop
        .inventory()
        .reserveStock(next)
        .then(
          () => true,
          () => false,
        ),
      shop.host.sweep('inventory', 'expire-reservations'),
    ]);
    expect(paid.keyIds.length + Number(bought)).toBe(1);
  }
  expect(await shop.brokenInvariants()).toEqual([]);
});

test('I2 I3: a paid order whose hold ran out gets what is there now, keeps it, and gets the rest when stock comes', async () => {
  const variantId = await shop.stockUp(2);
  const order = orderOf(variantId, 3);
  const customerId = newId();
  const first = await fulfill(order, customerId);
  expect(first).toMatchObject({ missingCount: 1 });
  expect(first.keyIds).toHaveLength(2);
  expect(await fulfill(order, customerId)).toEqual(first);
  await shop.stockUp(5, { variantId });
  const second = await fulfill(order, customerId);
  expect(second.missingCount).toBe(0);
  expect(second.keyIds.slice(0, 2)).toEqual(first.keyIds);
  expect(await shop.counts(variantId)).toEqual({ availableCount: 4, reservedCount: 0, soldCount: 3 });
  expect(
    await shop.sql('inventory', 'select unit_no from key_allocations where order_id = $1 order by 1', [order.orderId]),
  ).toEqual([1, 2, 3].map((unit) => ({ unit_no: unit })));
});

test('I2: an order without a hold that is filled 20 times at once gets exactly its quantity and hears the same keys each time', async () => {
  const variantId = await shop.stockUp(30);
  const order = orderOf(variantId, 3);
  const customerId = newId();
  const answers = await Promise.all(Array.from({ length: 20 }, () => fulfill(order, customerId)));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(answers[0]).toMatchObject({ missingCount: 0 });
  expect(await shop.counts(variantId)).toMatchObject({ availableCount: 27, soldCount: 3 });
});

test('I2: who fills an order while another is just filling it waits for that one and hears its keys, 5 rounds', async () => {
  for (let round = 1; round <= 5; round += 1) {
    const variantId = await shop.stockUp(4);
    const order = orderOf(variantId, 2);
    const customerId = newId();
    const first = await shop.begin('inventory');
    await first.sql('select * from inventory_fulfill($1, $2, $3, $4::jsonb)', [
      order.orderId,
      customerId,
      order.round,
      JSON.stringify(order.lines),
    ]);
    const second = fulfill(order, customerId);
    await shop.untilWaiting('inventory', second);
    await first.commit();
    const { keyIds, missingCount } = await second;
    expect([keyIds.length, missingCount]).toEqual([2, 0]);
    expect(await shop.counts(variantId)).toMatchObject({ availableCount: 2, soldCount: 2 });
  }
});

test('KY-5: a product key past its date is neither held nor bound, though no sweep has come by yet', async () => {
  const variantId = await shop.stockUp(2, { expiresAt: new Date(Date.now() + 86_400_000).toISOString() });
  await shop.sql(
    'inventory',
    "update product_keys set expires_at = now() - interval '1 second' where variant_id = $1",
    [variantId],
  );
  await expect(shop.inventory().reserveStock(orderOf(variantId))).rejects.toMatchObject({
    code: 'inventory.stock-short',
    data: { variantIds: [variantId] },
  });
  expect(await fulfill(orderOf(variantId))).toEqual({ keyIds: [], missingCount: 1 });
});

test('I2: the database itself refuses a second product key for the same unit of a line, and a second line for the same product key', async () => {
  const variantId = await shop.stockUp(2);
  const order = orderOf(variantId);
  const [keyId] = (await fulfill(order)).keyIds;
  const [free] = await shop.sql('inventory', 'select id from product_keys where variant_id = $1 and id <> $2', [
    variantId,
    keyId,
  ]);
  const insert =
    'insert into key_allocations (key_id, order_line_id, unit_no, order_id, customer_id, variant_id) values ($1, $2, 1, $3, $3, $4)';
  const lineId = order.lines[0]?.orderLineId;
  await expect(shop.sql('inventory', insert, [free?.['id'], lineId, order.orderId, variantId])).rejects.toThrow(
    /key_allocations_unit/,
  );
  await expect(shop.sql('inventory', insert, [keyId, newId(), newId(), variantId])).rejects.toThrow(
    /key_allocations_once/,
  );
});

test('I1 A70: an allocation whose key stays for sale is refused by the database itself', async () => {
  const variantId = await shop.stockUp(1);
  const [key] = await shop.sql('inventory', 'select id from product_keys where variant_id = $1', [variantId]);
  const insert =
    'insert into key_allocations (key_id, order_line_id, unit_no, order_id, customer_id, variant_id) values ($1, $2, 1, $2, $2, $3)';
  await expect(shop.sql('inventory', insert, [key?.['id'], newId(), variantId])).rejects.toThrow(
    /in the same transaction/,
  );
});

test('KY-4: the keys of a customer are listed newest delivery first, page by page, and a foreign cursor shows nothing', async () => {
  const owner = userActor();
  const customerId = owner.kind === 'user' ? owner.userId : '';
  const importedFirst = await shop.stockUp(2);
  const importedLast = await shop.stockUp(1);
  const delivered: string[] = [];
  for (const variantId of [importedLast, importedFirst, importedFirst])
    delivered.push(...(await fulfill(orderOf(variantId), customerId)).keyIds);
  const client = shop.as(inventoryContract, owner);
  const first = await client.listOwnKeys({ limit: 2 });
  const second = await client.listOwnKeys({ limit: 2, cursor: first.nextCursor ?? '' });
  expect([...first.items, ...second.items].map((item) => item.id)).toEqual(delivered.toReversed());
  expect(second.nextCursor).toBeNull();
  const stranger = shop.as(inventoryContract, userActor());
  expect(await stranger.listOwnKeys({ cursor: delivered[2] ?? '' })).toEqual({ items: [], nextCursor: null });
  await expect(client.listOwnKeys({ cursor: "1' or '1'='1" })).rejects.toMatchObject({ status: 422 });
});

test('A33 A68: blank, array and foreign ids open nothing and leave no trace of a look', async () => {
  const variantId = await shop.stockUp(1);
  const order = orderOf(variantId);
  const owner = userActor();
  const [keyId = ''] = (await fulfill(order, owner.kind === 'user' ? owner.userId : '')).keyIds;
  const client = shop.as(inventoryContract, owner);
  for (const wrong of ['', 'null', '0', '%00', [keyId], null]) {
    await expect(client.revealKey({ orderId: order.orderId, keyId: wrong as string })).rejects.toMatchObject({
      status: 422,
    });
  }
  await expect(client.revealKey({ orderId: newId(), keyId })).rejects.toMatchObject({
    code: 'inventory.key-not-found',
  });
  expect(await shop.sql('inventory', 'select 1 from key_reveals where key_id = $1', [keyId])).toEqual([]);
});

test('KY-9: from the payment to the visible key are two calls, and no background work that could be behind', async () => {
  const variantId = await shop.stockUp(40);
  const owner = userActor();
  const client = shop.as(inventoryContract, owner);
  for (let purchase = 0; purchase < 40; purchase += 1) {
    const order = orderOf(variantId);
    await shop.inventory().reserveStock(order);
    const [keyId = ''] = (await fulfill(order, owner.kind === 'user' ? owner.userId : '')).keyIds;
    expect((await client.revealKey({ orderId: order.orderId, keyId })).code).toBeTruthy();
  }
});

/** A delivered order of this many units, and what its owner does. */
async function delivered(variantId: string, quantity = 1) {
  const owner = userActor();
  const customerId = owner.kind === 'user' ? owner.userId : '';
  const order = orderOf(variantId, quantity);
  await shop.inventory().reserveStock(order);
  const { keyIds } = await fulfill(order, customerId);
  const { orderId } = order;
  const client = shop.as(inventoryContract, owner);
  return {
    orderId,
    customerId,
    client,
    keyIds,
    keyId: keyIds[0] ?? '',
    reveal: (keyId = keyIds[0] ?? '') => client.revealKey({ orderId, keyId }),
    withdraw: (revealedMax = 0) => shop.inventory().withdrawKeys({ orderId, revealedMax }),
    refill: () => fulfill(order, customerId),
  };
}
const closed = { code: 'inventory.key-not-revealable' };

test('A64: an order that is paid back whole keeps its unseen keys closed, and a look that was first stops the withdrawal, 30 races', async () => {
  const variantId = await shop.stockUp(60);
  for (let race = 0; race < 30; race += 1) {
    const order = await delivered(variantId, 2);
    const otherId = order.keyIds[1] ?? '';
    expect(await order.withdraw(-1)).toMatchObject({ revealedCount: 0, isWithdrawn: false });
    const [withdrawn, seen] = await Promise.allSettled([order.withdraw(), order.reveal()]);
    const isWithdrawn = withdrawn.status === 'fulfilled' && withdrawn.value.isWithdrawn;
    expect(isWithdrawn).toBe(seen.status === 'rejected');
    if (!isWithdrawn) await order.withdraw(1); // What was seen is said; the rest can still be closed.
    await expect(order.reveal(otherId)).rejects.toMatchObject(closed);
  }
});

test('A64 I1: a look and a withdrawal that are both under way wait for each other, whichever is first, 10 rounds each', async () => {
  const variantId = await shop.stockUp(20);
  for (let round = 0; round < 10; round += 1) {
    const order = await delivered(variantId);
    const looking = await shop.begin('inventory');
    await looking.sql(
      "insert into key_reveals (id, key_id, actor, ip, user_agent) values ($1, $2, 'user:' || $3, '127.0.0.1', 'a test')",
      [newId(), order.keyId, order.customerId],
    );
    const withdrawal = order.withdraw();
    await shop.untilWaiting('inventory', withdrawal);
    await looking.commit();
    expect(await withdrawal).toMatchObject({ revealedCount: 1, isWithdrawn: false });
    expect(await order.reveal()).toMatchObject({ code: expect.any(String) as string });

    const other = await delivered(variantId);
    const withdrawing = await shop.begin('inventory');
    await withdrawing.sql('select inventory_withdraw_keys($1, 0)', [other.orderId]);
    const look = other.reveal().then(
      () => 'seen',
      (error: { code: string }) => error.code,
    );
    await shop.untilWaiting('inventory', look);
    await withdrawing.commit();
    expect(await look).toBe(closed.code);
    expect(await shop.sql('inventory', 'select 1 from key_reveals where key_id = $1', [other.keyId])).toEqual([]);
  }
});

test('A64 I1: what a refund withdrew unseen is for sale again, and only its new owner sees it; told again, the refund takes nothing from anybody', async () => {
  const variantId = await shop.stockUp(2);
  const first = await delivered(variantId, 2);
  expect(await first.withdraw()).toMatchObject({ revealedCount: 0, isWithdrawn: true });
  expect(await shop.counts(variantId)).toEqual({ availableCount: 2, reservedCount: 0, soldCount: 0 });
  // The refunded line gets no other keys for them.
  expect(await first.refill()).toMatchObject({ missingCount: 0 });
  const second = await delivered(variantId, 2);
  expect(second.keyIds.toSorted()).toEqual(first.keyIds.toSorted());
  await second.reveal();
  for (const keyId of first.keyIds) await expect(first.reveal(keyId)).rejects.toMatchObject(closed);
  expect((await first.client.listOwnKeys({})).items).toEqual([]);
  expect((await first.client.listOrderKeys({ orderId: first.orderId })).items).toEqual([]);
  await expect(
    first.client.reportKey({ orderId: first.orderId, keyId: second.keyId, reason: 'already-used' }),
  ).rejects.toMatchObject({ status: 404 });
  expect(await first.withdraw()).toMatchObject({ revealedCount: 0, isWithdrawn: true });
  expect((await second.client.listOrderKeys({ orderId: second.orderId })).items).toHaveLength(2);
  const staff = await shop.admin().getDigitalKey({ keyId: second.keyId });
  expect(staff).toMatchObject({ status: 'allocated' });
  expect((await shop.admin().listDigitalKeys({ variantId })).items).toHaveLength(2);
  expect(
    await shop.sql(
      'inventory',
      "select distinct to_status from key_audit where from_status = 'allocated' and key_id = any($1)",
      [first.keyIds],
    ),
  ).toEqual([{ to_status: 'available' }]);
});

test('A64: a withdrawn product key that staff has looked at, that is a receipt, or whose batch is frozen is set aside instead', async () => {
  for (const spoil of [
    (keyId: string) => shop.admin().revealDigitalKey({ keyId, reason: 'the customer asks' }),
    (keyId: string) => shop.ownerSql('inventory', "update product_keys set kind = 'receipt' where id = $1", [keyId]),
    async (keyId: string) => {
      const { batchId } = await shop.admin().getDigitalKey({ keyId });
      await shop.admin().updateKeyBatch({ batchId, status: 'frozen', reason: 'the supplier warned us' });
    },
  ]) {
    const variantId = await shop.stockUp(1);
    const order = await delivered(variantId);
    await spoil(order.keyId);
    expect(await order.withdraw()).toMatchObject({ isWithdrawn: true });
    expect(await shop.counts(variantId)).toEqual({ availableCount: 0, reservedCount: 0, soldCount: 0 });
    expect((await shop.admin().getDigitalKey({ keyId: order.keyId })).status).toBe('quarantined');
  }
});

test('I1: the database itself withdraws nothing that was seen, takes no withdrawal back, and lets no withdrawn key stay sold', async () => {
  const variantId = await shop.stockUp(3);
  const [seen, unseen] = [await delivered(variantId), await delivered(variantId)];
  await seen.reveal();
  const withdraw = (keyId: string, at = 'now()') =>
    shop.sql('inventory', `update key_allocations set withdrawn_at = ${at} where key_id = $1`, [keyId]);
  await expect(withdraw(seen.keyId)).rejects.toThrow(/that was seen/);
  await expect(withdraw(unseen.keyId)).rejects.toThrow(/in the same transaction/);
  await unseen.withdraw();
  await expect(withdraw(unseen.keyId, 'null')).rejects.toThrow(/stays withdrawn/);
  for (const status of ['available', 'quarantined', 'void'])
    await expect(
      shop.sql('inventory', 'update product_keys set status = $2 where id = $1', [seen.keyId, status]),
    ).rejects.toThrow(/cannot go/);
});

test('A64: a refund of a part closes the keys it names and no other, and a look that was first stops it, 30 races', async () => {
  const variantId = await shop.stockUp(90);
  for (let race = 0; race < 30; race += 1) {
    const order = await delivered(variantId, 3);
    const { orderId, keyId, keyIds } = order;
    const [withdrawn, seen] = await Promise.allSettled([
      shop.inventory().withdrawKeys({ orderId, revealedMax: 0, keyIds: [keyId] }),
      order.reveal(),
    ]);
    const answer = withdrawn.status === 'fulfilled' ? withdrawn.value : undefined;
    expect(answer?.isWithdrawn).toBe(seen.status === 'rejected');
    const { units } = await order.withdraw(-1);
    expect(units.map((unit) => unit.unitNo)).toEqual([1, 2, 3]);
    expect(units.map((unit) => unit.state)).toEqual([answer?.isWithdrawn ? 'closed' : 'seen', 'open', 'open']);
    expect((await order.reveal(keyIds[2])).code).toBeTruthy();
  }
});

test('A64: what staff looked at after the sale is told as seen when its money goes back', async () => {
  const order = await delivered(await shop.stockUp(1));
  await shop.admin().revealDigitalKey({ keyId: order.keyId, reason: 'the customer asked what it looks like' });
  expect(await order.withdraw(-1)).toMatchObject({ revealedCount: 0, units: [{ state: 'seen' }] });
});
