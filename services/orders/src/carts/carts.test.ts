import { newId } from '@kelid/service/ids';
import { userActor } from '@kelid/testing/start-service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newCartToken, readCartToken } from './cart-token.rules.ts';
import { startOrders, type TestOrders } from '../test-orders.ts';

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

test('a cart of 20 units at 9e14 Rial, beyond what whole Rial can say, is shown, changed and emptied, and cannot be ordered', async () => {
  const variantId = shop.around.addVariant(50);
  const userId = newId();
  const { items } = await member(userId).addCartItem({ variantId, quantity: 20 });
  const variant = shop.around.variants.get(variantId);
  if (variant) variant.priceRial = 900_000_000_000_000;
  const itemId = items[0]?.id ?? '';
  // As it is promised for 15 minutes, and as it costs after that.
  for (const isPromised of [true, false]) {
    if (!isPromised)
      await shop.sql('orders', 'update carts set quote_expires_at = now() where customer_id = $1', [userId]);
    expect(await member(userId).getCart({})).toMatchObject({
      itemCount: 20,
      totalRial: 0,
      problems: [{ code: 'not_sold', itemId, action: 'remove' }],
    });
    await expect(shop.client(userActor(userId), newId()).checkout({ psp: 'zarinpal' })).rejects.toMatchObject({
      code: 'orders.variant-not-found',
    });
  }
  await expect(member(newId()).addCartItem({ variantId, quantity: 20 })).rejects.toMatchObject({
    code: 'orders.variant-not-found',
  });
  const cheap = shop.around.addVariant(50, 100_000_000_000);
  expect(await member(userId).addCartItem({ variantId: cheap, quantity: 20 })).toMatchObject({
    totalRial: 2_000_000_000_000,
  });
  await member(userId).updateCartItem({ itemId, quantity: 1 });
  expect(await member(userId).deleteCartItem({ itemId })).toMatchObject({
    items: [{ variantId: cheap }],
    problems: [],
  });
});

test('A35: a guest cart gets its row with its first item: looking at an empty one leaves nothing, and its token and id are good from then on', async () => {
  const count = async () => (await shop.sql('orders', 'select count(*)::int as count from carts'))[0]?.['count'];
  const before = await count();
  const nobody = shop.client({ kind: 'guest' });
  const looks = await Promise.all(Array.from({ length: 50 }, () => nobody.getCart({})));
  await expect(nobody.addCartItem({ variantId: newId(), quantity: 1 })).rejects.toMatchObject({ status: 404 });
  await expect(nobody.deleteCartItem({ itemId: newId() })).rejects.toMatchObject({ status: 404 });
  await nobody.deleteCartCoupon({});
  expect(await count()).toBe(before);
  const [empty] = looks;
  const token = empty?.cartToken ?? '';
  expect(empty).toMatchObject({ items: [], totalRial: 0 });
  expect(await guest(token).getCart({})).toEqual(empty);
  const variantId = shop.around.addVariant(5);
  await Promise.all([1, 2, 3].map(() => guest(token).addCartItem({ variantId, quantity: 1 })));
  expect(await guest(token).getCart({})).toMatchObject({ id: empty?.id, itemCount: 3, cartToken: token });
  expect(await count()).toBe(Number(before) + 1);

  // A token that we did not give, for an empty cart too.
  const other = looks[1]?.cartToken ?? '';
  const changed = `${other[0] === 'A' ? 'B' : 'A'}${other.slice(1)}`;
  await expect(guest(changed).addCartItem({ variantId, quantity: 1 })).rejects.toMatchObject({
    code: 'orders.cart-not-found',
  });
});

test('A35: the token of an empty cart is good for a day', () => {
  const secret = 'a secret of the test run, long enough';
  const { token, cartId } = newCartToken(secret);
  const later = (hours: number) => new Date(Date.now() + hours * 3_600_000);
  expect(readCartToken(secret, token, later(0))).toBe(cartId);
  expect(readCartToken(secret, token, later(23))).toBe(cartId);
  expect(readCartToken(secret, token, later(25))).toBeUndefined();
  expect(readCartToken(`${secret}!`, token, later(0))).toBeUndefined();
});
