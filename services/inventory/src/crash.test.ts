import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { newId } from '@kelid/service/ids';
import { inject, afterAll, beforeAll, expect, test } from 'vitest';
import pg from 'pg';
import { orderOf, startInventory, type TestInventory } from './test-inventory.ts';

let shop: TestInventory;
beforeAll(async () => {
  shop = await startInventory();
});
afterAll(() => shop.close());

type TestOrder = ReturnType<typeof orderOf>;
const customerId = newId();

/** Another process of inventory on the same database, which works through these orders. */
function startBuyer(orders: TestOrder[], steps: ('reserve' | 'fulfill')[], failpoints = ''): ChildProcess {
  const program = `
    import { startHost } from '@kelid/service/host';
    import { inventoryService } from './src/service.ts';
    const host = await startHost({ services: [inventoryService], env: process.env });
    for (const order of ${JSON.stringify(orders)}) {
      if (${steps.includes('reserve')}) await host.call('inventory', 'reserveStock', order, host.contextOf('buyer'));
      const { expiresAt, ...paid } = order;
      if (${steps.includes('fulfill')}) await host.call('inventory', 'fulfillOrder', { ...paid, customerId: '${customerId}' }, host.contextOf('buyer'));
    }
    await host.close();`;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: join(import.meta.dirname, '..'),
    env: { PATH: process.env['PATH'], ...shop.env, LOG_LEVEL: 'silent', FAILPOINTS: failpoints },
    stdio: 'inherit',
  });
}

function fulfill({ orderId, round, lines }: TestOrder) {
  return shop.inventory().fulfillOrder({ orderId, customerId, round, lines });
}

test('CP3: killed right after stock was held, the same order asks again and has the same hold, not a second one', async () => {
  const variantId = await shop.stockUp(5);
  const order = orderOf(variantId, 2);
  expect((await once(startBuyer([order], ['reserve'], 'inventory.reserved'), 'exit'))[1]).toBe('SIGKILL');
  const [hold] = await shop.sql('inventory', 'select id from reservations where order_id = $1', [order.orderId]);
  expect((await shop.inventory().reserveStock(order)).reservationId).toBe(hold?.['id']);
  expect(await shop.counts(variantId)).toEqual({ availableCount: 3, reservedCount: 2, soldCount: 0 });
});

test('CP12: killed right after keys were bound, the same order asks again and has the same keys', async () => {
  const variantId = await shop.stockUp(5);
  const order = orderOf(variantId, 2);
  expect((await once(startBuyer([order], ['reserve', 'fulfill'], 'inventory.allocated'), 'exit'))[1]).toBe('SIGKILL');
  const bound = await shop.sql('inventory', 'select key_id from key_allocations where order_id = $1 order by unit_no', [
    order.orderId,
  ]);
  expect((await fulfill(order)).lines[0]?.keyIds).toEqual(bound.map((row) => row['key_id']));
  expect(await shop.counts(variantId)).toEqual({ availableCount: 3, reservedCount: 0, soldCount: 2 });
});

test('I1 I2: a process killed in the middle of many purchases, all repeated by another: each order has one key, none is sold twice', async () => {
  const variantId = await shop.stockUp(400);
  const orders = Array.from({ length: 400 }, () => orderOf(variantId));
  const buyer = startBuyer(orders, ['reserve', 'fulfill']);
  const exited = once(buyer, 'exit');
  for (let soldCount = 0; soldCount < 20; soldCount = (await shop.counts(variantId)).soldCount)
    if (buyer.exitCode !== null) break;
  buyer.kill('SIGKILL');
  expect((await exited)[1]).toBe('SIGKILL');
  expect((await shop.counts(variantId)).soldCount).toBeLessThan(400);
  const keyIds = new Set<string>();
  for (const order of orders) {
    await shop.inventory().reserveStock(order);
    for (const line of (await fulfill(order)).lines) for (const keyId of line.keyIds) keyIds.add(keyId);
  }
  expect(keyIds.size).toBe(400);
  expect(await shop.counts(variantId)).toEqual({ availableCount: 0, reservedCount: 0, soldCount: 400 });
  expect(await shop.brokenInvariants()).toEqual([]);
}, 60_000);

test('I17 KY-7 A70: no file of the database server and no log line holds a product key in readable form', async () => {
  const canary = `CANARY${newId().replaceAll('-', '').slice(-12).toUpperCase()}`;
  const startedAt = new Date(Date.now() - 1_000);
  const variantId = await shop.stockUp([`${canary}-1`, `${canary}-2`]);
  await fulfill(orderOf(variantId));
  await expect(
    shop.inventory().importKeys({ sku: variantId, label: 'again', codes: [`${canary}-1`], onDuplicate: 'reject' }),
  ).rejects.toThrow();
  const admin = new pg.Client({
    connectionString: withDatabase(inject('adminUrl'), shop.databaseUrls['inventory']?.appUrl ?? ''),
  });
  await admin.connect();
  try {
    await admin.query('checkpoint');
    // Searching the server's own files: tables, indexes and toast of this database, and the write-ahead log since the import.
    const find = async (text: string) => {
      const { rows } = await admin.query<{ name: string }>(
        `select file.name from (
           select pg_relation_filepath(oid) as name from pg_class where relkind in ('r', 'i', 't') and relnamespace <> 'pg_catalog'::regnamespace
           union all select 'pg_wal/' || name from pg_ls_waldir() where modification >= $2
         ) file where position(convert_to($1, 'UTF8') in pg_read_binary_file(file.name)) > 0`,
        [text, startedAt],
      );
      return rows;
    };
    expect(await find(canary)).toEqual([]);
    // The search does find what is there: the label of the batch is not secret.
    expect((await find('stock of a test')).length).toBeGreaterThan(0);
  } finally {
    await admin.end();
  }
  expect(shop.logLines.join('\n')).not.toContain(canary);
});

function withDatabase(adminUrl: string, appUrl: string): string {
  const url = new URL(adminUrl);
  url.pathname = new URL(appUrl).pathname;
  return url.href;
}
