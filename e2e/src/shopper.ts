import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { catalogContract } from '@kelid/contracts/catalog';
import { type Client, createHttpClient } from '@kelid/contracts/client';
import type { Contract } from '@kelid/contracts/contract';
import { identityContract } from '@kelid/contracts/identity';
import { inventoryContract } from '@kelid/contracts/inventory';
import { ordersContract } from '@kelid/contracts/orders';
import { paymentsContract } from '@kelid/contracts/payments';

interface Places {
  gatewayUrl: string;
  simulatorsUrl: string;
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

  client<C extends Contract>(contract: C): Client<C> {
    return createHttpClient(contract, {
      baseUrl: this.places.gatewayUrl,
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

  /** Does at the bank what a click does there; answers where the browser would go next. */
  async atBank(redirectUrl: string | null, outcome: 'pay' | 'fail' | 'cancel'): Promise<string> {
    const token = redirectUrl?.split('/').at(-1) ?? '';
    const response = await fetch(`${this.places.simulatorsUrl}/banks/attempts/${token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ outcome }),
    });
    const { url } = (await response.json()) as { url: string };
    return url;
  }

  /** Follows a bank's callback as the browser does, up to the shop's own page; answers that page's address. */
  async follow(callbackUrl: string): Promise<string> {
    const response = await fetch(callbackUrl, { redirect: 'manual' });
    return response.headers.get('location') ?? '';
  }

  async addToCart(variantId: string, quantity = 1, gameAccount?: { playerId: string }): Promise<void> {
    await this.orders.addCartItem({ variantId, quantity, ...(gameAccount ? { gameAccount } : {}) });
  }

  checkout(key: string = randomUUID(), useWallet = false) {
    return this.orders.checkout({ psp: 'zarinpal', useWallet }, { idempotencyKey: key });
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
    await this.follow(await this.atBank(payment.redirectUrl, 'pay'));
    await this.orderIn(orderId, ['fulfilled']);
    const { items } = await this.inventory.listOrderKeys({ orderId });
    const codes = await Promise.all(
      items.map(async (key) => (await this.inventory.revealKey({ orderId, keyId: key.id })).code ?? ''),
    );
    return { orderId, codes };
  }
}
