import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, type BrowserContext, chromium, type Page, type Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkInvariants, kelid, query, multiplyPrices } from './back-room.ts';
import { type Shop, startShop } from './shop.ts';
import { Shopper } from './shopper.ts';

const chromiumPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const hasChromium = existsSync(chromiumPath);
if (!hasChromium && process.env['CI']) throw new Error('CI needs chromium');
if (!hasChromium) console.warn('chromium is missing: the journeys in a browser are skipped');

const artifacts = join(import.meta.dirname, '../artifacts');
const axeSource = readFileSync(join(import.meta.dirname, '../../node_modules/axe-core/axe.min.js'), 'utf8');

/** The page of whichever bank was offered first. */
const atBank =
  /StartPay|\/zibal\/start\/|startpay\.mellat|\/sadad\/Purchase|\/sep\/OnlinePG|\/stripe\/pay|\/webhook-bank\/pay/;

describe.skipIf(!hasChromium)('the shop in a browser', () => {
  let shop: Shop;
  let browser: Browser;
  let slug: string;

  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true });
    shop = await startShop({
      shape: 'one',
      hasPages: true,
      env: { INVENTORY_SUPPLY_MINUTES: '0.1', ORDERS_VAT_BASIS_POINTS: '900', ORDERS_FEE_RIAL: '50000' },
    });
    await kelid(shop, 'demo', 'load');
    slug = String(
      (await query(shop, 'catalog', "select slug from products where slug = 'valorant-points'"))[0]?.['slug'],
    );
    const flags = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ];
    browser = await chromium.launch({ executablePath: chromiumPath, args: flags });
  });
  afterAll(async () => {
    await browser?.close();
    await shop?.close();
  });

  async function newShopper(): Promise<{ context: BrowserContext; page: Page; phone: string }> {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: 'fa-IR' });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    return { context, page, phone: new Shopper(shop).phone };
  }

  async function spoil(place: string, fault: { mode: string; delayMs?: number }): Promise<void> {
    const response = await fetch(`${shop.simulatorsUrl}/faults/${place}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    });
    expect(response.ok).toBe(true);
  }
  const clearFaults = () => fetch(`${shop.simulatorsUrl}/faults`, { method: 'DELETE' });

  /** From the product's page to the bank's: the cart, the SMS, the consent. */
  async function goToBank(
    page: Page,
    phone: string,
    productSlug = slug,
    prepare?: () => Promise<void>,
    psp?: string,
  ): Promise<void> {
    await page.goto(`${shop.shopUrl}/p/${productSlug}`);
    await prepare?.();
    await page.getByRole('button', { name: 'افزودن به سبد' }).click();
    await page.getByRole('link', { name: 'رفتن به سبد' }).click();
    await page.getByRole('link', { name: 'ادامه و پرداخت' }).click();
    const phoneField = page.getByLabel('شماره موبایل');
    const consent = page.getByRole('checkbox', { name: 'قوانین' });
    await phoneField.or(consent).first().waitFor();
    if (await phoneField.isVisible()) {
      await phoneField.fill(phone);
      await page.getByRole('button', { name: 'فرستادن کد' }).click();
      const code = page.getByLabel('کد پیامکی');
      await code.waitFor();
      await code.fill(await new Shopper(shop, phone).readCode());
    }
    await consent.check();
    if (psp) await page.locator(`input[name=psp][value=${psp}]`).check({ force: true });
    await page.getByRole('button', { name: /^پرداخت / }).click();
    await page.waitForURL(psp === 'card-to-card' ? /payment\/transfer/ : atBank);
  }

  test('SF-2 OR-8 PA-12: a shopper finds, signs in, pays, and reads the product key without a reload', async () => {
    const { context, page, phone } = await newShopper();
    await page.goto(shop.shopUrl);
    await page.getByRole('combobox').first().fill('ولورانت پوینت');
    await page.keyboard.press('Enter');
    await page
      .getByRole('link', { name: /ولورانت پوینت/ })
      .first()
      .waitFor();
    await goToBank(page, phone);
    await page.screenshot({ path: join(artifacts, 'bank.png') });
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/payment\/result/);
    await page.waitForURL(/\/orders\//);
    await page.getByRole('button', { name: 'نمایش کد' }).click();
    await page.getByRole('button', { name: 'بله، نمایش بده' }).click();
    await expect.poll(async () => page.getByTestId('product-key').textContent()).toMatch(/^DEMO/);
    await page.screenshot({ path: join(artifacts, 'order.png'), fullPage: true });
    await context.close();
  });

  test('OR-2 PA-2: a payment that failed at the bank is paid again from the result page, which says so when that is at another bank than the chosen one', async () => {
    const { context, page, phone } = await newShopper();
    await goToBank(page, phone);
    await page.getByRole('button', { name: 'پرداخت ناموفق' }).click();
    await page.getByRole('heading', { name: 'پرداخت انجام نشد' }).waitFor();
    const chosen = await page.locator('input[name=psp]:checked').inputValue();
    await spoil(`${chosen}.request`, { mode: 'error' });
    await page.getByRole('button', { name: 'پرداخت دوباره' }).click();
    await page.getByText(/جواب نداد. شما را به .+ می‌بریم/).waitFor();
    await page.waitForURL(atBank);
    await clearFaults();
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByRole('button', { name: 'نمایش کد' }).waitFor();
    await context.close();
  });

  test('OR-2: a shopper who gives up at the bank can cancel the order', async () => {
    const { context, page, phone } = await newShopper();
    await goToBank(page, phone);
    await page.getByRole('button', { name: 'انصراف' }).click();
    await page.getByRole('link', { name: 'دیدن سفارش' }).click();
    page.on('dialog', (dialog) => void dialog.accept());
    await page.getByRole('button', { name: 'لغو سفارش' }).click();
    await page.locator('[data-status=cancelled]').waitFor();
    await context.close();
  });

  test('CP6 PA-6: a shopper who pays and closes the tab finds the product key later', async () => {
    const { context, page, phone } = await newShopper();
    await goToBank(page, phone, slug, undefined, 'zarinpal');
    await page.getByRole('button', { name: /بدون بازگشت/ }).click();
    await page.getByRole('heading', { name: 'پرداخت شد' }).waitFor();
    await page.close();
    // The bank's own list of unverified payments is looked at after twenty seconds; nobody's browser is needed.
    await query(
      shop,
      'payments',
      "update payment_attempts set redirected_at = redirected_at - interval '1 minute' where status = 'redirected'",
    );
    const later = await context.newPage();
    later.setDefaultTimeout(60_000);
    await later.goto(`${shop.shopUrl}/orders`);
    await later.locator('a.card').first().click();
    await later.locator('[data-status=fulfilled]').waitFor();
    await later.getByRole('button', { name: 'نمایش کد' }).waitFor();
    await context.close();
  });

  test('KY-6: what the shop keeps no stock of says so, its order page tells that it is on its way, then shows the key', async () => {
    const { context, page, phone } = await newShopper();
    await expect
      .poll(
        async () =>
          (await query(shop, 'catalog', "select can_supply from variants where sku = 'ELDEN-RING-GLOBAL'"))[0]?.[
            'can_supply'
          ],
        {
          timeout: 20_000,
        },
      )
      .toBe(true);
    for (const supplier of ['codeswholesale', 'kinguin'])
      await spoil(`${supplier}.order`, { mode: 'late', delayMs: 4_000 });
    await page.goto(`${shop.shopUrl}/p/elden-ring`);
    await page.getByText('از تأمین‌کننده').first().waitFor();
    await goToBank(page, phone, 'elden-ring');
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByTestId('supplying').waitFor();
    await page.screenshot({ path: join(artifacts, 'supplying.png'), fullPage: true });
    await page.getByRole('button', { name: 'نمایش کد' }).click();
    await page.getByRole('button', { name: 'بله، نمایش بده' }).click();
    await expect.poll(async () => page.getByTestId('product-key').textContent()).toMatch(/^[A-Z0-9]{5}-/);
    await clearFaults();
    await context.close();
  });

  test('KY-6: when no supplier has it, the order page says that the money is in the wallet', async () => {
    const { context, page, phone } = await newShopper();
    for (const supplier of ['codeswholesale', 'kinguin']) await spoil(`${supplier}.order`, { mode: 'out-of-stock' });
    await goToBank(page, phone, 'cyberpunk-2077');
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.locator('[data-status=refunded]').waitFor({ timeout: 40_000 });
    await page.getByText('به کیف پول شما برگشت').waitFor();
    await clearFaults();
    await context.close();
  });

  /** What inventory knows of suppliers has come to the shop window. */
  const untilOffered = (sku: string) =>
    expect
      .poll(
        async () =>
          (await query(shop, 'catalog', 'select can_supply from variants where sku = $1', [sku]))[0]?.['can_supply'],
        { timeout: 20_000 },
      )
      .toBe(true);

  test('KY-6: a top-up shows the player’s name before paying, goes to that account, and ends with its receipt', async () => {
    const { context, page, phone } = await newShopper();
    await untilOffered('PUBG-MOBILE-UC-GLOBAL-60');
    await spoil('moogold.order', { mode: 'late', delayMs: 4_000 });
    await goToBank(page, phone, 'pubg-mobile-uc', async () => {
      const add = page.getByRole('button', { name: 'افزودن به سبد' });
      expect(await add.isDisabled()).toBe(true);
      const player = page.getByLabel('شناسه بازیکن');
      await player.fill('۵۱۲۳۴۵۰۰۰۰');
      await page.getByTestId('nickname').getByText('نمی‌شناسد').waitFor();
      expect(await add.isDisabled()).toBe(true);
      await page.screenshot({ path: join(artifacts, 'top-up-unknown.png'), fullPage: true });
      await player.fill('۵۱۲۳۴۵۶۷۸۱');
      await page.getByTestId('nickname').getByText('نام در بازی').waitFor();
      await page.screenshot({ path: join(artifacts, 'top-up.png'), fullPage: true });
    });
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByTestId('supplying').getByText('شارژ شما در راه است').waitFor();
    await page.getByTestId('game-account').getByText('5123456781').waitFor();
    await page.getByText('به حساب رسید').first().waitFor();
    await page.getByRole('button', { name: 'شماره پیگیری' }).click();
    await expect.poll(async () => page.getByTestId('product-key').textContent()).toMatch(/^moogold-\d+$/);
    await page.screenshot({ path: join(artifacts, 'topped-up.png'), fullPage: true });
    await clearFaults();
    await context.close();
  });

  test('KY-6: a pre-order says its day on the product and on the order, and is delivered when the supplier assigns it', async () => {
    const { context, page, phone } = await newShopper();
    await untilOffered('LEGEND-OF-THE-LOST-KEY-GLOBAL');
    await page.goto(`${shop.shopUrl}/p/legend-of-the-lost-key`);
    await page.getByText('پیش‌خرید، تحویل از ۱۰ اسفند ۱۴۰۵').first().waitFor();
    await page.screenshot({ path: join(artifacts, 'pre-order.png'), fullPage: true });
    await goToBank(page, phone, 'legend-of-the-lost-key');
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByTestId('supplying').getByText('پیش‌خرید است و از ۱۰ اسفند ۱۴۰۵').waitFor();
    for (const supplier of ['codeswholesale', 'kinguin']) {
      const { items } = (await (await fetch(`${shop.simulatorsUrl}/suppliers/${supplier}/products`)).json()) as {
        items: { ref: string; name: string; platform: string; region: string }[];
      };
      const game = items.find((item) => item.name === 'Legend of the Lost Key');
      const response = await fetch(`${shop.simulatorsUrl}/suppliers/${supplier}/products/${game?.ref}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          name: game?.name,
          platform: game?.platform,
          region: game?.region,
          price: '28.50',
          stock: 50,
        }),
      });
      expect(response.ok).toBe(true);
    }
    await query(shop, 'inventory', 'update procurements set due_at = now() where allows_pre_order');
    await page.getByRole('button', { name: 'نمایش کد' }).waitFor();
    await context.close();
  });

  test('a key that does not work is reported from the key itself and, for a good customer, replaced on the spot', async () => {
    const { context, page, phone } = await newShopper();
    await goToBank(page, phone);
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByRole('button', { name: 'نمایش کد' }).click();
    await page.getByRole('button', { name: 'بله، نمایش بده' }).click();
    // A good customer: something of more worth was bought, seen and kept without a complaint three weeks ago.
    const orderId = page.url().split('/').at(-1) ?? '';
    await query(
      shop,
      'inventory',
      `with line as (select uuidv7() as id, uuidv7() as order_id, customer_id, variant_id from key_allocations where order_id = '${orderId}'),
       valued as (insert into line_values select id, 900000000 from line)
       select inventory_fulfill(order_id, customer_id, 1, jsonb_build_array(jsonb_build_object('orderLineId', id, 'variantId', variant_id, 'quantity', 1))) from line`,
    );
    await query(
      shop,
      'inventory',
      `insert into key_reveals (id, key_id, actor, ip, user_agent, at)
       select uuidv7(), a.key_id, 'user:' || a.customer_id, '127.0.0.1', 'a test', now() - interval '21 days'
       from key_allocations a join key_allocations mine on mine.order_id = '${orderId}' and mine.customer_id = a.customer_id where a.order_id <> '${orderId}'`,
    );
    await query(
      shop,
      'inventory',
      `update line_values set unit_rial = 5000000 where order_line_id in (select order_line_id from key_allocations where order_id = '${orderId}')`,
    );
    await page.getByRole('button', { name: 'این کد کار نمی‌کند؟' }).click();
    await page.getByLabel('قبلاً استفاده شده').check();
    await page.screenshot({ path: join(artifacts, 'complaint.png') });
    await page.getByRole('button', { name: 'ثبت', exact: true }).click();
    await page.getByTestId('complaint').getByText('کد تازه‌ای').waitFor();
    await page.getByRole('button', { name: 'نمایش کد' }).click();
    await page.getByRole('button', { name: 'بله، نمایش بده' }).last().click();
    await expect.poll(async () => page.getByTestId('product-key').last().textContent()).toMatch(/^DEMO/);
    await page.screenshot({ path: join(artifacts, 'replaced.png'), fullPage: true });
    await context.close();
  });

  test('F18: a shopper who pays in two tabs gets one order, and the second payment in the wallet', async () => {
    const { context, page, phone } = await newShopper();
    await goToBank(page, phone);
    const orderId = String((await query(shop, 'orders', 'select id from orders order by id desc limit 1'))[0]?.['id']);
    const second = await context.newPage();
    second.setDefaultTimeout(20_000);
    await second.goto(`${shop.shopUrl}/orders/${orderId}`);
    await second.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await second.waitForURL(atBank);
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await second.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await second.getByRole('heading', { name: 'کیف پول' }).waitFor();

    // What went to the wallet pays the next order whole, without a bank, and then a part of a dearer one.
    await page.goto(`${shop.shopUrl}/p/${slug}`);
    await page.getByRole('button', { name: 'افزودن به سبد' }).click();
    await page.getByRole('link', { name: 'رفتن به سبد' }).click();
    await page.getByRole('link', { name: 'ادامه و پرداخت' }).click();
    await page.getByRole('checkbox', { name: 'موجودی کیف پول' }).check();
    await page.getByRole('checkbox', { name: 'قوانین' }).check();
    await page.screenshot({ path: join(artifacts, 'pay-from-wallet.png'), fullPage: true });
    await page.getByRole('button', { name: 'پرداخت از کیف پول' }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByRole('button', { name: 'نمایش کد' }).waitFor();
    await context.close();
  });

  async function signIn(page: Page, phone: string): Promise<void> {
    await page.getByLabel('شماره موبایل').fill(phone);
    await page.getByRole('button', { name: 'فرستادن کد' }).click();
    await page.getByLabel('کد پیامکی').fill(await new Shopper(shop, phone).readCode());
  }

  test('A59 OR-2: a checkout whose answer is lost on its way is found again, by the button or by opening the page, and is one order', async () => {
    const loseTheAnswer = async (page: Page) => {
      const answered = async (route: Route) => {
        await route.fetch();
        await route.abort();
      };
      await page.route('**/api/v1/checkout', answered, { times: 1 });
    };
    const orderCount = (page: Page) =>
      page.evaluate(async () => ((await (await fetch('/api/v1/orders')).json()) as { items: unknown[] }).items.length);
    for (const findAgain of [
      (page: Page) => page.getByRole('button', { name: /^پرداخت / }).click(),
      (page: Page) => page.reload(),
    ]) {
      const { context, page, phone } = await newShopper();
      const going = goToBank(page, phone, slug, () => loseTheAnswer(page));
      await page.getByText('شاید سفارش ثبت شده باشد').waitFor();
      expect(await page.getByText('کاری انجام نشد').count()).toBe(0);
      expect(await orderCount(page)).toBe(1);
      await findAgain(page);
      await going;
      await page.goto(`${shop.shopUrl}/orders`);
      expect(await orderCount(page)).toBe(1);
      await context.close();
    }
  });

  test('CP6 PA-1 PA-9 CK-7: the same shopper pays at each way to pay that is offered, and holds a key each time', async () => {
    const { context, page, phone } = await newShopper();
    const { items: methods } = await new Shopper(shop).payments.listPaymentMethods({});
    expect(methods.map(({ psp }) => psp).toSorted()).toEqual([
      'behpardakht',
      'card-to-card',
      'sadad',
      'sep',
      'stripe',
      'webhook',
      'zarinpal',
      'zibal',
    ]);
    let isKnown = false;
    for (const { psp } of methods) {
      await page.goto(`${shop.shopUrl}/p/${slug}`);
      await page.getByRole('button', { name: 'افزودن به سبد' }).click();
      await page.getByRole('link', { name: 'رفتن به سبد' }).click();
      await page.getByRole('link', { name: 'ادامه و پرداخت' }).click();
      if (!isKnown) await signIn(page, phone);
      isKnown = true;
      await page.getByRole('checkbox', { name: 'قوانین' }).check();
      await page.locator(`input[name=psp][value=${psp}]`).check({ force: true });
      await page.getByRole('button', { name: /^پرداخت / }).click();
      if (psp === 'card-to-card') {
        await page.getByTestId('shop-card').waitFor();
        await page.screenshot({ path: join(artifacts, 'transfer.png'), fullPage: true });
        await page.getByLabel('شماره پیگیری رسید').fill('۱۲۳۴۵۶۷۸');
        await page.getByLabel('چهار رقم آخر کارت خودتان').fill('۰۰۰۶');
        await page.getByRole('button', { name: 'ثبت رسید' }).click();
        await page.getByText('رسید ثبت شد').waitFor();
        const attemptId = page.url().split('/').at(-1) ?? '';
        const staff = await hireStaff();
        const { items } = await staff.payments.listTransfers({ status: 'submitted' });
        const transfer = items.find((one) => one.attemptId === attemptId);
        expect(transfer).toMatchObject({ trackingNumber: '12345678', cardLast4: '0006' });
        const seenRial = transfer?.amountRial ?? 0;
        const seen = { trackingNumber: '12345678', seenRial };
        await staff.payments.decideTransfer({ attemptId, isApproved: true, ...seen, reason: 'در حساب هست' });
        await page.getByRole('heading', { name: 'پرداخت شما تأیید شد' }).waitFor();
        await page.getByRole('link', { name: 'دیدن سفارش' }).click();
      } else {
        await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
      }
      await page.waitForURL(/\/orders\//);
      await page.getByRole('button', { name: 'نمایش کد' }).waitFor();
      const [paid] = await query(shop, 'payments', 'select psp from payment_attempts where order_id = $1', [
        page.url().split('/').at(-1),
      ]);
      expect(paid).toEqual({ psp });
    }
    await context.close();
  });

  async function hireStaff(): Promise<Shopper> {
    const staff = new Shopper(shop);
    await kelid(shop, 'roles', 'set', staff.phone, 'admin', '--reason', 'of the browser test');
    return staff.signIn();
  }

  test('A63 I10 CK-6 PA-8: a wallet is filled at a bank, pays with a bank together, has a refund, and is emptied to a checked account', async () => {
    const { context, page, phone } = await newShopper();
    await page.goto(`${shop.shopUrl}/wallet`);
    await signIn(page, phone);
    await page.getByTestId('balance').waitFor();
    await page.getByLabel('مبلغ (تومان)').first().fill('۵۰٬۰۰۰');
    await page.getByRole('button', { name: 'رفتن به بانک' }).click();
    await page.waitForURL(atBank);
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/payment\/result/);
    await page.getByRole('link', { name: 'رفتن به کیف پول' }).click();
    await expect.poll(() => page.getByTestId('balance').textContent()).toContain('۵۰٬۰۰۰');
    await page.screenshot({ path: join(artifacts, 'wallet.png'), fullPage: true });

    // A part of the order from the wallet, the rest at a bank.
    await page.goto(`${shop.shopUrl}/p/${slug}`);
    await page.getByRole('button', { name: 'افزودن به سبد' }).click();
    await page.getByRole('link', { name: 'رفتن به سبد' }).click();
    await page.getByRole('link', { name: 'ادامه و پرداخت' }).click();
    await page.getByRole('checkbox', { name: 'موجودی کیف پول' }).check();
    await page.getByRole('checkbox', { name: 'قوانین' }).check();
    await page.getByRole('button', { name: /^پرداخت / }).click();
    await page.waitForURL(atBank);
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByRole('button', { name: 'نمایش کد' }).waitFor();
    const orderId = page.url().split('/').at(-1) ?? '';
    const [paid] = await query(shop, 'payments', 'select amount_rial, psp from payment_attempts where order_id = $1', [
      orderId,
    ]);
    const [order] = await query(shop, 'orders', 'select total_rial from orders where id = $1', [orderId]);
    expect(Number(order?.['total_rial']) - Number(paid?.['amount_rial'])).toBe(500_000);

    const staff = await hireStaff();
    await staff.payments.requestRefund(
      { orderId, method: 'wallet', reason: 'مشتری پشیمان شد' },
      { idempotencyKey: randomUUID() },
    );
    await page.reload();
    await page.locator('[data-status=refunded]').waitFor();
    await page.screenshot({ path: join(artifacts, 'order-refunded.png'), fullPage: true });
    await page.goto(`${shop.shopUrl}/wallet`);
    const totalToman = Math.floor(Number(order?.['total_rial']) / 10).toLocaleString('fa-IR');
    await expect.poll(() => page.getByTestId('balance').textContent()).toContain(totalToman);
    await page.getByText('بازگشت پول سفارش').waitFor();

    await page.getByLabel('شماره شبا').fill('IR06 2960 0000 0010 0324 2000 01');
    await page.getByLabel('نام صاحب حساب').fill('سارا احمدی');
    await page.getByRole('button', { name: 'ثبت حساب' }).click();
    await page.getByText('در حال بررسی').waitFor();
    const [account] = (await staff.payments.listAllBankAccounts({})).items;
    const bankAccountId = account?.id ?? '';
    await staff.payments.verifyBankAccount({ bankAccountId, isVerified: true, reason: 'به نام خودش است' });
    await page.reload();
    await page.getByRole('button', { name: 'درخواست برداشت' }).waitFor();
    await page.getByLabel('مبلغ (تومان)').last().fill('۳۰٬۰۰۰');
    await page.getByRole('button', { name: 'درخواست برداشت' }).click();
    await page.locator('[data-withdrawal=requested]').waitFor();
    await page.getByTestId('held').waitFor();
    await page.screenshot({ path: join(artifacts, 'withdrawal.png'), fullPage: true });
    page.on('dialog', (dialog) => void dialog.accept());
    await page.getByRole('button', { name: 'لغو برداشت' }).click();
    await page.locator('[data-withdrawal=cancelled]').waitFor();
    await expect.poll(() => page.getByTestId('balance').textContent()).toContain(totalToman);
    await context.close();
  });

  test('I13 A57: a price that changes while the shopper is at the bank does not change what is paid', async () => {
    const { context, page, phone } = await newShopper();
    await goToBank(page, phone);
    const [before] = await query(shop, 'orders', 'select id, total_rial from orders order by id desc limit 1');
    await multiplyPrices(shop, slug, 3);
    try {
      await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
      await page.waitForURL(/\/orders\//);
      await page.getByRole('button', { name: 'نمایش کد' }).waitFor();
      const [paid] = await query(
        shop,
        'payments',
        "select amount_rial from payment_attempts where order_id = $1 and status = 'captured'",
        [before?.['id']],
      );
      expect(paid?.['amount_rial']).toEqual(before?.['total_rial']);
    } finally {
      await multiplyPrices(shop, slug, 1 / 3);
    }
    await context.close();
  });

  async function makeCoupon(code: string, percentBasisPoints: number): Promise<void> {
    await query(
      shop,
      'orders',
      'insert into coupons (id, code, percent_basis_points, is_first_order_only, order_min_rial, is_stackable, is_active) values (uuidv7(), $1, $2, false, 0, false, true)',
      [code, percentBasisPoints],
    );
  }

  test('CK-4 CK-6 A67: a guest puts a code into the cart, signs in, sees what is paid, and with a code for everything no bank', async () => {
    await Promise.all([makeCoupon('YALDA10', 1000), makeCoupon('GIFT-100', 10_000)]);
    const { context, page, phone } = await newShopper();
    const toCart = async () => {
      await page.goto(`${shop.shopUrl}/p/${slug}`);
      await page.getByRole('button', { name: 'افزودن به سبد' }).click();
      await page.getByRole('link', { name: 'رفتن به سبد' }).click();
    };
    await toCart();
    const field = page.getByLabel('کد تخفیف');
    await field.fill('yalda۹۹');
    await field.press('Enter');
    await page.getByText('این کد قابل استفاده نیست').waitFor();
    await page.screenshot({ path: join(artifacts, 'coupon-refused.png'), fullPage: true });
    await field.fill('yalda۱۰');
    await page.getByRole('button', { name: 'اعمال' }).click();
    await page.getByTestId('coupon').getByText('YALDA10').waitFor();
    for (const name of ['discount', 'vat', 'fee']) await page.getByTestId(`amount-${name}`).waitFor();
    await page.screenshot({ path: join(artifacts, 'coupon-cart.png'), fullPage: true });
    const totalInCart = await page.getByTestId('amount-total').textContent();

    await page.getByRole('link', { name: 'ادامه و پرداخت' }).click();
    await page.getByLabel('شماره موبایل').fill(phone);
    await page.getByRole('button', { name: 'فرستادن کد' }).click();
    await page.getByLabel('کد پیامکی').fill(await new Shopper(shop, phone).readCode());
    await page.getByRole('checkbox', { name: 'قوانین' }).check();
    expect(await page.getByTestId('amount-total').textContent()).toBe(totalInCart);
    await page.screenshot({ path: join(artifacts, 'coupon-checkout.png'), fullPage: true });
    await page.getByRole('button', { name: `پرداخت ${totalInCart}` }).click();
    await page.waitForURL(atBank);
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByRole('button', { name: 'نمایش کد' }).waitFor();
    expect(await page.getByTestId('amount-total').textContent()).toBe(totalInCart);
    await page.screenshot({ path: join(artifacts, 'coupon-order.png'), fullPage: true });

    await toCart();
    await field.fill('gift-100');
    await field.press('Enter');
    await page.getByTestId('coupon').getByText('GIFT-100').waitFor();
    await page.getByRole('link', { name: 'ادامه و پرداخت' }).click();
    await page.getByRole('checkbox', { name: 'قوانین' }).check();
    await page.screenshot({ path: join(artifacts, 'coupon-free.png'), fullPage: true });
    await page.getByRole('button', { name: 'ثبت سفارش رایگان' }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByRole('button', { name: 'نمایش کد' }).waitFor();

    // A code that was switched off while it lay in the cart: said at once, and the way on is open when it is out.
    await makeCoupon('ENDS-NOW', 2000);
    await toCart();
    await field.fill('ends-now');
    await field.press('Enter');
    await page.getByTestId('coupon').getByText('ENDS-NOW').waitFor();
    await page.getByRole('link', { name: 'ادامه و پرداخت' }).click();
    await page.getByRole('checkbox', { name: 'قوانین' }).check();
    await query(shop, 'orders', "update coupons set is_active = false where code = 'ENDS-NOW'");
    await page.getByRole('button', { name: /^پرداخت / }).click();
    await page.getByText('کد تخفیف دیگر قابل استفاده نیست').waitFor();
    await page.getByText('زمان این کد تمام شده است').waitFor();
    await page.screenshot({ path: join(artifacts, 'coupon-over.png'), fullPage: true });
    await page.getByRole('button', { name: 'برداشتن کد ENDS-NOW' }).click();
    await page.getByRole('button', { name: /^پرداخت / }).click();
    await page.waitForURL(atBank);
    await context.close();
  });

  test('U3: while a bank is asked or a transfer is looked for, the order says not to pay again and has no button for it', async () => {
    const { context, page, phone } = await newShopper();
    await goToBank(page, phone, slug, undefined, 'zarinpal');
    for (const place of ['verify', 'inquiry']) await spoil(`zarinpal.${place}`, { mode: 'down' });
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.getByRole('heading', { name: 'داریم از بانک می‌پرسیم' }).waitFor();
    expect(await page.getByRole('button', { name: /^پرداخت/ }).count()).toBe(0);
    await page.getByRole('link', { name: 'دیدن سفارش' }).click();
    await page.locator('[data-status=pending_payment]').waitFor();
    await page.getByTestId('sought').getByText('دوباره پرداخت نکنید').waitFor();
    expect(await page.getByRole('button', { name: /^پرداخت/ }).count()).toBe(0);
    await page.screenshot({ path: join(artifacts, 'sought.png'), fullPage: true });
    await clearFaults();
    await page.getByRole('button', { name: 'نمایش کد' }).waitFor({ timeout: 60_000 });

    await goToBank(page, phone, slug, undefined, 'card-to-card');
    await page.getByRole('link', { name: 'دیدن سفارش' }).click();
    await page.getByRole('button', { name: 'پرداخت', exact: true }).waitFor();
    await page.goBack();
    await page.getByLabel('شماره پیگیری رسید').fill('۸۷۶۵۴۳۲۱');
    await page.getByLabel('چهار رقم آخر کارت خودتان').fill('۰۰۰۶');
    await page.getByRole('button', { name: 'ثبت رسید' }).click();
    await page.getByText('رسید ثبت شد').waitFor();
    await page.getByRole('link', { name: 'دیدن سفارش' }).click();
    await page.getByTestId('sought').getByText('دوباره پرداخت نکنید').waitFor();
    expect(await page.getByRole('button', { name: /^پرداخت/ }).count()).toBe(0);
    await page.getByRole('link', { name: 'دیدن رسید' }).click();
    await page.getByText('رسید ثبت شد').waitFor();
    await context.close();
  });

  /** The page as it is seen before its scripts are there, and what lets them come. */
  async function holdScripts(page: Page): Promise<() => Promise<void>> {
    const held: (() => void)[] = [];
    let isOpen = false;
    await page.route('**/_next/static/**', async (route) => {
      if (!isOpen && route.request().resourceType() === 'script') await new Promise<void>((done) => held.push(done));
      await route.continue();
    });
    return async () => {
      isOpen = true;
      for (const go of held) go();
    };
  }

  test('U6: before its scripts run the phone form sends nothing and keeps what is typed, and nothing can be put into the cart', async () => {
    const { context, page, phone } = await newShopper();
    const asked: string[] = [];
    page.on('request', (request) => void asked.push(`${request.method()} ${request.url()}`));
    let release = await holdScripts(page);
    await page.goto(`${shop.shopUrl}/sign-in`, { waitUntil: 'commit' });
    await page.getByLabel('شماره موبایل').fill(phone);
    await page.getByLabel('شماره موبایل').press('Enter');
    const send = page.getByRole('button', { name: 'فرستادن کد' });
    await send.click({ force: true });
    expect(await send.isDisabled()).toBe(true);
    expect(page.url()).toBe(`${shop.shopUrl}/sign-in`);
    await release();
    await send.click();
    await page.getByLabel('کد پیامکی').fill(await new Shopper(shop, phone).readCode());
    await page.waitForURL(/\/orders$/);
    expect(asked.filter((line) => line.includes(phone))).toEqual([]);

    release = await holdScripts(page);
    await page.goto(`${shop.shopUrl}/p/${slug}`, { waitUntil: 'commit' });
    const add = page.getByRole('button', { name: 'افزودن به سبد' });
    await add.waitFor();
    expect(await add.isDisabled()).toBe(true);
    await release();
    await add.click();
    await page.getByRole('link', { name: 'رفتن به سبد' }).waitFor();
    await context.close();
  });

  /** Signed in, with a delivered order, one that waits for its money after a failed payment, and something in the cart. */
  async function shopperWithOrders() {
    const { context, page, phone } = await newShopper();
    await goToBank(page, phone);
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByRole('button', { name: 'نمایش کد' }).waitFor();
    const delivered = new URL(page.url());
    await goToBank(page, phone);
    await page.getByRole('button', { name: 'پرداخت ناموفق' }).click();
    await page.getByRole('heading', { name: 'پرداخت انجام نشد' }).waitFor();
    const failed = new URL(page.url());
    await page.goto(`${shop.shopUrl}/p/${slug}`);
    await page.getByRole('button', { name: 'افزودن به سبد' }).click();
    await page.getByRole('link', { name: 'رفتن به سبد' }).waitFor();
    const storageState = await context.storageState();
    await context.close();
    const waiting = `/orders/${failed.searchParams.get('order')}`;
    const paths = [
      '/cart',
      '/checkout',
      '/orders',
      '/wallet',
      delivered.pathname,
      waiting,
      `${failed.pathname}${failed.search}`,
    ];
    return { storageState, paths };
  }

  test.each(['fa', 'en'] as const)(
    'SF-3: axe finds nothing serious on the pages in %s, light and dark',
    async (language) => {
      const prefix = language === 'fa' ? '' : '/en';
      const guestPaths = ['/', '/products', `/p/${slug}`, '/cart', '/sign-in', '/payment/result', '/nothing-here'];
      const { storageState, paths: ownPaths } = await shopperWithOrders();
      const visits = [
        ...guestPaths.map((path) => ({ path, isOwn: false })),
        ...ownPaths.map((path) => ({ path, isOwn: true })),
      ];
      const found: string[] = [];
      for (const colorScheme of ['light', 'dark'] as const) {
        const look = { viewport: { width: 1280, height: 900 }, colorScheme, bypassCSP: true };
        const guest = await browser.newContext(look);
        const owner = await browser.newContext({ ...look, storageState });
        const pages = { guest: await guest.newPage(), owner: await owner.newPage() };
        for (const { path, isOwn } of visits) {
          const page = isOwn ? pages.owner : pages.guest;
          await page.goto(`${shop.shopUrl}${prefix}${path}`, { waitUntil: 'networkidle' });
          await page.addScriptTag({ content: axeSource });
          const violations = await page.evaluate(async () => {
            const axe = Reflect.get(globalThis, 'axe') as {
              run: () => Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
            };
            const result = await axe.run();
            return result.violations
              .filter((violation) => violation.impact === 'serious' || violation.impact === 'critical')
              .map((violation) => `${violation.id}: ${violation.nodes[0]?.html.slice(0, 160)}`);
          });
          found.push(...violations.map((violation) => `${colorScheme} ${path} ${violation}`));
        }
        await Promise.all([guest.close(), owner.close()]);
      }
      expect(found).toEqual([]);
    },
  );

  test('SF-1: the first HTML of a product holds its text, its price and its structured data, and names no foreign host', async () => {
    const html = await (await fetch(`${shop.shopUrl}/p/${slug}`)).text();
    expect(html).toContain('ولورانت پوینت');
    expect(html).toContain('application/ld+json');
    expect(html).toContain('تومان');
    const hosts = [...html.matchAll(/(?:src|href)="https?:\/\/([^/"]+)/g)]
      .map((match) => match[1])
      .filter((host) => !host?.startsWith('localhost'));
    expect(hosts).toEqual([]);
  });

  test('SF-1: a product page loads less than 170 KB of compressed JavaScript', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const sizes: Promise<number>[] = [];
    page.on('response', (response) => {
      if (response.url().endsWith('.js'))
        sizes.push(
          response.body().then((body) => {
            // Schemas stay on the server; a phone need not load them.
            expect(body.toString()).not.toContain('_zod');
            return gzipSync(body).length;
          }),
        );
    });
    await page.goto(`${shop.shopUrl}/p/${slug}`, { waitUntil: 'networkidle' });
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    console.log(`JavaScript of the product page: ${Math.round(bytes / 1024)} KB compressed`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(170 * 1024);
    await context.close();
  });

  test('SF-4: from the home page a category is one click away and a product two, and who asks for less motion gets none', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    await page.goto(shop.shopUrl);
    await page.locator('a[href^="/c/"]').first().click();
    await page.waitForURL(/\/c\//);
    const running = await page.evaluate(
      () =>
        document.getAnimations().filter((animation) => Number(animation.effect?.getComputedTiming().duration) > 10)
          .length,
    );
    expect(running).toBe(0);
    await page.locator('main a[href^="/p/"]').first().click();
    await page.waitForURL(/\/p\//);
    await page.getByRole('button', { name: 'افزودن به سبد' }).waitFor();
    await context.close();
  });

  test('every promise of the databases holds afterwards', async () => {
    expect(await checkInvariants(shop)).toEqual([]);
  });

  test('KY-1: a code with its PIN is shown in named parts, each copied by itself', async () => {
    const { context, page, phone } = await newShopper();
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const file = join(shop.folder, 'code-and-pin.txt');
    writeFileSync(file, 'ELDN-B2C4-7F9K\t4822\n');
    await kelid(shop, 'keys', 'import', file, '--sku', 'ELDEN-RING-GLOBAL', '--format', 'code-pin', '--any-format');
    await goToBank(page, phone, 'elden-ring');
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByRole('button', { name: 'نمایش کد' }).click();
    await page.getByRole('button', { name: 'بله، نمایش بده' }).click();
    await page.getByTestId('product-key').getByText('ELDN-B2C4-7F9K').waitFor();
    await page.getByRole('button', { name: 'کپی پین' }).click();
    await page.getByRole('button', { name: 'کپی شد پین' }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('4822');
    await context.close();
  });

  test('a picture for a complaint that is too large or no picture is refused before it is sent', async () => {
    const { context, page, phone } = await newShopper();
    await goToBank(page, phone);
    await page.getByRole('button', { name: 'پرداخت', exact: true }).click();
    await page.waitForURL(/\/orders\//);
    await page.getByRole('button', { name: 'نمایش کد' }).click();
    await page.getByRole('button', { name: 'بله، نمایش بده' }).click();
    await page.getByRole('button', { name: 'این کد کار نمی‌کند؟' }).click();
    const picture = page.getByLabel('عکس صفحه');
    const tooLarge = { name: 'screen.png', mimeType: 'image/png', buffer: Buffer.alloc(1024 * 1024 + 1) };
    const noPicture = { name: 'screen.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.7') };
    for (const file of [tooLarge, noPicture]) {
      await picture.setInputFiles(file);
      await page.getByText('عکس باید PNG').waitFor();
      expect(await picture.inputValue()).toBe('');
      await picture.setInputFiles([]);
      await page.getByText('عکس باید PNG').waitFor({ state: 'hidden' });
    }
    await context.close();
  });

  test('KY-6: a top-up for a game with named servers names the server in the cart', async () => {
    const { context, page } = await newShopper();
    await untilOffered('GENSHIN-GENESIS-CRYSTALS-GLOBAL-60');
    await page.goto(`${shop.shopUrl}/p/genshin-genesis-crystals`);
    const add = page.getByRole('button', { name: 'افزودن به سبد' });
    await page.getByRole('link', { name: 'شناسه درست حساب بازی' }).click();
    await page.keyboard.type('800 123 456');
    expect(await add.isDisabled()).toBe(true);
    await page.getByRole('combobox', { name: /^سرور/ }).selectOption({ label: 'اروپا' });
    await page.getByTestId('nickname').getByText('نام در بازی').waitFor();
    await add.click();
    await page.getByRole('link', { name: 'رفتن به سبد' }).click();
    await page.getByTestId('game-account').getByText('800123456').waitFor();
    await page.getByTestId('game-account').getByText('(اروپا)').waitFor();
    await context.close();
  });

  test('GW-4: who asks too much, and who comes while the shop is away, reads so on a page with its status; other visitors see the shop', async () => {
    const open = (address: string, path: string) =>
      fetch(shop.shopUrl + path, { headers: { 'x-forwarded-for': address } });
    await Promise.all(['pages', 'server'].map((name) => shop.stop(name)));
    await shop.start('server', { GATEWAY_ANONYMOUS_PER_MINUTE: '30' });
    await shop.start('pages', { SHOP_TRUSTED_PROXIES: '127.0.0.1,::1' });
    let searchCount = 0;
    const search = async (address: string) => {
      searchCount += 1;
      return open(address, `/products?q=steam${searchCount}`);
    };
    let answer = await search('198.51.100.7');
    while (answer.status === 200 && searchCount < 60) answer = await search('198.51.100.7');
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([429, true]);
    expect(await answer.text()).toContain('لطفاً کمی آهسته‌تر');
    expect((await search('198.51.100.8')).status).toBe(200);

    await shop.stop('server');
    for (const path of ['/', '/products', '/c/game-keys', `/p/${slug}`, '/en/products?q=steam']) {
      const away = await open('198.51.100.9', path);
      expect([away.status, away.headers.get('retry-after')], path).toEqual([503, '5']);
      expect(await away.text()).toMatch(/فروشگاه چند لحظه در دسترس نیست|The shop is away for a moment/);
    }
    expect((await open('198.51.100.9', '/sitemap.xml')).status).toBe(503);
    expect((await open('198.51.100.9', '/api/v1/products')).status).toBe(503);
    await shop.start('server');
  });

  test('A92 A96: no page can be framed, and nothing behind the shop is shown', async () => {
    for (const path of ['/', '/orders', '/checkout', '/nothing']) {
      const { headers } = await fetch(shop.shopUrl + path);
      expect(headers.get('content-security-policy'), path).toContain("frame-ancestors 'none'");
      expect(headers.get('x-powered-by')).toBeNull();
    }
    const script = /\/_next\/static\/[^"]+\.js/.exec(await (await fetch(shop.shopUrl)).text())?.[0] ?? '';
    for (const path of [`${script}.map`, '/.git/config', '/.env', '/server.ts', '/package.json', '/_next/../server.ts'])
      expect((await fetch(shop.shopUrl + path)).status, path).toBe(404);
    expect((await fetch(shop.shopUrl + script)).headers.get('x-content-type-options')).toBe('nosniff');
  });
});
