import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkInvariants, kelid, query } from './back-room.ts';
import { Shopper } from './shopper.ts';
import { type Shop, startShop } from './shop.ts';

describe.each(['one', 'many'] as const)('the shop in %s process(es)', (shape) => {
  let shop: Shop;
  let variantIds: string[];

  beforeAll(async () => {
    // Six seconds instead of half an hour, after which a line that nobody sells is given up.
    shop = await startShop({ shape, env: { INVENTORY_SUPPLY_MINUTES: '0.1' } });
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

  async function control(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${shop.simulatorsUrl}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    expect(response.ok, `${method} ${path}`).toBe(true);
    return response.status === 204 ? undefined : response.json();
  }

  /** A variant of the demo shop that is kept in no stock, once its suppliers have told their prices. */
  async function suppliedVariant(sku: string): Promise<string> {
    let id = '';
    await expect
      .poll(
        async () => {
          const [row] = await query(shop, 'catalog', `select id, can_supply from variants where sku = '${sku}'`);
          id = String(row?.['id']);
          return row?.['can_supply'];
        },
        { timeout: 20_000 },
      )
      .toBe(true);
    return id;
  }

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
    const page = await shopper.follow(await shopper.atBank(payment, 'pay'));
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

  test('a card that follows the dollar has another price when the market moves, and a cart keeps the price it was promised', async () => {
    const cardOf = async () => {
      const card = await new Shopper(shop).catalog.getProductBySlug({ slug: 'battle-net-gift-card-us' });
      return { variantId: card.variants[0]?.id ?? '', priceRial: card.variants[0]?.priceRial ?? 0 };
    };
    const { variantId, priceRial } = await cardOf();
    const shopper = await new Shopper(shop).signIn();
    await shopper.addToCart(variantId);
    await control('PUT', '/rates', { currency: 'USD', rateRial: 1_290_000 });
    await query(shop, 'catalog', 'update fx_states set due_at = now()');
    await expect.poll(async () => (await cardOf()).priceRial, { timeout: 20_000 }).toBeGreaterThan(priceRial);
    expect(await shopper.catalog.getPriceExplanation({ variantId })).toMatchObject({ rate: { rateRial: 1_290_000 } });
    expect((await shopper.checkout()).totalRial).toBe(priceRial);
  });

  test('PA-4 OR-5 A52: ten callbacks at once are one capture, one order and one key', async () => {
    const shopper = await new Shopper(shop).signIn();
    await shopper.addToCart(variant(1));
    const { orderId, payment } = await shopper.checkout();
    const callback = await shopper.atBank(payment, 'pay');
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
    await shopper.follow(await shopper.atBank(first.payment, 'fail'));
    expect((await shopper.orders.getOrder({ orderId: first.orderId })).status).toBe('pending_payment');
    const again = await shopper.orders.payOrder(
      { orderId: first.orderId, psp: 'zarinpal' },
      { idempotencyKey: randomUUID() },
    );
    await shopper.follow(await shopper.atBank(again, 'pay'));
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
    const callbacks = [await shopper.atBank(payment, 'pay'), await shopper.atBank(second, 'pay')];
    await Promise.all(callbacks.map((callback) => shopper.follow(callback)));
    await shopper.orderIn(orderId, ['fulfilled']);
    expect(await shopper.payments.getWallet({})).toEqual({ balanceRial: totalRial, heldRial: 0 });

    // The wallet pays the next order alone, and no bank is asked; then a part of one that is cancelled, and has it back.
    await shopper.addToCart(variant(3));
    const byWallet = await shopper.checkout(undefined, true);
    expect(byWallet.payment?.redirectUrl).toBeNull();
    await shopper.orderIn(byWallet.orderId, ['fulfilled']);
    expect(await shopper.payments.getWallet({})).toEqual({ balanceRial: 0, heldRial: 0 });
  });

  test('I10 CK-6: wallet and bank pay one order together, and a cancelled one gives the wallet its part back', async () => {
    const shopper = await new Shopper(shop).signIn();
    const gift = 40_000;
    await query(
      shop,
      'payments',
      "select ledger_post('gift', uuidv7(), null, array['revenue:gifts', 'wallet:' || $1], array[$2::bigint, -$2::bigint])",
      [shopper.userId, gift],
    );
    await shopper.addToCart(variant(4));
    const first = await shopper.checkout(undefined, true);
    expect(await shopper.payments.getWallet({})).toEqual({ balanceRial: gift, heldRial: gift });
    await shopper.orders.cancelOrder({ orderId: first.orderId });
    await expect.poll(() => shopper.payments.getWallet({})).toEqual({ balanceRial: gift, heldRial: 0 });

    await shopper.addToCart(variant(4));
    const { orderId, payment, totalRial } = await shopper.checkout(undefined, true);
    await shopper.follow(await shopper.atBank(payment, 'pay'));
    await shopper.orderIn(orderId, ['fulfilled']);
    const paid = await shopper.payments.getOrderPayments({ orderId });
    expect(paid).toMatchObject({ walletRial: gift, attempts: [{ amountRial: totalRial - gift, status: 'captured' }] });
    expect(await shopper.payments.getWallet({})).toEqual({ balanceRial: 0, heldRial: 0 });
  });

  test('KY-6 F20: an item without own stock is bought from a supplier, its order waits for it, and the key is the one that was sold', async () => {
    const variantId = await suppliedVariant('ELDEN-RING-GLOBAL');
    for (const supplier of ['codeswholesale', 'kinguin'])
      await control('PUT', `/faults/${supplier}.order`, { mode: 'late', delayMs: 1_500 });
    const shopper = await new Shopper(shop).signIn();
    await shopper.addToCart(variantId, 2);
    const { orderId, payment } = await shopper.checkout();
    await shopper.follow(await shopper.atBank(payment, 'pay'));
    const waiting = await shopper.orderIn(orderId, ['fulfilling']);
    expect(waiting.lines[0]).toMatchObject({ status: 'securing', deliveredCount: 0 });
    await shopper.orderIn(orderId, ['fulfilled']);
    await control('DELETE', '/faults');
    const { items } = await shopper.inventory.listOrderKeys({ orderId });
    const codes = await Promise.all(
      items.map(async (key) => (await shopper.inventory.revealKey({ orderId, keyId: key.id })).code),
    );
    const sold = await Promise.all(
      ['codeswholesale', 'kinguin'].map(async (supplier) => {
        const report = (await control('GET', `/suppliers/${supplier}/orders`)) as {
          items: { units: { code: string }[] }[];
        };
        return report.items.flatMap((order) => order.units.map((unit) => unit.code));
      }),
    );
    expect(codes.toSorted()).toEqual(sold.flat().toSorted());
  });

  test('KY-6: when every supplier fails, the money is in the wallet and the order says so', async () => {
    const variantId = await suppliedVariant('GOD-OF-WAR-GLOBAL');
    for (const supplier of ['codeswholesale', 'kinguin'])
      await control('PUT', `/faults/${supplier}.order`, { mode: 'out-of-stock' });
    const shopper = await new Shopper(shop).signIn();
    await shopper.addToCart(variantId);
    const { orderId, payment, totalRial } = await shopper.checkout();
    await shopper.follow(await shopper.atBank(payment, 'pay'));
    await shopper.orderIn(orderId, ['refunded'], 40_000);
    expect(await shopper.payments.getWallet({})).toMatchObject({ balanceRial: totalRial });
    await expect
      .poll(async () => JSON.stringify(await control('GET', `/sms?phone=${shopper.phone}`)), { timeout: 20_000 })
      .toContain('به کیف پول شما برگشت');
    await control('DELETE', '/faults');
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
