import { createServer, type Server, type ServerResponse } from 'node:http';
import { newId } from '@kelid/service/ids';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { orderOf, startInventory, type TestInventory } from '../test-inventory.ts';

// A supplier that tells its prices and then hangs: no order and no account number gets an answer.
const product = {
  Product_Name: 'A game',
  Variation: [{ variation_id: '1', variation_name: '60 coins', variation_price: '1.00' }],
  fields: ['User ID'],
};
const hanging: { path: string; response: ServerResponse }[] = [];
let supplier: Server;
let shop: TestInventory;

beforeAll(async () => {
  supplier = createServer((request, response) => {
    const path = request.url ?? '';
    if (path.endsWith('product_detail')) response.end(JSON.stringify(product));
    else hanging.push({ path, response });
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

const answer = (text: string) => {
  for (const { response } of hanging.splice(0)) response.end(text);
};

test('KY-6: a supplier that hangs holds no shopper up, neither by its answer nor behind five orders that it does not answer', async () => {
  const variantId = newId();
  const seller = shop.inventory();
  await seller.setSupplierOffer({ supplier: 'moogold', sku: variantId, productRef: '7/1', unitMaxCents: 5_000 });
  await shop.host.sweep('inventory', 'refresh-quotes');
  const check = () => shop.guest().checkGameAccount({ variantId, gameAccount: { playerId: '5123456789' } });

  const asked = check();
  await expect.poll(() => hanging.length).toBe(1);
  expect(await asked).toEqual({ nickname: null });
  hanging.length = 0;

  const gameAccount = { playerId: '5123456789', zone: null, nickname: null };
  for (let order = 0; order < 5; order += 1) {
    const { lines, ...ordered } = orderOf(variantId);
    const wanted = { ...ordered, lines: lines.map((line) => ({ ...line, gameAccount })) };
    await seller.reserveStock(wanted);
    await seller.fulfillOrder({ orderId: ordered.orderId, round: 1, lines: wanted.lines, customerId: newId() });
  }
  const buying = shop.host.sweep('inventory', 'supply-needs');
  await expect.poll(() => hanging.map(({ path }) => path)).toEqual(Array(5).fill('/order/create_order'));
  expect(await check()).toEqual({ nickname: null });
  // Whoever has gone is asked about no more, when the supplier answers again.
  answer('{"err_code":"1","err_message":"out of stock"}');
  await buying;
  expect(hanging).toEqual([]);
});
