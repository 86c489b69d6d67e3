import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { catalogContract } from '@kelid/contracts/catalog';
import { type Client, createHttpClient } from '@kelid/contracts/client';
import type { Contract } from '@kelid/contracts/contract';
import { identityContract } from '@kelid/contracts/identity';
import { inventoryContract } from '@kelid/contracts/inventory';
import { ordersContract } from '@kelid/contracts/orders';
import { paymentsContract, type Psp, type StartedAttempt } from '@kelid/contracts/payments';

interface Places {
  gatewayUrl: string;
  simulatorsUrl: string;
}

type Pay = Pick<StartedAttempt, 'redirectUrl' | 'redirectFields'>;
export interface BrowserStep {
  method: 'GET' | 'POST';
  url: string;
  form?: Record<string, string>;
}

/** Someone who uses the shop over its public API, with a phone of their own. */
export class Shopper {
  readonly phone: string;
  readonly places: Places;
  accessToken: string | undefined;
  refreshToken: string | undefined;
  cartToken: string | undefined;
  userId = '';

  constructor(places: Places, phone = `0912${String(randomInt(10_000_000)).padStart(7, '0')}`) {
    this.places = places;
    this.phone = phone;
  }

  client<C extends Contract>(contract: C, gatewayUrl = this.places.gatewayUrl): Client<C> {
    return createHttpClient(contract, {
      baseUrl: gatewayUrl,
      timeoutMs: 30_000,
      headers: () => ({
        ...(this.accessToken === undefined ? {} : { authorization: `Bearer ${this.accessToken}` }),
        ...(this.cartToken === undefined ? {} : { 'x-cart-token': this.cartToken }),
      }),
      onResponse: (response) => {
        this.cartToken = response.headers.get('x-cart-token') ?? this.cartToken;
      },
    });
  }

  get identity() {
    return this.client(identityContract);
  }
  get catalog() {
    return this.client(catalogContract);
  }
  get orders() {
    return this.client(ordersContract);
  }
  get payments() {
    return this.client(paymentsContract);
  }
  get inventory() {
    return this.client(inventoryContract);
  }

  /** Reads the code of the newest SMS on this phone. */
  async readCode(): Promise<string> {
    for (let tries = 0; tries < 200; tries += 1) {
      const response = await fetch(`${this.places.simulatorsUrl}/sms?phone=${this.phone}`);
      const { items } = (await response.json()) as { items: { text: string }[] };
      const code = items.map((sms) => /#(\d{6})/.exec(sms.text)?.[1]).find((found) => found !== undefined);
      if (code !== undefined) return code;
      await sleep(25);
    }
    throw new Error('No SMS came');
  }

  async signIn(): Promise<this> {
    const { challengeId } = await this.identity.requestOtp({ phone: this.phone });
    const tokens = await this.identity.verifyOtp({ challengeId, code: await this.readCode() });
    this.accessToken = tokens.accessToken;
    this.refreshToken = tokens.refreshToken;
    this.userId = tokens.user.id;
    return this;
  }

  /** A new pair of tokens before the old one ends, as a page does it that is long open. */
  async renew(): Promise<void> {
    const { accessToken, refreshToken } = await this.identity.refreshSession({ refreshToken: this.refreshToken ?? '' });
    this.accessToken = accessToken;
    this.refreshToken = refreshToken;
  }

  /** Does at the bank what a click does there; answers where the browser would go next. */
  async atBank(payment: Pay | null, outcome: 'pay' | 'fail' | 'cancel'): Promise<BrowserStep> {
    const url = new URL(payment?.redirectUrl ?? '');
    const tokens = [...Object.values(payment?.redirectFields ?? {}), ...url.searchParams.values()];
    const token = tokens[0] ?? url.pathname.split('/').at(-1) ?? '';
    const response = await fetch(`${this.places.simulatorsUrl}/banks/attempts/${token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ outcome }),
    });
    return (await response.json()) as BrowserStep;
  }

  /** Follows a bank's callback as the browser does, up to the shop's own page; answers that page's address. */
  async follow({ url, method, form }: BrowserStep): Promise<string> {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      ...(form ? { body: new URLSearchParams(form) } : {}),
    });
    return response.headers.get('location') ?? '';
  }

  async addToCart(variantId: string, quantity = 1, gameAccount?: { playerId: string }): Promise<void> {
    await this.orders.addCartItem({ variantId, quantity, ...(gameAccount ? { gameAccount } : {}) });
  }

  async emptyCart(): Promise<void> {
    const { items } = await this.orders.getCart({});
    for (const { id } of items) await this.orders.deleteCartItem({ itemId: id });
  }

  checkout(key: string = randomUUID(), useWallet = false, psp: Psp = 'zarinpal') {
    return this.orders.checkout({ psp, useWallet }, { idempotencyKey: key });
  }

  async orderIn(orderId: string, statuses: string[], timeoutMs = 20_000) {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const order = await this.orders.getOrder({ orderId });
      if (statuses.includes(order.status)) return order;
      if (performance.now() > until) throw new Error(`The order stayed ${order.status}, not ${statuses.join(' or ')}`);
      await sleep(25);
    }
  }

  /** The whole purchase of one variant, to its revealed product keys. */
  async buy(variantId: string, quantity = 1): Promise<{ orderId: string; codes: string[] }> {
    await this.addToCart(variantId, quantity);
    const { orderId, payment } = await this.checkout();
    if (!payment) throw new Error('There is nothing to pay');
    await this.follow(await this.atBank(payment, 'pay'));
    await this.orderIn(orderId, ['fulfilled']);
    const { items } = await this.inventory.listOrderKeys({ orderId });
    const codes = await Promise.all(
      items.map(async (key) => (await this.inventory.revealKey({ orderId, keyId: key.id })).code ?? ''),
    );
    return { orderId, codes };
  }
}
