import { newId } from '@kelid/service/ids';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOrders, type TestOrders } from './test-orders.ts';

let shop: TestOrders;
beforeAll(async () => {
  shop = await startOrders();
});
afterAll(() => shop.close());

async function guestCart(variantId: string, quantity: number): Promise<string> {
  const cart = await shop.client({ kind: 'guest' }).addCartItem({ variantId, quantity });
  return cart.cartToken ?? '';
}
const guest = (cartToken: string) => shop.client({ kind: 'guest', cartToken });
const member = (userId: string, cartToken?: string) => {
  const actor = userActor(userId);
  return shop.client(actor.kind === 'user' && cartToken !== undefined ? { ...actor, cartToken } : actor);
};

test('CK-1: a guest who comes back with the token finds the cart, and so does a customer on another device', async () => {
  const variantId = shop.around.addVariant(5);
  const token = await guestCart(variantId, 2);
  expect(await guest(token).getCart({})).toMatchObject({ itemCount: 2, totalRial: 10_000_000 });
  const userId = newId();
  await member(userId).addCartItem({ variantId, quantity: 1 });
  expect(await member(userId).getCart({})).toMatchObject({ itemCount: 1, cartToken: null });
});

test('CK-1: a cart that nobody came back to in time is gone, and its token opens nothing', async () => {
  const token = await guestCart(shop.around.addVariant(5), 2);
  const { id } = await guest(token).getCart({});
  await shop.sql('orders', "update carts set expires_at = now() - interval '1 second' where id = $1", [id]);
  await expect(guest(token).getCart({})).rejects.toMatchObject({ code: 'orders.cart-not-found' });
  await shop.host.sweep('orders', 'drop-old-rows');
  expect(await shop.sql('orders', 'select 1 from carts where id = $1', [id])).toEqual([]);
});

test('CK-2: at login a guest cart goes into the own one: quantities add up to the limit, nothing is lost', async () => {
  const [both, onlyGuest, onlyOwn] = [1, 2, 3].map(() => shop.around.addVariant(50)) as [string, string, string];
  const userId = newId();
  await member(userId).addCartItem({ variantId: both, quantity: 15 });
  await member(userId).addCartItem({ variantId: onlyOwn, quantity: 1 });
  const token = await guestCart(both, 15);
  await guest(token).addCartItem({ variantId: onlyGuest, quantity: 3 });
  // Three requests of the page that opens after login, at once: the cart is merged once.
  await Promise.all([1, 2, 3].map(() => member(userId, token).getCart({})));
  const { items } = await member(userId).getCart({});
  expect(Object.fromEntries(items.map((item) => [item.variantId, item.quantity]))).toEqual({
    [both]: 20,
    [onlyGuest]: 3,
    [onlyOwn]: 1,
  });
});

test('A35: a cart token that was guessed, cut short or spent by a login is a 404', async () => {
  const token = await guestCart(shop.around.addVariant(5), 1);
  for (const wrong of ['', token.slice(0, -1), 'a'.repeat(token.length)]) {
    await expect(guest(wrong).getCart({})).rejects.toMatchObject({ code: 'orders.cart-not-found' });
  }
  await member(newId(), token).getCart({});
  await expect(guest(token).getCart({})).rejects.toMatchObject({ code: 'orders.cart-not-found' });
  const thief = await member(newId(), token).getCart({});
  expect(thief.items).toEqual([]);
});

test('CK-3: items are added, changed and taken out; two tabs that add at once add up', async () => {
  const variantId = shop.around.addVariant(50);
  const userId = newId();
  await Promise.all(Array.from({ length: 10 }, () => member(userId).addCartItem({ variantId, quantity: 1 })));
  const [item] = (await member(userId).getCart({})).items;
  expect(item).toMatchObject({
    quantity: 10,
    title: 'گیفت کارت استیم',
    unitPriceRial: 5_000_000,
    lineTotalRial: 50_000_000,
  });
  const itemId = item?.id ?? '';
  expect(await member(userId).updateCartItem({ itemId, quantity: 4 })).toMatchObject({
    itemCount: 4,
    totalRial: 20_000_000,
  });
  expect(await member(userId).deleteCartItem({ itemId })).toMatchObject({ items: [], totalRial: 0 });
  await expect(member(userId).deleteCartItem({ itemId })).rejects.toMatchObject({ code: 'orders.cart-item-not-found' });
  await expect(member(userId).addCartItem({ variantId: newId(), quantity: 1 })).rejects.toMatchObject({
    code: 'orders.variant-not-found',
  });
});

test('CK-3: no more than 20 of an item and 30 items come into a cart, added one by one or at once', async () => {
  const variantId = shop.around.addVariant(50);
  const userId = newId();
  const added = await Promise.allSettled(
    Array.from({ length: 30 }, () => member(userId).addCartItem({ variantId, quantity: 1 })),
  );
  expect(added.filter((result) => result.status === 'fulfilled')).toHaveLength(20);
  await expect(member(userId).addCartItem({ variantId, quantity: 1 })).rejects.toMatchObject({
    code: 'orders.cart-limit',
    status: 422,
  });
  for (let item = 1; item < 30; item += 1)
    await member(userId).addCartItem({ variantId: shop.around.addVariant(1), quantity: 1 });
  await expect(member(userId).addCartItem({ variantId: shop.around.addVariant(1), quantity: 1 })).rejects.toMatchObject(
    { code: 'orders.cart-limit' },
  );
  expect((await member(userId).getCart({})).items).toHaveLength(30);
});

test('A56: a quantity of 0, -1, 1.5, a million, "2" or 2^53 is a 422 and changes nothing', async () => {
  const variantId = shop.around.addVariant(50);
  const userId = newId();
  const [item] = (await member(userId).addCartItem({ variantId, quantity: 1 })).items;
  for (const quantity of [0, -1, 1.5, 1e6, '2', '۲', 2 ** 53, -0, null, [1]] as number[]) {
    await expect(member(userId).addCartItem({ variantId, quantity })).rejects.toMatchObject({ status: 422 });
    await expect(member(userId).updateCartItem({ itemId: item?.id ?? '', quantity })).rejects.toMatchObject({
      status: 422,
    });
  }
  expect(await member(userId).getCart({})).toMatchObject({ itemCount: 1 });
});

test("A34: another's cart item, named in the own cart's call, is a 404 and stays as it is", async () => {
  const variantId = shop.around.addVariant(50);
  const [owner, other] = [newId(), newId()];
  const [item] = (await member(owner).addCartItem({ variantId, quantity: 3 })).items;
  const itemId = item?.id ?? '';
  for (const stranger of [member(other), shop.client({ kind: 'guest' })]) {
    await expect(stranger.updateCartItem({ itemId, quantity: 1 })).rejects.toMatchObject({
      code: 'orders.cart-item-not-found',
    });
    await expect(stranger.deleteCartItem({ itemId })).rejects.toMatchObject({ code: 'orders.cart-item-not-found' });
  }
  expect(await member(owner).getCart({})).toMatchObject({ itemCount: 3 });
});

test('a price that changed while it was promised stays, and after the promise the change is said', async () => {
  const variantId = shop.around.addVariant(5);
  const userId = newId();
  const { id } = await member(userId).addCartItem({ variantId, quantity: 1 });
  const variant = shop.around.variants.get(variantId);
  if (variant) variant.priceRial = 6_000_000;
  expect(await member(userId).getCart({})).toMatchObject({ totalRial: 5_000_000, problems: [] });
  await shop.sql('orders', "update carts set quote_expires_at = now() - interval '1 second' where id = $1", [id]);
  expect(await member(userId).getCart({})).toMatchObject({
    totalRial: 6_000_000,
    problems: [{ code: 'price_changed', action: 'accept' }],
  });
});
