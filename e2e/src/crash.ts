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
  CP16: 'payments.refund-sent',
  CP17: 'payments.sale-posted',
};
/** Not one moment, but any: processes of the background work die again and again while suppliers fail in every way they can. */
export const workersPoint = 'workers';

/** What happens to the database while the server stays up: callers hear 503 with Retry-After, and then all is as before. */
export const outages: Record<string, (shop: Shop, random: () => number) => Promise<void>> = {
  'F3: ten times every connection is cut, and then PostgreSQL ends at once and starts again': async (shop, random) => {
    for (let cut = 0; cut < 10; cut += 1) {
      await sleep(150 + random() * 250);
      await query(
        shop,
        'orders',
        "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
      );
    }
    await shop.restartDatabase();
  },
};

export interface CrashWorld {
  shop: Shop;
  variantIds: string[];
  /** Without own stock: bought from suppliers when it is sold. A top-up needs an account. */
  supplied: { variantId: string; isTopUp: boolean }[];
  workerCount: number;
}

const unlimited = '1000000';
/** Locks of dead workers end soon and nobody is limited, so that a run takes seconds. */
const crashEnv: Record<string, string> = {
  WORKER_LOCK_MS: '2000',
  ORDERS_PENDING_MAX: unlimited,
  ORDERS_PER_MINUTE_MAX: unlimited,
  ORDERS_HELD_UNITS_MAX: unlimited,
  ORDERS_UNPAID_FREE_MAX: unlimited,
  IDENTITY_OTP_PER_IP_10_MIN: unlimited,
  IDENTITY_OTP_PER_IP_HOUR: unlimited,
  IDENTITY_OTP_PER_PREFIX_10_MIN: unlimited,
  IDENTITY_OTP_GLOBAL_PER_HOUR: unlimited,
  IDENTITY_OTP_DAILY_MAX: unlimited,
};

export async function startCrashWorld(workerCount = 0): Promise<CrashWorld> {
  const shop = await startShop({ shape: 'one', env: crashEnv, workerCount });
  await kelid(shop, 'demo', 'load');
  const rows = await query(shop, 'catalog', 'select id from variants where available_count > 20 order by id limit 40');
  await fillSuppliers(shop);
  const offers = await query(
    shop,
    'inventory',
    "select variant_id as id, bool_or(supplier = 'moogold') as is_top_up from supplier_offers where not allows_pre_order group by 1",
  );
  // Genshin and Mobile Legends want a zone too; those with a player number alone are enough here.
  const plain = await query(
    shop,
    'catalog',
    "select v.id from variants v join products p on p.id = v.product_id where coalesce(p.account_rule, 'pubg-mobile') = 'pubg-mobile'",
  );
  const plainIds = new Set(plain.map((row) => String(row['id'])));
  const supplied = offers
    .map((row) => ({ variantId: String(row['id']), isTopUp: row['is_top_up'] === true }))
    .filter(({ variantId }) => plainIds.has(variantId));
  return { shop, variantIds: rows.map((row) => String(row['id'])), supplied, workerCount };
}

async function control(shop: Shop, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${shop.simulatorsUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path} of the simulators: ${response.status}`);
  return response.status === 204 ? undefined : response.json();
}

const supplierNames = ['codeswholesale', 'kinguin', 'moogold'] as const;

/** Enough of everything and money for it, however many rounds are run. */
async function fillSuppliers(shop: Shop): Promise<void> {
  for (const name of supplierNames) {
    await control(shop, 'PUT', `/suppliers/${name}/balance`, { cents: 1_000_000_000 });
    if (name === 'moogold') continue; // Its top-ups never run out.
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
  }
}

/** What suppliers do wrong in a round, by its seed: each in about a third of its orders, and its other answers now and then. */
async function spoilSuppliers(shop: Shop, random: () => number): Promise<void> {
  const pick = <Mode>(modes: readonly Mode[]): Mode | undefined => modes[Math.floor(random() * modes.length)];
  const anywhere = [
    'lose-answer',
    'error',
    'html-503',
    'out-of-stock',
    'late',
    'cut-short',
    'empty',
    'garbage',
    'too-many',
  ];
  const odd = [
    'partial',
    'duplicate-code',
    'duplicate',
    'cancelled',
    'price-jump',
    'wrong-product',
    'image',
    'pre-order',
  ];
  const reading = { codeswholesale: 'codes', kinguin: 'keys', moogold: 'find' };
  for (const name of supplierNames) {
    const orderModes =
      name === 'moogold' ? [...anywhere, 'cancelled', 'price-jump'] : [...anywhere, ...odd, 'sold-out-404'];
    await control(shop, 'PUT', `/faults/${name}.order`, { mode: pick(orderModes), probability: 0.35, delayMs: 200 });
    const mode = pick(['error', 'html-503', 'garbage', 'cut-short', 'too-many', 'down']);
    await control(shop, 'PUT', `/faults/${name}.${reading[name]}`, { mode, probability: 0.2, delayMs: 200 });
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
  /** How often a shopper was asked to come back in a moment. */
  awayCount: number;
  purchaseCount: number;
  problems: string[];
}

/**
 * One crash under load: shoppers buy, the server dies at the point and comes back, the shoppers go on; afterwards everything rests,
 * every promise of the databases holds, and what clients were told is so.
 */
export async function crashOnce(world: CrashWorld, point: string, seed: number): Promise<CrashReport> {
  const { shop, variantIds, supplied, workerCount } = world;
  const random = randomOf(seed);
  const failpoint = crashPoints[point];
  const shoppers = await Promise.all(Array.from({ length: 5 }, () => new Shopper(shop).signIn()));

  const isOfWorkers = point === workersPoint;
  const outage = outages[point];
  const isOfServer = !isOfWorkers && !outage;
  if (isOfServer) await shop.stop('server');
  const passing = 1 + Math.floor(random() * 4);
  const isOfSuppliers = point === 'CP13' || point === 'CP14' || isOfWorkers;
  // In one round of four nobody delivers at all, and what was paid goes back.
  const isHopeless = isOfWorkers && random() < 0.25;
  if (isOfSuppliers) await spoilSuppliers(shop, random);
  // Offers of the last round are asked for again before anything is promised.
  if (isOfSuppliers)
    await query(
      shop,
      'inventory',
      "update supplier_offers set quoted_at = now() - interval '5 minutes', due_at = now()",
    );
  const isOfRefunds = point === 'CP16';
  if (isOfServer) await shop.start('server', failpoint ? { FAILPOINTS: `${failpoint}:${passing}` } : {});
  const told: Acknowledged[] = [];
  const staff = isOfRefunds ? await hireStaff(shop) : undefined;
  const round: Round = { isOver: false, awayCount: 0, strangeAnswers: [] };
  const load = Promise.all(
    shoppers.map(async (shopper) => {
      while (!round.isOver) {
        const isSupplied = isOfSuppliers && random() < 0.6;
        const at = Math.floor(random() * (isSupplied ? supplied.length : variantIds.length));
        const item = isSupplied ? supplied[at] : { variantId: variantIds[at] ?? '', isTopUp: false };
        if (item) await buy(shopper, item, told, round);
        const bought = told.findLast((entry) => entry.userId === shopper.userId && entry.isPaid);
        if (staff && bought && random() < 0.5) await refund(shop, staff, bought.orderId, round);
        // A shopper is no hammer: the suppliers keep up, and what they get wrong is what is looked at.
        if (isOfWorkers) await sleep(150 + random() * 200);
      }
    }),
  );

  if (outage) await outage(shop, random);
  const hasDied = outage
    ? shop.hasEnded('server')
    : isOfWorkers
      ? await killWorkers(shop, workerCount, random)
      : await killServer(shop, failpoint ?? null, random);
  // Whoever was in the middle of a checkout waits for the sweep; somebody new is served at once.
  if (!isOfWorkers)
    await buy(await new Shopper(shop).signIn(), newcomersItem(variantIds), told, {
      ...round,
      isOver: false,
    });
  await sleep(1_000);
  round.isOver = true;
  await load;
  await control(shop, 'DELETE', '/faults');
  if (isHopeless) {
    for (const name of supplierNames) await control(shop, 'PUT', `/faults/${name}.order`, { mode: 'out-of-stock' });
    await query(
      shop,
      'inventory',
      "update supply_needs set created_at = now() - interval '1 day' where status = 'open'",
    );
  }

  const problems = await quiesce(shop);
  // A server that stays up has no excuse for an answer that is neither a right one nor "come back in a moment".
  if (outage) problems.push(...round.strangeAnswers);
  for (const violation of await checkInvariants(shop))
    problems.push(
      `${violation.service} ${violation.id} ${violation.sentence}: ${JSON.stringify(violation.rows.slice(0, 3))}`,
    );
  problems.push(...(await checkHistory(shop, told)));
  if (isOfRefunds) problems.push(...(await checkBank(shop, told)));
  const { awayCount } = round;
  return { hasDied, awayCount, purchaseCount: told.filter((entry) => entry.isPaid).length, problems };
}

interface Round {
  isOver: boolean;
  awayCount: number;
  strangeAnswers: string[];
}

function newcomersItem([variantId = '']: string[]): CrashWorld['supplied'][number] {
  return { variantId, isTopUp: false };
}

/** The server dies at the failpoint, or at a moment that the seed chooses, and is started again. */
async function killServer(shop: Shop, failpoint: string | null, random: () => number): Promise<boolean> {
  const until = performance.now() + 20_000;
  if (failpoint) while (!shop.hasEnded('server') && performance.now() < until) await sleep(20);
  else {
    await sleep(300 + random() * 1_500);
    await shop.kill('server');
  }
  const hasDied = shop.hasEnded('server');
  if (hasDied) await shop.start('server');
  return hasDied;
}

/** Three times some worker dies at some moment; now and then both are gone for a while. */
async function killWorkers(shop: Shop, workerCount: number, random: () => number): Promise<boolean> {
  for (let death = 0; death < 3; death += 1) {
    await sleep(300 + random() * 1_200);
    const name = `worker ${1 + Math.floor(random() * workerCount)}`;
    await shop.kill(name);
    await sleep(random() * 500);
    await shop.start(name);
  }
  return true;
}

/** One purchase as a person makes it while the shop comes and goes: the same key until it is answered, the bank, the callback once. */
async function buy(
  shopper: Shopper,
  { variantId, isTopUp }: CrashWorld['supplied'][number],
  told: Acknowledged[],
  round: Round,
): Promise<void> {
  const gameAccount = isTopUp ? { playerId: `5${shopper.phone.slice(-8)}1` } : undefined;
  const isAdded = await retry(() => shopper.addToCart(variantId, 1, gameAccount), round);
  if (!isAdded) return;
  const key = randomUUID();
  const answer = await retry(() => shopper.checkout(key), round);
  if (!answer?.payment) return;
  const entry: Acknowledged = { orderId: answer.orderId, userId: shopper.userId, isPaid: false };
  told.push(entry);
  const callback = await shopper.atBank(answer.payment, 'pay');
  entry.isPaid = true;
  await shopper.follow(callback).catch(() => undefined); // A browser does not come back a second time.
}

async function hireStaff(shop: Shop): Promise<Shopper> {
  const staff = new Shopper(shop);
  await kelid(shop, 'roles', 'set', staff.phone, 'admin', '--reason', 'of the crash test');
  return staff.signIn();
}

/** Money back to the card as staff ask for it: the same key until it is answered. */
async function refund(shop: Shop, staff: Shopper, orderId: string, round: Round): Promise<void> {
  for (let tries = 0; tries < 200 && !round.isOver; tries += 1) {
    const [order] = await query(shop, 'orders', 'select status from orders where id = $1', [orderId]);
    if (order?.['status'] === 'fulfilled') break;
    await sleep(25);
  }
  const key = { idempotencyKey: randomUUID() };
  await retry(() => staff.payments.requestRefund({ orderId, method: 'psp', reason: 'a crash test' }, key), round);
}

/** The bank's own books against ours: what went back there is a refund here, once, and what we call sent went back there. */
async function checkBank(shop: Shop, told: Acknowledged[]): Promise<string[]> {
  const problems: string[] = [];
  const { items } = (await control(shop, 'GET', '/banks/attempts')) as {
    items: { authority: string; status: string }[];
  };
  const stateOf = new Map(items.map(({ authority, status }) => [authority, status]));
  const rows = await query(
    shop,
    'payments',
    "select a.psp_token, a.order_id, count(r.id)::int as count, bool_or(r.status = 'succeeded') as is_sent from payment_attempts a left join refunds r on r.attempt_id = a.id and r.status not in ('failed', 'rejected') where a.order_id = any($1) group by 1, 2",
    [told.map((entry) => entry.orderId)],
  );
  for (const row of rows) {
    const isBack = stateOf.get(String(row['psp_token'])) === 'REVERSED';
    if (row['is_sent'] === true && !isBack) problems.push(`${String(row['order_id'])}: sent by us, not by the bank`);
    if (isBack && row['count'] !== 1)
      problems.push(`${String(row['order_id'])}: the bank gave it back, we do not know`);
  }
  return problems;
}

async function retry<T>(call: () => Promise<T>, round: Round): Promise<T | undefined> {
  for (let tries = 0; tries < 400; tries += 1) {
    try {
      return (await call()) ?? (true as T);
    } catch (error) {
      const isPassing =
        !(error instanceof ProblemError) || error.status >= 500 || error.code === 'idempotency-key-running';
      if (!isPassing) return undefined;
      if (error instanceof ProblemError && error.status === 503 && error.data['retryAfterSeconds'] !== undefined)
        round.awayCount += 1;
      else if (!(error instanceof ProblemError) || error.status >= 500) round.strangeAnswers.push(String(error));
      if (round.isOver && tries > 100) return undefined;
      await sleep(50);
    }
  }
  return undefined;
}

/** Lets the shop come to rest: what waits for its time is made due, until nothing moves. Answers what still hangs. */
async function quiesce(shop: Shop): Promise<string[]> {
  const until = performance.now() + 60_000;
  const halfTime = performance.now() + 20_000;
  for (;;) {
    // Who cheated on a line is not asked for it again; where nobody else sells it, half an hour later its money goes back.
    if (performance.now() > halfTime)
      await query(
        shop,
        'inventory',
        "update supply_needs set created_at = now() - interval '1 day' where status = 'open'",
      );
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
    await query(
      shop,
      'payments',
      "update refunds set due_at = now() where due_at > now() and status in ('approved', 'submitting', 'unknown') and updated_at < now() - interval '1 second'",
    );
    await query(shop, 'inventory', 'update supplier_states set cooldown_until = null');
    await query(shop, 'inventory', "update supply_needs set due_at = now() where status = 'open'");
    await query(
      shop,
      'inventory',
      "update procurements set due_at = now() where due_at > now() and status in ('unknown', 'placed', 'received', 'not_placed') or status = 'ordering' and created_at < now() - interval '2 seconds'",
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
      ...(await query(shop, 'payments', "select id, status from refunds where status in ('approved', 'submitting')")),
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
      if (order['status'] === 'refunded' || order['status'] === 'part_refunded') {
        if (!(await isPaidBack(shop, entry.orderId)))
          problems.push(`order ${entry.orderId} is ${order['status']}, and not every unit is a key or money`);
        break;
      }
      if (order['status'] === 'review') break;
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
    // What was sold otherwise than ordered is with a person, by its order.
    const review = await query(
      shop,
      'inventory',
      `select supplier_order_id from procurements where supplier = '${name}' and status = 'review'`,
    );
    const reviewed = new Set(review.map((row) => String(row['supplier_order_id'])));
    for (const { orderId, units } of items)
      for (const unit of units)
        if (unit.state === 'ready' && !refs.has(name === 'moogold' ? orderId : unit.id) && !reviewed.has(orderId))
          problems.push(`${name} sold unit ${unit.id} of ${orderId}, and it is not here`);
  }
  return problems;
}

/** Staff gave it back, or every unit of it is a product key, or its money is in the wallet, once. */
async function isPaidBack(shop: Shop, orderId: string): Promise<boolean> {
  const byStaff = "select amount_rial from refunds where order_id = $1 and status = 'succeeded'";
  if ((await query(shop, 'payments', byStaff, [orderId])).length === 1) return true;
  const lines = await query(
    shop,
    'orders',
    'select id, quantity, unit_price_rial as price from order_lines where order_id = $1',
    [orderId],
  );
  let owedRial = 0;
  for (const line of lines) {
    const [bound] = await query(
      shop,
      'inventory',
      'select count(*)::int as count from key_allocations where order_line_id = $1 and replacement_no = 0',
      [line['id']],
    );
    owedRial += (Number(line['quantity']) - Number(bound?.['count'])) * Number(line['price']);
  }
  const refunds = await query(
    shop,
    'payments',
    "select -e.amount_rial as amount from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.order_id = $1 and t.kind = 'refund' and e.account like 'wallet:%'",
    [orderId],
  );
  return refunds.length === 1 && Number(refunds[0]?.['amount']) === owedRial;
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
