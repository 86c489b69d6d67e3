import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemError } from '@kelid/contracts/contract';
import { checkInvariants, kelid, query } from './back-room.ts';
import { type Shop, startShop } from './shop.ts';
import { Shopper } from './shopper.ts';

/** Where the server dies with SIGKILL. `null`: from outside, at a moment that the seed chooses. */
export const crashPoints: Record<string, string | null> = {
  CP1: 'orders.before-placing',
  CP2: 'orders.placing-committed',
  CP3: 'inventory.reserved',
  CP4: 'payments.intent-created',
  CP5: 'payments.requested',
  CP6: null,
  CP7: 'payments.verifying-committed',
  CP8: 'payments.verified',
  CP9: 'payments.captured',
  'CP10 before the queue': 'outbox.claimed',
  'CP10 after the queue': 'outbox.enqueued',
  CP11: 'orders.paid-committed',
  CP12: 'inventory.allocated',
  CP13: 'inventory.supplier-ordered',
  CP14: 'inventory.supplier-fetched',
  CP15: 'orders.delivered',
  CP17: 'payments.sale-posted',
};

export interface CrashWorld {
  shop: Shop;
  variantIds: string[];
  /** Without own stock: bought from suppliers when it is sold. */
  suppliedIds: string[];
}

const unlimited = '1000000';
/** Locks of dead workers end soon and nobody is limited, so that a run takes seconds. */
const crashEnv: Record<string, string> = {
  WORKER_LOCK_MS: '2000',
  ORDERS_PENDING_MAX: unlimited,
  IDENTITY_OTP_PER_IP_10_MIN: unlimited,
  IDENTITY_OTP_PER_IP_HOUR: unlimited,
  IDENTITY_OTP_PER_PREFIX_10_MIN: unlimited,
  IDENTITY_OTP_GLOBAL_PER_HOUR: unlimited,
  IDENTITY_OTP_DAILY_MAX: unlimited,
};

export async function startCrashWorld(): Promise<CrashWorld> {
  const shop = await startShop({ shape: 'one', env: crashEnv });
  await kelid(shop, 'demo', 'load');
  const rows = await query(shop, 'catalog', 'select id from variants where available_count > 20 order by id limit 40');
  await fillSuppliers(shop);
  const supplied = await query(shop, 'inventory', 'select distinct variant_id as id from supplier_offers');
  const idsOf = (found: Record<string, unknown>[]) => found.map((row) => String(row['id']));
  return { shop, variantIds: idsOf(rows), suppliedIds: idsOf(supplied) };
}

async function control(shop: Shop, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${shop.simulatorsUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path} of the simulators: ${response.status}`);
  return response.status === 204 ? undefined : response.json();
}

const supplierNames = ['codeswholesale', 'kinguin'] as const;

/** Enough of everything and money for it, however many rounds are run. */
async function fillSuppliers(shop: Shop): Promise<void> {
  for (const name of supplierNames) {
    const { items } = (await control(shop, 'GET', `/suppliers/${name}/products`)) as {
      items: { ref: string; name: string; platform: string; region: string; priceCents: number }[];
    };
    for (const { ref, priceCents, ...product } of items)
      await control(shop, 'PUT', `/suppliers/${name}/products/${ref}`, {
        name: product.name,
        platform: product.platform,
        region: product.region,
        price: (priceCents / 100).toFixed(2),
        stock: 1_000_000,
      });
    await control(shop, 'PUT', `/suppliers/${name}/balance`, { cents: 1_000_000_000 });
  }
}

/** What suppliers do wrong in a round, by its seed: each in about a third of its orders. */
async function spoilSuppliers(shop: Shop, random: () => number): Promise<void> {
  const modes = [
    'lose-answer',
    'error',
    'html-503',
    'out-of-stock',
    'late',
    'partial',
    'duplicate-code',
    'cut-short',
    'duplicate',
  ];
  for (const name of supplierNames) {
    const mode = modes[Math.floor(random() * modes.length)];
    await control(shop, 'PUT', `/faults/${name}.order`, { mode, probability: 0.35, delayMs: 200 });
  }
}

/** What a client knows for sure: it was told so. The databases are held against it afterwards. */
interface Acknowledged {
  orderId: string;
  userId: string;
  isPaid: boolean;
}

export interface CrashReport {
  hasDied: boolean;
  purchaseCount: number;
  problems: string[];
}

/**
 * One crash under load: shoppers buy, the server dies at the point and comes back, the shoppers go on; afterwards everything rests,
 * every promise of the databases holds, and what clients were told is so.
 */
export async function crashOnce(world: CrashWorld, point: string, seed: number): Promise<CrashReport> {
  const { shop, variantIds, suppliedIds } = world;
  const random = randomOf(seed);
  const failpoint = crashPoints[point];
  const shoppers = await Promise.all(Array.from({ length: 5 }, () => new Shopper(shop).signIn()));

  await shop.stop('server');
  const passing = 1 + Math.floor(random() * 4);
  const isOfSuppliers = point === 'CP13' || point === 'CP14';
  if (isOfSuppliers) await spoilSuppliers(shop, random);
  // Offers of the last round are asked for again before anything is promised.
  if (isOfSuppliers)
    await query(
      shop,
      'inventory',
      "update supplier_offers set quoted_at = now() - interval '5 minutes', due_at = now()",
    );
  await shop.start('server', failpoint ? { FAILPOINTS: `${failpoint}:${passing}` } : {});
  const told: Acknowledged[] = [];
  let isOver = false;
  const load = Promise.all(
    shoppers.map(async (shopper) => {
      while (!isOver) {
        const ids = isOfSuppliers && random() < 0.6 ? suppliedIds : variantIds;
        const variantId = ids[Math.floor(random() * ids.length)] ?? '';
        await buy(shopper, variantId, told, () => isOver);
      }
    }),
  );

  const until = performance.now() + 20_000;
  if (failpoint) while (!shop.hasEnded('server') && performance.now() < until) await sleep(20);
  else {
    await sleep(300 + random() * 1_500);
    await shop.kill('server');
  }
  const hasDied = shop.hasEnded('server');
  if (hasDied) await shop.start('server');
  await sleep(1_000);
  isOver = true;
  await load;
  await control(shop, 'DELETE', '/faults');

  const problems = await quiesce(shop);
  for (const violation of await checkInvariants(shop))
    problems.push(
      `${violation.service} ${violation.id} ${violation.sentence}: ${JSON.stringify(violation.rows.slice(0, 3))}`,
    );
  problems.push(...(await checkHistory(shop, told)));
  return { hasDied, purchaseCount: told.filter((entry) => entry.isPaid).length, problems };
}

/** One purchase as a person makes it while the shop comes and goes: the same key until it is answered, the bank, the callback once. */
async function buy(shopper: Shopper, variantId: string, told: Acknowledged[], isOver: () => boolean): Promise<void> {
  const isAdded = await retry(() => shopper.addToCart(variantId), isOver);
  if (!isAdded) return;
  const key = randomUUID();
  const answer = await retry(() => shopper.checkout(key), isOver);
  if (!answer?.payment) return;
  const entry: Acknowledged = { orderId: answer.orderId, userId: shopper.userId, isPaid: false };
  told.push(entry);
  const callback = await shopper.atBank(answer.payment.redirectUrl, 'pay');
  entry.isPaid = true;
  await shopper.follow(callback).catch(() => undefined); // A browser does not come back a second time.
}

async function retry<T>(call: () => Promise<T>, isOver: () => boolean): Promise<T | undefined> {
  for (let tries = 0; tries < 400; tries += 1) {
    try {
      return (await call()) ?? (true as T);
    } catch (error) {
      const isPassing =
        !(error instanceof ProblemError) || error.status >= 500 || error.code === 'idempotency-key-running';
      if (!isPassing) return undefined;
      if (isOver() && tries > 100) return undefined;
      await sleep(50);
    }
  }
  return undefined;
}

/** Lets the shop come to rest: what waits for its time is made due, until nothing moves. Answers what still hangs. */
async function quiesce(shop: Shop): Promise<string[]> {
  const until = performance.now() + 60_000;
  for (;;) {
    // The clock of a test: rows are made older instead of waiting for them.
    await query(
      shop,
      'orders',
      "update orders set due_at = now() where due_at > now() and (status in ('paid', 'fulfilling', 'cancelled', 'expired') or (status = 'placing' and placed_at < now() - interval '3 seconds'))",
    );
    await query(
      shop,
      'payments',
      "update payment_attempts set due_at = now() where due_at > now() and status in ('returned', 'verifying', 'unknown', 'requesting') and updated_at < now() - interval '1 second'",
    );
    await query(shop, 'inventory', 'update supplier_states set cooldown_until = null');
    await query(shop, 'inventory', "update supply_needs set due_at = now() where status = 'open'");
    await query(
      shop,
      'inventory',
      "update procurements set due_at = now() where due_at > now() and status in ('unknown', 'placed', 'received') or status = 'ordering' and created_at < now() - interval '2 seconds'",
    );
    for (const service of ['orders', 'payments', 'inventory', 'identity', 'catalog'])
      await query(
        shop,
        service,
        "update outbox set claimed_until = null where sent_at is null and claimed_until is not null and claimed_until < now() + interval '8 seconds'",
      );
    await sleep(700);
    const moving = [
      ...(await query(
        shop,
        'orders',
        "select id, status from orders where status in ('placing', 'paid', 'fulfilling', 'part_fulfilled') or (status in ('cancelled', 'expired') and due_at is not null)",
      )),
      ...(await query(
        shop,
        'payments',
        "select a.id, a.status from payment_attempts a where a.status in ('requesting', 'returned', 'verifying', 'unknown')",
      )),
      ...(await query(
        shop,
        'inventory',
        "select id, status from procurements where status in ('ordering', 'unknown', 'placed') or status = 'received' and due_at is not null",
      )),
      ...(await query(shop, 'inventory', "select order_line_id as id, status from supply_needs where status = 'open'")),
      ...(await query(shop, 'payments', "select attempt_id as id, 'unaccounted' as status from captures_unaccounted")),
    ];
    const unsent = [];
    for (const service of ['orders', 'payments', 'inventory'])
      unsent.push(...(await query(shop, service, 'select id from outbox where sent_at is null')));
    if (moving.length === 0 && unsent.length === 0) return [];
    if (performance.now() > until) return moving.map((row) => `still moving: ${JSON.stringify(row)}`);
  }
}

/** Jepsen's question: is everything that a client was told still so, and did nothing happen twice? */
async function checkHistory(shop: Shop, told: Acknowledged[]): Promise<string[]> {
  const problems: string[] = [];
  const until = performance.now() + 45_000;
  for (const entry of told) {
    for (;;) {
      const [order] = await query(shop, 'orders', 'select status, customer_id from orders where id = $1', [
        entry.orderId,
      ]);
      if (!order) problems.push(`order ${entry.orderId} was acknowledged and is gone`);
      if (!order || !entry.isPaid) break;
      if (order['status'] === 'fulfilled') break;
      const surplus = await query(
        shop,
        'payments',
        'select 1 from payment_attempts where order_id = $1 and is_surplus',
        [entry.orderId],
      );
      if (surplus.length > 0) break;
      if (performance.now() > until) {
        problems.push(`order ${entry.orderId} was paid at the bank and is ${String(order['status'])}`);
        break;
      }
      await query(
        shop,
        'payments',
        "update payment_attempts set redirected_at = least(redirected_at, now() - interval '25 seconds'), due_at = now() where order_id = $1 and status in ('redirected', 'verifying', 'unknown')",
        [entry.orderId],
      );
      await sleep(300);
    }
  }
  const twice = await query(
    shop,
    'inventory',
    'select order_line_id from key_allocations group by order_line_id, unit_no, replacement_no having count(*) > 1',
  );
  if (twice.length > 0) problems.push('a unit has two keys');
  // Whatever the suppliers were paid for is here: a product key, or one refused as a duplicate.
  for (const name of supplierNames) {
    const { items } = (await control(shop, 'GET', `/suppliers/${name}/orders`)) as {
      items: { orderId: string; units: { id: string; state: string }[] }[];
    };
    const here = await query(shop, 'inventory', `select unit_ref from supplied_units where supplier = '${name}'`);
    const refs = new Set(here.map((row) => String(row['unit_ref'])));
    for (const { orderId, units } of items)
      for (const unit of units)
        if (unit.state === 'ready' && !refs.has(unit.id))
          problems.push(`${name} sold unit ${unit.id} of ${orderId}, and it is not here`);
  }
  return problems;
}

function randomOf(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
