import { newId } from '@kelid/service/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orderOf, startInventory, type TestInventory } from '../test-inventory.ts';

// What is broken here on purpose stays broken, so the invariants are not looked at after it.
let shop: TestInventory;
beforeAll(async () => void (shop = await startInventory()));
afterAll(() => shop.close());

async function sell(variantId: string): Promise<void> {
  const { orderId, round, expiresAt, lines } = orderOf(variantId);
  await shop.inventory().reserveStock({ orderId, round, expiresAt, lines });
  await shop.inventory().fulfillOrder({ orderId, customerId: newId(), round, lines });
}
const watch = () => shop.host.sweep('inventory', 'watch-vault');
const available = async (variantId: string) => (await shop.counts(variantId)).availableCount;

test('I1: a sold product key that is for sale again freezes its batch, and nothing else', async () => {
  const variantId = await shop.stockUp(3);
  await sell(variantId);
  const other = await shop.stockUp(5);
  await watch();
  expect(await available(variantId)).toBe(2);

  await shop.stockUp(4, { variantId });
  await shop.ownerSql(
    'inventory',
    `do $$ begin alter table product_keys disable trigger user;
      update product_keys set status = 'available' where status = 'allocated' and variant_id = '${variantId}';
      alter table product_keys enable trigger user; end $$`,
  );
  expect(await available(variantId)).toBe(7);
  await Promise.all([watch(), watch()]);
  expect(await available(variantId)).toBe(4);
  expect(await available(other)).toBe(5);
  expect(shop.logLines.some((line) => line.includes('"alarm":"invariant-broken"'))).toBe(true);
  const audited = await shop.sql(
    'inventory',
    "select distinct actor from key_audit where reason like 'batch frozen: stopped by the monitor%'",
  );
  expect(audited).toEqual([{ actor: 'service:inventory' }]);
});

test('I1: a sold product key that is held for somebody else freezes what is left of its batch, and breaks an invariant', async () => {
  const variantId = await shop.stockUp(3);
  await sell(variantId);
  await shop.ownerSql(
    'inventory',
    `do $$ begin alter table product_keys disable trigger user;
      update product_keys set status = 'reserved', reservation_id = uuidv7() where status = 'allocated' and variant_id = '${variantId}';
      alter table product_keys enable trigger user; end $$`,
  );
  await watch();
  expect(await available(variantId)).toBe(0);
  expect((await shop.brokenInvariants()).filter((broken) => String(broken).startsWith('I1: '))).toHaveLength(1);
});

test('I1: the monitor keeps what is broken in a list, and the product alone is not sold until staff settle it', async () => {
  const [variantId, other] = [await shop.stockUp(3), await shop.stockUp(3)];
  await sell(variantId);
  await shop.host.sweep('inventory', 'watch-invariants');
  await sell(variantId);
  await shop.ownerSql(
    'inventory',
    `do $$ begin alter table product_keys disable trigger user;
      update product_keys set status = 'available' where status = 'allocated' and variant_id = '${variantId}';
      alter table product_keys enable trigger user; end $$`,
  );
  await shop.sql('inventory', 'update monitor_marks set due_at = now()');
  await shop.host.sweep('inventory', 'watch-invariants');
  await expect(sell(variantId)).rejects.toMatchObject({ code: 'inventory.stock-short' });
  await sell(other);
  const { items } = await shop.admin().listStockBreaches({ limit: 100 });
  const mine = items.filter((breach) => breach.variantId === variantId);
  expect(new Set(mine.map((breach) => breach.invariant))).toEqual(new Set(['I1']));
  for (const { id } of mine) await shop.admin().settleStockBreach({ breachId: id, reason: 'counted by hand' });
  await shop.inventory().reserveStock(orderOf(variantId));
});

test('I26: what is wrong about a unit of a supplier is named by the unit, and only its product is not sold', async () => {
  const [variantId, other] = [await shop.stockUp(3), await shop.stockUp(3)];
  const procurementId = newId();
  await shop.ownerSql(
    'inventory',
    `insert into procurements (id, variant_id, brand, supplier, product_ref, quantity, unit_max_cents, status, settled_count)
     values ($1, $2, 'Steam', 'kinguin', 'r', 1, 1, 'received', 1)`,
    [procurementId, variantId],
  );
  await shop.ownerSql(
    'inventory',
    "insert into supplied_units (supplier, unit_ref, procurement_id, verdict) values ('kinguin', $1, $2, 'stored')",
    [procurementId, procurementId],
  );
  await shop.sql('inventory', 'update monitor_marks set due_at = now()');
  await shop.host.sweep('inventory', 'watch-invariants');
  const { items } = await shop.admin().listStockBreaches({ limit: 100 });
  expect(items.filter((breach) => breach.variantId === variantId)).toMatchObject([
    { invariant: 'I26', subject: `kinguin ${procurementId}` },
  ]);
  await expect(sell(variantId)).rejects.toMatchObject({ code: 'inventory.stock-short' });
  await sell(other);
});
