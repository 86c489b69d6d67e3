import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkInvariants, kelid, query } from './back-room.ts';
import { Shopper } from './shopper.ts';
import { type Shop, startShop } from './shop.ts';

describe.each(['one', 'many'] as const)('the shop in %s process(es)', (shape) => {
  let shop: Shop;
  let variantIds: string[];

  beforeAll(async () => {
    shop = await startShop({ shape });
    await kelid(shop, 'demo', 'load');
    const rows = await query(
      shop,
      'catalog',
      'select id from variants where available_count > 10 order by price_rial limit 20',
    );
    variantIds = rows.map((row) => String(row['id']));
  });
  afterAll(() => shop?.close());
  const variant = (index = 0) => variantIds[index] ?? '';

  test('AU-1 CK-2 CK-5 KY-9 SF-2: a guest fills a cart, signs in by SMS, pays at the bank and reads a product key', async () => {
    const shopper = new Shopper(shop);
    const { items } = await shopper.catalog.listProducts({ q: 'counter strke', language: 'fa' });
    expect(items[0]?.slug).toBe('counter-strike-2-prime');
    await shopper.addToCart(variant());
    await shopper.signIn();
    const cart = await shopper.orders.getCart({});
    expect(cart.items.map((item) => item.variantId)).toEqual([variant()]);
    const { orderId, payment, totalRial } = await shopper.checkout();
    expect(totalRial).toBe(cart.totalRial);
    const page = await shopper.follow(await shopper.atBank(payment?.redirectUrl ?? '', 'pay'));
    expect(page).toContain(`/payment/result?order=${orderId}`);
    const order = await shopper.orderIn(orderId, ['fulfilled']);
    expect(order.lines[0]).toMatchObject({ status: 'delivered', deliveredCount: 1 });
    const keys = await shopper.inventory.listOrderKeys({ orderId });
    const { code } = await shopper.inventory.revealKey({ orderId, keyId: keys.items[0]?.id ?? '' });
    expect(code).toMatch(/^DEMO/);
    expect(keys.items[0]?.masked).not.toContain(code);
    const history = await shopper.orders.getOrderHistory({ orderId });
    expect(history.items.map((move) => move.to)).toEqual([
      'placing',
      'pending_payment',
      'paid',
      'fulfilling',
      'fulfilled',
    ]);
  });

  test('PA-4 OR-5 A52: ten callbacks at once are one capture, one order and one key', async () => {
    const shopper = await new Shopper(shop).signIn();
    await shopper.addToCart(variant(1));
    const { orderId, payment } = await shopper.checkout();
    const callback = await shopper.atBank(payment?.redirectUrl ?? '', 'pay');
    const pages = await Promise.all(Array.from({ length: 10 }, () => shopper.follow(callback)));
    expect(new Set(pages).size).toBe(1);
    await shopper.orderIn(orderId, ['fulfilled']);
    expect((await shopper.inventory.listOrderKeys({ orderId })).items).toHaveLength(1);
    const ledger = await query(
      shop,
      'payments',
      "select kind from ledger_transactions where order_id = $1 and kind = 'capture'",
      [orderId],
    );
    expect(ledger).toHaveLength(1);
  });

  test('OR-2 A55: a payment that failed can be tried again, and a cancelled order gives its stock back', async () => {
    const shopper = await new Shopper(shop).signIn();
    await shopper.addToCart(variant(2));
    const first = await shopper.checkout();
    await shopper.follow(await shopper.atBank(first.payment?.redirectUrl ?? '', 'fail'));
    expect((await shopper.orders.getOrder({ orderId: first.orderId })).status).toBe('pending_payment');
    const again = await shopper.orders.payOrder(
      { orderId: first.orderId, psp: 'zarinpal' },
      { idempotencyKey: randomUUID() },
    );
    await shopper.follow(await shopper.atBank(again.redirectUrl, 'pay'));
    await shopper.orderIn(first.orderId, ['fulfilled']);

    await shopper.addToCart(variant(2));
    const second = await shopper.checkout();
    expect((await shopper.orders.cancelOrder({ orderId: second.orderId })).status).toBe('cancelled');
    const held = await query(shop, 'inventory', "select 1 from reservations where order_id = $1 and status = 'held'", [
      second.orderId,
    ]);
    expect(held).toEqual([]);
  });

  test('I6 F18: who pays twice gets one order and the second payment in the wallet', async () => {
    const shopper = await new Shopper(shop).signIn();
    await shopper.addToCart(variant(3));
    const { orderId, payment, totalRial } = await shopper.checkout();
    const second = await shopper.orders.payOrder({ orderId, psp: 'zarinpal' }, { idempotencyKey: randomUUID() });
    const callbacks = [
      await shopper.atBank(payment?.redirectUrl ?? '', 'pay'),
      await shopper.atBank(second.redirectUrl, 'pay'),
    ];
    await Promise.all(callbacks.map((callback) => shopper.follow(callback)));
    await shopper.orderIn(orderId, ['fulfilled']);
    expect(await shopper.payments.getWallet({})).toEqual({ balanceRial: totalRial, heldRial: 0 });
  });

  test('I25 A32: another customer sees nothing of an order, as if it were missing', async () => {
    const owner = await new Shopper(shop).signIn();
    const { orderId } = await owner.buy(variant(4));
    const stranger = await new Shopper(shop).signIn();
    await expect(stranger.orders.getOrder({ orderId })).rejects.toMatchObject({ status: 404 });
    await expect(stranger.payments.getOrderPayments({ orderId })).rejects.toMatchObject({ status: 404 });
    expect((await stranger.inventory.listOrderKeys({ orderId })).items).toEqual([]);
  });

  test('A59 PA-10: the same Idempotency-Key sent 20 times at once is one order', async () => {
    const shopper = await new Shopper(shop).signIn();
    await shopper.addToCart(variant(5));
    const key = randomUUID();
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => shopper.checkout(key)));
    const orderIds = new Set(
      answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.orderId] : [])),
    );
    expect(orderIds.size).toBe(1);
    const rows = await query(shop, 'orders', 'select 1 from orders where customer_id = $1', [shopper.userId]);
    expect(rows).toHaveLength(1);
    expect((await shopper.checkout(key)).orderId).toBe([...orderIds][0]);
  });

  test('every promise of the databases holds afterwards', async () => {
    expect(await checkInvariants(shop)).toEqual([]);
  });
});
