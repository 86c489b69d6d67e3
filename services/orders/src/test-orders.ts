import { createHash } from 'node:crypto';
import type { GameAccountRule } from '@kelid/contracts/game-account';
import {
  gameAccountUnknown,
  type inventoryContract,
  reservationReleased,
  stockShort,
} from '@kelid/contracts/inventory';
import { ordersContract } from '@kelid/contracts/orders';
import { intentClosed, limitReached, type paymentsContract } from '@kelid/contracts/payments';
import type { Actor } from '@kelid/service/context';
import { canonicalJson } from '@kelid/service/idempotency';
import { newId } from '@kelid/service/ids';
import { patiently, startServices, type TestServices, userActor } from '@kelid/testing/start-service';
import type { z } from 'zod';
import { ordersService } from './service.ts';

type InputOf<Operation extends { input: z.ZodType }> = z.output<Operation['input']>;
type Reserve = InputOf<(typeof inventoryContract)['operations']['reserveStock']>;
type Release = InputOf<(typeof inventoryContract)['operations']['releaseStock']>;
type Fulfill = InputOf<(typeof inventoryContract)['operations']['fulfillOrder']>;
type CheckAccount = InputOf<(typeof inventoryContract)['operations']['checkGameAccount']>;
type CreateIntent = InputOf<(typeof paymentsContract)['operations']['createIntent']>;
type StartAttempt = InputOf<(typeof paymentsContract)['operations']['startAttempt']>;
type CloseIntent = InputOf<(typeof paymentsContract)['operations']['closeIntent']>;

type MoneyState = 'captured' | 'checking' | 'review' | 'settled';

/** What the other services know, for a test to look at and to change. They keep the promises that their contracts make. */
export class Surroundings {
  readonly variants = new Map<string, { priceRial: number; title: string; isSold: boolean }>();
  /** What happens elsewhere between the order's first commit and its hold. */
  beforeReserve: (() => Promise<void>) | undefined;
  /** What happens elsewhere between the payment's start and its answer. */
  afterAttempt: ((attempt: StartAttempt) => Promise<void>) | undefined;
  /** Variants that need a game's account. */
  readonly topUps = new Map<string, GameAccountRule>();
  /** Variants that are not out yet, with their day. */
  readonly releases = new Map<string, string>();
  /** Variants that somebody else than the shop sells. */
  readonly sellers = new Map<string, string>();
  /** The categories of a variant, from its own upwards. */
  readonly categories = new Map<string, string[]>();
  readonly stock = new Map<string, number>();
  readonly holds = new Map<string, { status: 'held' | 'released'; lines: Reserve['lines'] }>();
  readonly keys = new Map<string, string[]>();
  /** Each line as inventory was last asked to fill it. */
  readonly fulfilled = new Map<string, Fulfill['lines'][number]>();
  /** What becomes of the units that the stock lacks; `none` where nothing is said. Such variants may be ordered without stock. */
  readonly supply = new Map<string, 'open' | 'failed'>();
  readonly intents = new Map<string, { amountRial: number; status: 'open' | 'expired' | 'cancelled' }>();
  readonly attempts = new Set<string>();
  /** Orders whose money is not settled; several states are told one after the other. */
  readonly money = new Map<string, MoneyState | MoneyState[]>();
  /** What a customer may buy in a day. */
  dayMaxRial = 10_000_000_000;
  /** `refuses` fails before the call has an effect; `loses` does the work and loses the answer. */
  readonly faults = new Map<string, 'refuses' | 'loses'>();

  addVariant(stockCount: number, priceRial = 5_000_000): string {
    const variantId = newId();
    this.variants.set(variantId, { priceRial, title: 'گیفت کارت استیم', isSold: true });
    this.stock.set(variantId, stockCount);
    return variantId;
  }

  heldCount(variantId: string): number {
    const lines = [...this.holds.values()].flatMap((hold) => (hold.status === 'held' ? hold.lines : []));
    return lines.filter((line) => line.variantId === variantId).reduce((sum, line) => sum + line.quantity, 0);
  }

  answers() {
    const answer = <Input>(name: string, work: (input: Input) => unknown) => {
      return (input: Input) => {
        if (this.faults.get(name) === 'refuses') throw new Error(`${name} is away`);
        const output = work(input);
        if (this.faults.get(name) === 'loses') throw new Error(`the answer of ${name} was lost`);
        return output;
      };
    };
    return {
      catalog: {
        getVariants: answer('getVariants', ({ variantIds }: { variantIds: string[] }) => ({
          items: variantIds.flatMap((id) => this.#showVariant(id)),
        })),
      },
      inventory: {
        reserveStock: async (input: Reserve) => {
          await this.beforeReserve?.();
          return answer('reserveStock', (reserved: Reserve) => this.#reserve(reserved))(input);
        },
        releaseStock: answer('releaseStock', ({ orderId, round }: Release) => this.#release(`${orderId} ${round}`)),
        fulfillOrder: answer('fulfillOrder', (input: Fulfill) => this.#fulfill(input)),
        checkGameAccount: answer('checkGameAccount', ({ gameAccount }: CheckAccount) => {
          if (gameAccount.playerId.endsWith('000')) throw gameAccountUnknown({ field: 'gameAccount.playerId' });
          return { nickname: gameAccount.playerId.endsWith('9') ? null : `player ${gameAccount.playerId}` };
        }),
      },
      payments: {
        createIntent: answer('createIntent', ({ orderId, amountRial }: CreateIntent) => {
          if (amountRial > this.dayMaxRial) throw limitReached({ limitRial: this.dayMaxRial, period: 'day' });
          if (!this.intents.has(orderId)) this.intents.set(orderId, { amountRial, status: 'open' });
          return { intentId: orderId, status: this.intents.get(orderId)?.status };
        }),
        startAttempt: async (input: StartAttempt) => {
          const started = answer('startAttempt', ({ attemptId, orderId }: StartAttempt) => {
            if (this.intents.get(orderId)?.status !== 'open') throw intentClosed();
            this.attempts.add(attemptId);
            return { attemptId, redirectUrl: `https://bank.example/${attemptId}`, redirectFields: null };
          })(input);
          await this.afterAttempt?.(input);
          return started;
        },
        getOrderMoney: answer('getOrderMoney', ({ orderId }: { orderId: string }) => ({
          state:
            [this.money.get(orderId) ?? 'settled'].map((told) => (Array.isArray(told) ? told.shift() : told))[0] ??
            'settled',
        })),
        closeIntent: answer('closeIntent', ({ orderId, status }: CloseIntent) => {
          const intent = this.intents.get(orderId);
          if (intent) intent.status = status;
        }),
      },
    };
  }

  #showVariant(variantId: string) {
    const variant = this.variants.get(variantId);
    if (!variant?.isSold) return [];
    return [
      {
        variantId,
        productId: variantId,
        categoryIds: this.categories.get(variantId) ?? [],
        productSlug: 'steam-gift-card',
        sku: variantId,
        title: { fa: variant.title, en: 'Steam gift card' },
        variantTitle: { fa: '۱۰ دلاری', en: '10 USD' },
        type: 'gift_card',
        brand: 'Steam',
        platform: 'Steam',
        region: 'US',
        faceValue: 10,
        faceCurrency: 'USD',
        image: '/api/v1/media/steam',
        priceRial: variant.priceRial,
        availability: this.releases.has(variantId)
          ? 'pre_order'
          : (this.stock.get(variantId) ?? 0) > 0
            ? 'in_stock'
            : 'out_of_stock',
        accountRule: this.topUps.get(variantId) ?? null,
        releasesOn: this.releases.get(variantId) ?? null,
        sellerId: this.sellers.get(variantId) ?? null,
        fulfilmentKind: this.topUps.has(variantId) ? 'top_up' : 'key',
      },
    ];
  }

  #reserve({ orderId, round, lines }: Reserve) {
    const key = `${orderId} ${round}`;
    const known = this.holds.get(key);
    if (known?.status === 'released') throw reservationReleased();
    if (!known) {
      const short = lines.filter(
        (line) => (this.stock.get(line.variantId) ?? 0) < line.quantity && !this.supply.has(line.variantId),
      );
      if (short.length > 0) throw stockShort({ variantIds: short.map((line) => line.variantId) });
      for (const line of lines) this.stock.set(line.variantId, (this.stock.get(line.variantId) ?? 0) - line.quantity);
      this.holds.set(key, { status: 'held', lines });
    }
    return { reservationId: orderId };
  }

  #release(key: string) {
    const hold = this.holds.get(key);
    if (hold?.status === 'held')
      for (const line of hold.lines)
        this.stock.set(line.variantId, (this.stock.get(line.variantId) ?? 0) + line.quantity);
    this.holds.set(key, { status: 'released', lines: [] });
  }

  #fulfill({ orderId, round, lines }: Fulfill) {
    for (const line of lines) this.fulfilled.set(line.orderLineId, line);
    const isHeld = this.holds.get(`${orderId} ${round}`)?.status === 'held';
    return {
      lines: lines.map((line) => {
        const isSupplied = this.supply.has(line.variantId);
        const keyIds =
          this.keys.get(line.orderLineId) ??
          (isHeld && !isSupplied ? Array.from({ length: line.quantity }, () => newId()) : []);
        if (keyIds.length > 0) this.keys.set(line.orderLineId, keyIds);
        const missingCount = line.quantity - keyIds.length;
        const supply = (missingCount > 0 && this.supply.get(line.variantId)) || 'none';
        return { orderLineId: line.orderLineId, keyIds, missingCount, supply };
      }),
    };
  }
}

export interface TestOrders extends TestServices {
  around: Surroundings;
  client(actor: Actor, idempotencyKey?: string): ReturnType<typeof clientOf>;
  /** A customer whose cart holds this much of a variant. */
  shopper(variantId: string, quantity?: number): Promise<Shopper>;
  /** The rows of a checkout whose process died right after its first commit (CP2); its lease is over unless said otherwise. */
  leavePlacing(buyer: Shopper, key?: string, leaseSeconds?: number): Promise<string>;
  /** What does not hold of db/invariants.sql. */
  brokenInvariants(): Promise<string[]>;
}
export interface Shopper {
  actor: Actor;
  userId: string;
  checkout(key?: string): ReturnType<ReturnType<typeof clientOf>['checkout']>;
}

/** Orders alone on its own database, with its sweeps driven by the test unless `run` says otherwise. */
export async function startOrders(run: 'api' | 'all' = 'api', env: Record<string, string> = {}): Promise<TestOrders> {
  const around = new Surroundings();
  const shop = await startServices({
    services: [ordersService],
    env: { RUN: run, DATABASE_POOL_MAX: '20', ...env },
    peerAnswers: around.answers(),
  });
  const client = (actor: Actor, idempotencyKey?: string) => clientOf(shop, actor, idempotencyKey);
  return {
    ...shop,
    around,
    client,
    async shopper(variantId, quantity = 1) {
      const userId = newId();
      const actor = userActor(userId);
      await client(actor).addCartItem({ variantId, quantity });
      // Where the test broke nothing, a 503 is a busy machine's; whoever hears that asks again with the same key.
      const checkout: Shopper['checkout'] = (key = newId()) => {
        const ask = () => client(actor, key).checkout({ psp: 'zarinpal' });
        return around.faults.size === 0 ? patiently(ask) : ask();
      };
      return { actor, userId, checkout };
    },
    async leavePlacing(buyer, key = newId(), leaseSeconds = 0) {
      const input = { psp: 'zarinpal', useWallet: false };
      const inputHash = createHash('sha256').update(canonicalJson(input)).digest('hex');
      const orderId = newId();
      const [line] = await shop.sql(
        'orders',
        `select i.*, c.order_count from cart_items i join carts c on c.id = i.cart_id where c.customer_id = $1`,
        [buyer.userId],
      );
      const priceRial = around.variants.get(String(line?.['variant_id']))?.priceRial ?? 0;
      const [order, orderLine, idempotencyKey] = [
        `insert into orders (id, order_number, customer_id, cart_id, cart_order_count, status, discount_rial, vat_rial, total_rial, psp, contact, first_attempt_id, idempotency_key, hold_expires_at, due_at)
         select $1::uuid, $2::text, $3::text::uuid, $4::uuid, $5::int, 'placing', 0, 0, $6::bigint, 'zarinpal', '{}', uuidv7(), $7::text, now() + interval '20 minutes', now() + make_interval(secs => $8::int)`,
        `insert into order_lines (id, order_id, position, variant_id, product_slug, title, variant_title, region, platform, quantity, unit_price_rial)
         values (uuidv7(), $1, 0, $9, 'steam-gift-card', '{"fa":"","en":""}', '{"fa":"","en":""}', 'US', 'Steam', $10, $11)`,
        `insert into idempotency_keys (actor_id, operation, key, input_hash, resource_id) values ($3::text, 'checkout', $7, $12, $1)`,
      ];
      // One statement, as the transaction of a checkout.
      await shop.sql('orders', `with o as (${order}), l as (${orderLine}) ${idempotencyKey}`, [
        orderId,
        `KLD-${orderId.slice(-8)}`,
        buyer.userId,
        line?.['cart_id'],
        line?.['order_count'],
        priceRial * Number(line?.['quantity']),
        key,
        leaseSeconds,
        line?.['variant_id'],
        line?.['quantity'],
        priceRial,
        inputHash,
      ]);
      return orderId;
    },
    brokenInvariants: () => shop.brokenInvariants('orders'),
  };
}

function clientOf(shop: Pick<TestServices, 'as'>, actor: Actor, idempotencyKey?: string) {
  return shop.as(ordersContract, actor, idempotencyKey === undefined ? {} : { idempotencyKey });
}
