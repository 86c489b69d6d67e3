import { createServer, type Server, type ServerResponse } from 'node:http';
import { newId } from '@kelid/service/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orderOf, startInventory, type TestInventory } from '../test-inventory.ts';

// A supplier that tells its prices at once, a nickname after a long time, and what becomes of an order not at all.
const product = {
  Product_Name: 'A game',
  Variation: [{ variation_id: '1', variation_name: '60 coins', variation_price: '1.00' }],
  fields: ['User ID'],
};
const nicknameAfterMs = 6_000;
let ordered: ServerResponse[] = [];
let checkedCount = 0;
let supplier: Server;
let shop: TestInventory;

beforeAll(async () => {
  supplier = createServer((request, response) => {
    const path = request.url ?? '';
    if (path.endsWith('product_detail')) response.end(JSON.stringify(product));
    else if (path.endsWith('create_order')) ordered.push(response);
    else {
      checkedCount += 1;
      setTimeout(() => response.end('{"status":true,"username":"Arash"}'), nicknameAfterMs);
    }
  });
  await new Promise<void>((done) => supplier.listen(0, '127.0.0.1', done));
  const address = supplier.address();
  shop = await startInventory({
    INVENTORY_MOOGOLD_URL: `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`,
    INVENTORY_MOOGOLD_PARTNER_ID: 'partner',
    INVENTORY_MOOGOLD_SECRET_KEY: 'a secret of the test',
  });
});
afterAll(async () => {
  supplier.closeAllConnections();
  supplier.close();
  await shop.close();
});

test('KY-6: a supplier that hangs holds no shopper up, neither by its answer nor behind five orders that it does not answer', async () => {
  const variantId = newId();
  const seller = shop.inventory();
  await seller.setSupplierOffer({ supplier: 'moogold', sku: variantId, productRef: '7/1', unitMaxCents: 5_000 });
  await shop.host.sweep('inventory', 'refresh-quotes');
  const check = () => shop.guest().checkGameAccount({ variantId, gameAccount: { playerId: '5123456789' } });

  expect(await check()).toEqual({ nickname: null });
  const before = checkedCount;

  const gameAccount = { playerId: '5123456789', zone: null, nickname: null };
  for (let order = 0; order < 5; order += 1) {
    const paid = orderOf(variantId);
    const lines = paid.lines.map((line) => ({ ...line, gameAccount }));
    await seller.reserveStock({ ...paid, lines });
    await seller.fulfillOrder({ orderId: paid.orderId, round: 1, lines, customerId: newId() });
  }
  const buying = shop.host.sweep('inventory', 'supply-needs');
  await expect.poll(() => ordered).toHaveLength(5);
  expect(await check()).toEqual({ nickname: null });
  for (const response of ordered) response.end('{"err_code":"1","err_message":"out of stock"}');
  ordered = [];
  await buying;
  // Whoever has gone took no turn: nobody was asked about them.
  expect(checkedCount).toBe(before);
});
