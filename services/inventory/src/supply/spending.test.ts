import { afterAll, afterEach, expect, test } from 'vitest';
import pg from 'pg';
import { newId } from '@kelid/service/ids';
import { startSimulators } from '@kelid/simulators/simulators';
import { waitFor } from '@kelid/testing/start-service';
import { startSupply, type SupplierName } from '../test-supply.ts';

// Four units at our maximum of 50.00 from one supplier in a day, six in all.
const supply = await startSupply(await startSimulators({ port: 0, smtpPort: 0 }), {
  INVENTORY_SUPPLIER_DAY_CENTS: '20000',
  INVENTORY_SPEND_DAY_CENTS: '30000',
});
const { shop, fault, sell, soldBy, pay, needStatus, ordersOf, pass, work, codesOf } = supply;
afterAll(supply.close);
afterEach(async () => {
  await supply.forget();
  await shop.ownerSql('inventory', 'delete from spend_stops');
  await shop.sql('inventory', "update supply_needs set status = 'failed', due_at = null where status = 'open'");
  await shop.sql('inventory', "update procurements set status = 'cancelled' where status = 'placed'");
  await shop.sql('inventory', 'update procurements set due_at = null');
});

const maxCents = 1_000;
const boughtFor = (lineId: string) =>
  shop.sql('inventory', 'select status, reason, order_line_id from procurements where need_line_id = $1 order by id', [
    lineId,
  ]);
const failuresTold = (lineId: string) =>
  shop.sql('inventory', "select 1 from outbox where type = 'supply.failed' and data->>'orderLineId' = $1", [lineId]);
const stops = async () => (await shop.admin().listSuppliers({})).stops;
const isOver = (lineId: string) =>
  shop.sql('inventory', "update supply_needs set created_at = now() - interval '1 day' where order_line_id = $1", [
    lineId,
  ]);

test.each([
  ['codeswholesale', 'pre-order'],
  ['kinguin', 'pre-order'],
  ['kinguin', 'price-jump'],
  ['kinguin', 'wrong-product'],
  ['kinguin', 'duplicate-code'],
  ['kinguin', 'duplicate'],
  ['kinguin', 'partial'],
  ['codeswholesale', 'extra-fee'],
] as const)(
  'I26: %s that answers every order with %s is asked once for a line, however long the line waits',
  async (supplier, mode) => {
    const { variantId, refs } = await sell({ [supplier]: { price: '9.00', maxCents } });
    const { lineId } = await pay(variantId, 2);
    await fault(mode === 'duplicate-code' ? 'kinguin.keys' : `${supplier}.order`, mode, { delayMs: 60_000 });
    await pass(8);
    if (mode.startsWith('duplicate')) await work();
    const sold = await soldBy(supplier, refs[supplier]);
    // One that takes a reference twice has sold twice by that, and is not asked a second time.
    expect(sold).toHaveLength(mode === 'duplicate' ? 2 : 1);
    expect((await boughtFor(lineId)).length).toBe(sold.length);
    if (mode === 'partial' || mode === 'duplicate') return;
    await isOver(lineId);
    await pass(1);
    expect(await needStatus(lineId)).toBe('failed');
    expect(await failuresTold(lineId)).toHaveLength(1);
  },
);

test.each([
  ['kinguin', 'cancelled', {}],
  ['codeswholesale', 'cancelled', {}],
  ['kinguin', 'refused-taken', { find: 'hidden' }],
  ['codeswholesale', 'refused-taken', { find: 'hidden' }],
  ['kinguin', 'lose-answer', { find: 'hidden' }],
  ['kinguin', 'out-of-stock', {}],
  ['kinguin', 'balance-empty', {}],
] as const)(
  'I26: %s that answers every order with %s costs a line at most four times its price; then nothing more is bought, it is told, and the money goes back',
  async (supplier, mode, places) => {
    const { variantId, refs } = await sell({ [supplier]: { price: '9.00', maxCents } });
    const { lineId, look } = await pay(variantId);
    await fault(`${supplier}.order`, mode, { delayMs: 0 });
    for (const [place, hidden] of Object.entries(places)) await fault(`${supplier}.${place}`, hidden);
    for (let hours = 0; hours < 40 && (await needStatus(lineId)) === 'open'; hours += 1) await pass(1);
    await pass(2);
    const cents = (await soldBy(supplier, refs[supplier])).reduce((sum, order) => sum + order.chargedCents, 0);
    expect(cents).toBeLessThanOrEqual(4 * maxCents);
    expect((await boughtFor(lineId)).length).toBe(4);
    expect(await needStatus(lineId)).toBe('failed');
    expect((await look()).lines[0]).toMatchObject({ supply: 'failed', missingCount: 1 });
    expect(await failuresTold(lineId)).toHaveLength(1);
    expect(await stops()).toMatchObject([
      { scope: `need:${lineId}`, reason: 'spending for one line', supplier, maxCents: 4 * maxCents },
    ]);
    expect(
      shop.logLines.filter((line) => line.includes('spending-ceiling') && line.includes(`need:${lineId}`)),
    ).toHaveLength(1);
  },
);

test('I26: a line of dear units ends at 5,000.00, below four times its price, and its money goes back', async () => {
  const byDefault = await startSupply(await startSimulators({ port: 0, smtpPort: 0 }));
  try {
    const dearCents = 200_000;
    const { variantId, refs } = await byDefault.sell({ kinguin: { price: '1900.00', maxCents: dearCents } });
    const { lineId } = await byDefault.pay(variantId);
    await byDefault.fault('kinguin.order', 'cancelled', { delayMs: 0 });
    for (let hours = 0; hours < 40 && (await byDefault.needStatus(lineId)) === 'open'; hours += 1)
      await byDefault.pass(1);
    await byDefault.pass(2);
    // A third order at its maximum of 2,000.00 would pass it.
    expect(await byDefault.soldBy('kinguin', refs.kinguin)).toHaveLength(2);
    expect(await byDefault.needStatus(lineId)).toBe('failed');
    expect((await byDefault.shop.admin().listSuppliers({})).stops).toMatchObject([
      { scope: `need:${lineId}`, reason: 'spending for one line', spentCents: 2 * dearCents, maxCents: 500_000 },
    ]);
  } finally {
    await byDefault.close();
  }
});

test('I26: orders that are never sent cost nothing, and their number ends too', async () => {
  const { variantId, refs } = await sell({ codeswholesale: { price: '9.00', maxCents } });
  const { lineId } = await pay(variantId);
  await shop.sql(
    'inventory',
    `insert into procurements (id, order_line_id, need_line_id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, status, reason)
      select uuidv7(), $1, $1, $2, 'Steam', 'codeswholesale', 'x', 1, 1000, 'refused', 'busy' from generate_series(1, 11)`,
    [lineId, variantId],
  );
  await pass(2);
  expect(await soldBy('codeswholesale', refs.codeswholesale)).toEqual([]);
  expect(await needStatus(lineId)).toBe('failed');
  expect(await stops()).toMatchObject([{ scope: `need:${lineId}`, reason: 'orders for one line' }]);
});

const buyOne = async (supplier: SupplierName) => {
  const { variantId, refs } = await sell({ [supplier]: { price: '40.00' } });
  const { lineId } = await pay(variantId);
  return { lineId, soldCount: async () => (await soldBy(supplier, refs[supplier])).length };
};
const soldIn = async (lines: { soldCount: () => Promise<number> }[]) =>
  (await Promise.all(lines.map(({ soldCount }) => soldCount()))).reduce((sum, count) => sum + count, 0);

test('a supplier gets no more than its ceiling in a day, and all of them together no more than theirs; it is told once, staff see it, and the next day goes on', async () => {
  const atKinguin = await Promise.all(Array.from({ length: 6 }, () => buyOne('kinguin')));
  await pass(3);
  expect(await soldIn(atKinguin)).toBe(4);
  const [stopped] = await stops();
  expect(stopped).toMatchObject({
    scope: 'supplier:kinguin',
    spentCents: 20_000,
    wantedCents: 5_000,
    maxCents: 20_000,
  });
  const atOther = await Promise.all(Array.from({ length: 4 }, () => buyOne('codeswholesale')));
  await pass(3);
  expect(await soldIn(atOther)).toBe(2);
  expect((await stops()).map(({ scope }) => scope).toSorted()).toEqual(['all', 'supplier:kinguin']);
  const { items, spentTodayCents, dayMaxCents } = await shop.admin().listSuppliers({});
  expect({ spentTodayCents, dayMaxCents }).toEqual({ spentTodayCents: 30_000, dayMaxCents: 30_000 });
  expect(items.find(({ name }) => name === 'kinguin')).toMatchObject({ spentTodayCents: 20_000, dayMaxCents: 20_000 });
  for (const scope of ['"all"', '"supplier:kinguin"'])
    expect(shop.logLines.filter((line) => line.includes('spending-ceiling') && line.includes(scope))).toHaveLength(1);
  // A line that waits too long for the next day gets its money back; the others are bought then.
  const [late] = atOther.slice(-1);
  const waiting = [...atKinguin, ...atOther];
  const open = await shop.sql('inventory', "select order_line_id from supply_needs where status = 'open'");
  expect(open).toHaveLength(4);
  await shop.ownerSql('inventory', "update procurements set created_at = created_at - interval '1 day'");
  await pass(3);
  expect(await soldIn(waiting)).toBe(10);
  expect(await needStatus(late?.lineId ?? '')).toBe('done');
});

test('a line that waits too long below a ceiling gets its money back', async () => {
  const lines = await Promise.all(Array.from({ length: 5 }, () => buyOne('kinguin')));
  await pass(1);
  await work();
  for (const { lineId } of lines) await isOver(lineId);
  await pass(1);
  const statuses = await Promise.all(lines.map(({ lineId }) => needStatus(lineId)));
  expect(statuses.toSorted()).toEqual(['done', 'done', 'done', 'done', 'failed']);
});

/** Two processes that open a supplier order at the same moment; the second while the first has not committed. */
async function openTogether(
  first: string,
  second: string,
  supplierDayCents: number,
): Promise<Record<string, unknown>[]> {
  const limits = { needSpareOrders: 10, needTimes: 4, needCents: 1e9, supplierDayCents, dayCents: 1e9 };
  const clients = [0, 1].map(() => new pg.Client(shop.databaseUrls['inventory']?.appUrl));
  const [one, two] = clients;
  if (!one || !two) throw new Error('There are no clients');
  await Promise.all(clients.map((client) => client.connect()));
  const open = async (client: pg.Client, lineId: string) =>
    (
      await client.query<Record<string, unknown>>('select * from supply_open($1, $2, $3, 1, $4::jsonb)', [
        newId(),
        lineId,
        'kinguin',
        JSON.stringify(limits),
      ])
    ).rows[0] ?? {};
  try {
    await one.query('begin');
    const answers = [await open(one, first)];
    const later = open(two, second);
    // It has to wait for the first: it is let go only when it waits, or has answered, which it must not.
    const isWaiting = async () =>
      (
        await shop.sql(
          'inventory',
          "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%supply_open%'",
        )
      ).length > 0;
    let isAnswered = false;
    void later.finally(() => (isAnswered = true)).catch(() => undefined);
    await waitFor('the second to wait, or to answer', async () => isAnswered || (await isWaiting()));
    await one.query('commit');
    return [...answers, await later];
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

test('I26: two routers at one need open one supplier order', async () => {
  const { lineId } = await buyOne('kinguin');
  expect(await openTogether(lineId, lineId, 1e9)).toMatchObject([{ units: 1 }, { units: 0, stop: null }]);
  expect(await boughtFor(lineId)).toHaveLength(1);
});

test('I26: two routers at two needs with room for one order below the ceiling open one', async () => {
  const [one, two] = [await buyOne('kinguin'), await buyOne('kinguin')];
  expect(await openTogether(one.lineId, two.lineId, 9_999)).toMatchObject([
    { units: 1, stop: null },
    { units: 0, stop: 'supplier:kinguin' },
  ]);
});

test('days of spending begin at midnight in Tehran', async () => {
  const [row] = await shop.sql(
    'inventory',
    "select supply_day_start('2026-11-21T20:29:59Z') = '2026-11-20T20:30:00Z' as before, supply_day_start('2026-11-21T20:30:00Z') = '2026-11-21T20:30:00Z' as after",
  );
  expect(row).toEqual({ before: true, after: true });
  const { lineId } = await buyOne('kinguin');
  await pass(1);
  const spent = async (at: string) => {
    await shop.ownerSql('inventory', `update procurements set created_at = ${at} where need_line_id = $1`, [lineId]);
    return (await shop.admin().listSuppliers({})).spentTodayCents;
  };
  expect(await spent('supply_day_start(now())')).toBe(5_000);
  expect(await spent("supply_day_start(now()) - interval '1 microsecond'")).toBe(0);
});

test.each(['duplicate-code', 'cancelled', 'price-jump', 'refused-taken'] as const)(
  'I26: buying ahead stops for the day when as much as the target came to nothing by %s',
  async (mode) => {
    const { variantId, refs } = await sell({ kinguin: { price: '9.00', maxCents } });
    const target = 3;
    await shop.inventory().setSupplierOffer({
      supplier: 'kinguin',
      sku: variantId,
      productRef: refs.kinguin ?? '',
      unitMaxCents: maxCents,
      targetStockCount: target,
    });
    await shop.host.sweep('inventory', 'refresh-quotes');
    await fault(mode === 'duplicate-code' ? 'kinguin.keys' : 'kinguin.order', mode, { delayMs: 0 });
    if (mode === 'refused-taken') await fault('kinguin.find', 'hidden');
    await pass(8);
    const sold = await soldBy('kinguin', refs.kinguin);
    expect(sold.reduce((sum, order) => sum + order.quantity, 0)).toBeLessThanOrEqual(target);
    if (mode === 'cancelled')
      expect(await stops()).toMatchObject([{ scope: `stock:${variantId}`, reason: 'bought ahead for nothing' }]);
    await shop.inventory().setSupplierOffer({
      supplier: 'kinguin',
      sku: variantId,
      productRef: refs.kinguin ?? '',
      unitMaxCents: maxCents,
    });
  },
);

test.each(['codeswholesale', 'kinguin'] as const)(
  'A74: %s that takes 13.05 for a unit of 9.00, where 10.00 is the most, delivers nothing of it; a person looks at it',
  async (supplier) => {
    const { variantId, refs } = await sell({ [supplier]: { price: '9.00', maxCents } });
    const { lineId } = await pay(variantId);
    await fault(`${supplier}.order`, 'extra-fee', { count: 1 });
    await pass(5);
    expect(await soldBy(supplier, refs[supplier])).toHaveLength(1);
    expect(await boughtFor(lineId)).toMatchObject([{ status: 'review', reason: 'price above the maximum' }]);
    expect(await codesOf(lineId)).toEqual([]);
    // What it really took is what counts.
    expect((await shop.admin().listSuppliers({})).spentTodayCents).toBe(1_305);
  },
);

test.each(['codeswholesale', 'kinguin'] as const)(
  'F20: %s that refuses an order and takes the money all the same is found out by one look; what it sold goes to stock, the line is not asked for there again',
  async (supplier) => {
    const { variantId, refs } = await sell({ [supplier]: { price: '9.00', maxCents } });
    const { lineId } = await pay(variantId);
    await fault(`${supplier}.order`, 'refused-taken', { count: 1, delayMs: 0 });
    await shop.host.sweep('inventory', 'supply-needs');
    expect(await boughtFor(lineId)).toMatchObject([{ status: 'refused' }]);
    await shop.sql('inventory', 'update procurements set due_at = now() where due_at is not null');
    await shop.host.sweep('inventory', 'follow-procurements');
    await work();
    expect(await boughtFor(lineId)).toMatchObject([{ status: 'received', order_line_id: null }]);
    expect(await soldBy(supplier, refs[supplier])).toHaveLength(1);
    // The line takes what is in stock now, and nothing else is bought.
    await pass(3);
    expect(await codesOf(lineId)).toHaveLength(1);
    expect(await soldBy(supplier, refs[supplier])).toHaveLength(1);
  },
);

test.each(['codeswholesale', 'kinguin'] as const)(
  'F20: %s that says how long to wait gets no order until then, from nobody, and the order it turned away is looked up once before another is made',
  async (supplier) => {
    const { variantId, refs } = await sell({ [supplier]: { price: '9.00', maxCents } });
    const { lineId } = await pay(variantId);
    await fault(`${supplier}.order`, 'too-many', { count: 1 });
    await shop.host.sweep('inventory', 'supply-needs');
    const restsFor = async () =>
      Number(
        (
          await shop.sql(
            'inventory',
            'select extract(epoch from s.cooldown_until - p.created_at) as s from supplier_states s join procurements p on p.supplier = s.supplier where p.need_line_id = $1',
            [lineId],
          )
        )[0]?.['s'],
      );
    expect(await boughtFor(lineId)).toMatchObject([{ status: 'unknown', reason: 'told to wait' }]);
    expect(await restsFor()).toBeGreaterThanOrEqual(2);
    const calls = async (like: string) =>
      (
        await shop.sql(
          'inventory',
          `select 1 from supplier_calls where supplier = $1 and ${like} and at >= (select created_at from procurements where need_line_id = $2)`,
          [supplier, lineId],
        )
      ).length;
    // Another line wants it too, and a third sweep comes by: nobody orders there now.
    const other = await pay(variantId);
    await shop.sql(
      'inventory',
      "update supplier_states set cooldown_until = now() + interval '1 hour' where supplier = $1",
      [supplier],
    );
    for (let sweep = 0; sweep < 3; sweep += 1) {
      await shop.sql('inventory', "update supply_needs set due_at = now() where status = 'open'");
      await shop.host.sweep('inventory', 'supply-needs');
    }
    expect(await boughtFor(other.lineId)).toEqual([]);
    expect(await soldBy(supplier, refs[supplier])).toEqual([]);
    expect(await calls("method = 'POST' and path like '%/order%'")).toBe(1);
    await shop.sql('inventory', 'update procurements set due_at = now() where need_line_id = $1', [lineId]);
    await shop.host.sweep('inventory', 'follow-procurements');
    expect(await boughtFor(lineId)).toMatchObject([{ status: 'not_placed' }]);
    expect(await calls("method = 'GET' and path like '%/order%?%'")).toBe(1);
    await pass(1);
    await work();
    expect(await soldBy(supplier, refs[supplier])).toHaveLength(2);
    expect(await codesOf(lineId)).toHaveLength(1);
  },
);

test('F20: where the wait is longer than a shopper should wait, the line is bought elsewhere at once', async () => {
  const { variantId, refs } = await sell({
    codeswholesale: { price: '9.50', maxCents },
    kinguin: { price: '9.00', maxCents },
  });
  const { lineId } = await pay(variantId);
  await fault('kinguin.order', 'wait-long', { count: 1 });
  await work();
  expect(await soldBy('codeswholesale', refs.codeswholesale)).toHaveLength(1);
  expect(await codesOf(lineId)).toHaveLength(1);
  const [row] = await shop.sql(
    'inventory',
    "select status, due_at > now() + interval '55 minutes' as waits, (select cooldown_until > now() + interval '55 minutes' from supplier_states where supplier = 'kinguin') as rests from procurements where need_line_id = $1 and supplier = 'kinguin'",
    [lineId],
  );
  expect(row).toEqual({ status: 'not_placed', waits: true, rests: true });
});

test.each(['codeswholesale', 'kinguin'] as const)(
  'F20: what %s hands over beyond what was ordered is not kept: nobody paid for it',
  async (supplier) => {
    const { variantId } = await sell({ [supplier]: { price: '9.00', maxCents } });
    const { lineId } = await pay(variantId, 2);
    await fault(`${supplier}.order`, 'extra-unit', { count: 1 });
    await work();
    expect(await codesOf(lineId)).toHaveLength(2);
    expect(await shop.counts(variantId)).toMatchObject({ availableCount: 0, soldCount: 2 });
    expect(await ordersOf(lineId)).toMatchObject([{ status: 'received', settled_count: 2 }]);
    await shop.ownerSql('inventory', 'update procurements set due_at = now() where need_line_id = $1', [lineId]);
    await work();
    expect(await shop.counts(variantId)).toMatchObject({ availableCount: 0, soldCount: 2 });
  },
);

test('I26: an order that staff gave back is not bought again, however often its line is asked for', async () => {
  const { variantId, refs } = await sell({ kinguin: { price: '9.00', maxCents } });
  await shop.inventory().setSupplierOffer({
    supplier: 'kinguin',
    sku: variantId,
    productRef: refs.kinguin ?? '',
    unitMaxCents: maxCents,
    fetchDelaySeconds: 3_600,
  });
  await shop.host.sweep('inventory', 'refresh-quotes');
  const { lineId, look } = await pay(variantId);
  await shop.host.sweep('inventory', 'supply-needs');
  const [placed] = await boughtFor(lineId);
  expect(placed).toMatchObject({ status: 'placed' });
  const [row] = await shop.sql('inventory', 'select id from procurements where need_line_id = $1', [lineId]);
  await shop
    .admin()
    .returnProcurement({ procurementId: String(row?.['id']), reason: 'the card was stolen' })
    .catch(() => undefined);
  for (let again = 0; again < 3; again += 1) {
    await look();
    await pass(2);
  }
  expect(await soldBy('kinguin', refs.kinguin)).toHaveLength(1);
  expect(await needStatus(lineId)).toBe('failed');
});

test('I26: what a supplier order was for, and what it counts, cannot be changed afterwards', async () => {
  const { lineId } = await buyOne('kinguin');
  await pass(1);
  for (const change of ['need_line_id = null', 'at_risk_cents = 0', 'unit_max_cents = 1'])
    await expect(
      shop.ownerSql('inventory', `update procurements set ${change} where need_line_id = $1`, [lineId]),
    ).rejects.toMatchObject({ code: 'KE042' });
  await expect(shop.sql('inventory', 'delete from spend_stops')).rejects.toMatchObject({ code: '42501' });
});
