import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceNames } from '@kelid/contracts/all';
import { ProblemError } from '@kelid/contracts/contract';
import { migrateDatabase } from '@kelid/service/migrate';
import type { ProvisionedUrls } from '@kelid/service/postgres/provision';
import { checkInvariants, control, kelid, query } from './back-room.ts';
import { type Acknowledged, checkBank, checkHistory, checkSupplierOrders, supplierNames } from './books.ts';
import { type Shop, startShop } from './shop.ts';
import { Shopper } from './shopper.ts';

const root = join(import.meta.dirname, '../..');

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
/** Points of one round: the server dies at each of them in turn, under the same load, and then everything is looked at. */
export const crashRounds: string[][] = [
  ['CP1', 'CP2', 'CP3', 'CP4', 'CP5'],
  ['CP6', 'CP7', 'CP8', 'CP9'],
  ['CP10 before the queue', 'CP10 after the queue', 'CP11', 'CP12'],
  ['CP13', 'CP14', 'CP15', 'CP16', 'CP17'],
];
/** Fewer paid orders after a death show nothing. */
const purchasesMin = 8;
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
  hasDiedInMigrations: boolean;
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
  INVENTORY_SUPPLIER_DAY_CENTS: '1000000000',
  INVENTORY_SPEND_DAY_CENTS: '1000000000',
};

/**
 * A shop that has been through CP18: its databases had stopped at some step of their migrations, its server died between two statements of
 * the rest, and was started again.
 */
export async function startCrashWorld(seed: number, workerCount = 0): Promise<CrashWorld> {
  const random = randomOf(seed);
  const shop = await startShop({
    shape: 'one',
    env: crashEnv,
    firstEnv: { FAILPOINTS: `database.migrating:${1 + Math.floor(random() * 40)}` },
    prepare: (urls) => migrateHalf(urls, random),
    workerCount,
  });
  const diedInMigrations = shop.processNames.filter((name) => shop.hasEnded(name));
  for (const name of diedInMigrations) await shop.start(name);
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
  return {
    shop,
    variantIds: rows.map((row) => String(row['id'])),
    supplied,
    workerCount,
    hasDiedInMigrations: diedInMigrations.length > 0,
  };
}

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
    'extra-fee',
    'extra-unit',
    'refused-taken',
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

/** Where shoppers of a stormy round pay. */
const banks = ['zarinpal', 'zibal', 'sep', 'sadad', 'behpardakht'] as const;

/** What the banks do wrong in a round, by its seed. What they did is told by their own books afterwards. */
async function spoilBanks(shop: Shop, random: () => number): Promise<void> {
  const pick = <Mode>(modes: readonly Mode[]): Mode | undefined => modes[Math.floor(random() * modes.length)];
  const interrupted = ['slow', 'error', 'garbage', 'down'] as const;
  const writing = [...interrupted, 'lose-answer'] as const;
  const money = { zarinpal: 'reverse', zibal: 'refund', sep: 'reverse', behpardakht: 'refund', sadad: undefined };
  for (const bank of banks) {
    const spoil = (place: string, modes: readonly string[]) =>
      control(shop, 'PUT', `/faults/${bank}.${place}`, { mode: pick(modes), probability: 0.2, delayMs: 300 });
    await spoil('request', writing);
    await spoil('verify', [...writing, 'verified-before']);
    if (bank !== 'sadad') await spoil('inquiry', interrupted);
    if (bank === 'behpardakht') await spoil('settle', writing);
    const back = money[bank];
    if (back) await spoil(back, writing);
  }
}

/** Connections of some service to its database are cut, again and again, until the load is over. */
async function cutConnections(shop: Shop, random: () => number, round: Round): Promise<number> {
  let cutCount = 0;
  while (!round.isOver) {
    await sleep(200 + random() * 500);
    const names = [...serviceNames, 'queue'];
    const service = names[Math.floor(random() * names.length)];
    const rows = await query(
      shop,
      'orders',
      'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
      [`kelid-${service}`],
    );
    cutCount += rows.length;
  }
  return cutCount;
}

/** What staff do from the command line while the shop is open. A command whose connection is cut says so; it is given again. */
async function runCommands(shop: Shop, random: () => number, round: Round, problems: string[]): Promise<number> {
  const codes = Array.from({ length: 5 }, () => `${randomUUID()}\n`).join('');
  const file = join(shop.folder, `import-${randomUUID()}.txt`);
  writeFileSync(file, codes);
  const [{ sku } = { sku: '' }] = (await query(
    shop,
    'catalog',
    'select sku from variants where available_count > 20 order by id limit 1',
  )) as { sku: string }[];
  const chosen = [
    ['keys', 'import', file, '--sku', sku, '--any-format', '--label', basename(file)],
    ['roles', 'set', new Shopper(shop).phone, 'support', '--reason', 'of the crash test'],
    ['db', 'migrate'],
  ];
  const command = chosen[Math.floor(random() * chosen.length)] ?? [];
  let commandCount = 0;
  for (let tries = 1; ; tries += 1)
    try {
      await kelid(shop, ...command);
      commandCount += 1;
      break;
    } catch (error) {
      if (round.isOver && tries > 3) {
        problems.push(String(error));
        break;
      }
    }
  if (command[0] !== 'keys') return commandCount;
  const [{ count } = { count: 0 }] = (await query(
    shop,
    'inventory',
    'select count(*)::int as count from product_keys k join key_batches b on b.id = k.batch_id where b.label = $1',
    [basename(file)],
  )) as { count: number }[];
  if (count !== 5) problems.push(`five product keys were imported by a command, ${count} are here`);
  return commandCount;
}

export interface CrashReport {
  hasDied: boolean;
  /** How often a shopper was asked to come back in a moment. */
  awayCount: number;
  purchaseCount: number;
  /** Connections that were cut, and commands that were run beside the shop. */
  cutCount: number;
  commandCount: number;
  problems: string[];
}

/**
 * Crashes under load: shoppers buy, the server dies at each point in turn and comes back, the shoppers go on; afterwards everything rests,
 * every promise of the databases holds, and what clients were told is so. In a stormy round banks and suppliers fail at random too,
 * browsers do not come back or do so twice, connections to the databases are cut, and commands run beside the shop.
 */
export async function crashRound(
  world: CrashWorld,
  points: readonly string[],
  seed: number,
  options: { isStormy?: boolean } = {},
): Promise<CrashReport> {
  const { shop, variantIds, supplied, workerCount } = world;
  const isStormy = options.isStormy ?? false;
  const random = randomOf(seed);
  const shoppers = await Promise.all(Array.from({ length: isStormy ? 8 : 5 }, () => newcomer(shop)));

  const isOfWorkers = points.includes(workersPoint);
  const isOfOutage = points.some((point) => outages[point]);
  const isOfSuppliers = isStormy || points.includes('CP13') || points.includes('CP14') || isOfWorkers;
  // In one round of four nobody delivers at all, and what was paid goes back.
  const isHopeless = isOfWorkers && random() < 0.25;
  if (isOfSuppliers) await spoilSuppliers(shop, random);
  if (isStormy) await spoilBanks(shop, random);
  // Offers of the last round are asked for again before anything is promised.
  if (isOfSuppliers)
    await query(
      shop,
      'inventory',
      "update supplier_offers set quoted_at = now() - interval '5 minutes', due_at = now()",
    );
  const told: Acknowledged[] = [];
  const problems: string[] = [];
  const staff = points.includes('CP16') ? await hireStaff(shop) : undefined;
  const round: Round = { isOver: false, awayCount: 0, strangeAnswers: [], waiting: new Map() };
  const load = Promise.all(
    shoppers.map(async (shopper) => {
      while (!round.isOver) {
        const isSupplied = isOfSuppliers && random() < 0.6;
        const at = Math.floor(random() * (isSupplied ? supplied.length : variantIds.length));
        const item = isSupplied ? supplied[at] : { variantId: variantIds[at] ?? '', isTopUp: false };
        if (item) await buy(shopper, item, told, round, isStormy ? random : undefined);
        const bought = told.findLast((entry) => entry.userId === shopper.userId && entry.isPaid);
        if (staff && bought && random() < 0.5) await refund(shop, staff, bought.orderId, round);
        // A shopper is no hammer: the suppliers keep up, and what they get wrong is what is looked at.
        if (isOfWorkers) await sleep(150 + random() * 200);
      }
    }),
  );
  load.catch(() => undefined); // It is heard where it is awaited.
  const storm = isStormy
    ? Promise.all([cutConnections(shop, random, round), runCommands(shop, random, round, problems)])
    : Promise.resolve([0, 0] as const);
  storm.catch(() => undefined);

  const paidCount = () => told.filter((entry) => entry.isPaid).length;
  let hasDied = false;
  for (const point of points) {
    const paidBefore = paidCount();
    const outage = outages[point];
    const failpoint = crashPoints[point];
    if (failpoint) shop.arm('server', `${failpoint}:${1 + Math.floor(random() * 4)}`);
    if (outage) await outage(shop, random);
    else if (isOfWorkers) hasDied = await killWorkers(shop, workerCount, random);
    else if (await killServer(shop, failpoint ?? null, random)) hasDied = true;
    else {
      problems.push(`${point} was not reached`);
      shop.arm('server', ''); // What comes late is no death at the next point.
    }
    // Whoever was in the middle of a checkout waits for the sweep; somebody new is served at once.
    if (!isOfWorkers) await buy(await newcomer(shop), newcomersItem(variantIds), told, { ...round, isOver: false });
    const until = performance.now() + 150_000; // Enough on a busy machine whose connections are cut all the time.
    while (paidCount() - paidBefore < purchasesMin && performance.now() < until) await sleep(100);
    const since = paidCount() - paidBefore;
    if (since < purchasesMin) {
      const waiting = [...round.waiting.values()].join('; ');
      problems.push(`only ${since} purchases at ${point} and after it: that shows nothing (${waiting})`);
    }
  }
  round.isOver = true;
  await load;
  const [cutCount, commandCount] = await storm;
  if (!isOfWorkers && shop.hasEnded('server')) {
    problems.push('the server ended by itself');
    await startAgain(shop);
  }
  await control(shop, 'DELETE', '/faults');
  if (isHopeless) {
    for (const name of supplierNames) await control(shop, 'PUT', `/faults/${name}.order`, { mode: 'out-of-stock' });
    await query(
      shop,
      'inventory',
      "update supply_needs set created_at = now() - interval '1 day' where status = 'open'",
    );
  }

  problems.push(...(await quiesce(shop)));
  // A server that stays up has no excuse for an answer that is neither a right one nor "come back in a moment".
  if (isOfOutage) problems.push(...round.strangeAnswers);
  // A payment whose browser never came back is found by the sweep, and what follows from it comes to rest too.
  problems.push(...(await checkHistory(shop, told, () => hurry(shop))), ...(await quiesce(shop)));
  for (const violation of await checkInvariants(shop))
    problems.push(
      `${violation.service} ${violation.id} ${violation.sentence}: ${JSON.stringify(violation.rows.slice(0, 3))}`,
    );
  problems.push(...(await checkBank(shop)), ...(await checkSupplierOrders(shop)));
  const { awayCount } = round;
  return { hasDied, awayCount, purchaseCount: paidCount(), cutCount, commandCount, problems };
}

interface Round {
  isOver: boolean;
  awayCount: number;
  strangeAnswers: string[];
  /** What each shopper asks for again and again, and what the last answer was: told where nothing goes on. */
  waiting: Map<Shopper, string>;
}

/** Brings each database to one of the first steps of its migrations, without the functions of today, as a version of that time would have left it. */
async function migrateHalf(urls: ProvisionedUrls, random: () => number): Promise<void> {
  for (const [service, { ownerUrl }] of Object.entries(urls.services)) {
    const folder = join(root, 'services', service, 'src/db/migrations');
    if (!existsSync(folder)) continue;
    const journal = JSON.parse(readFileSync(join(folder, 'meta/_journal.json'), 'utf8')) as { entries: unknown[] };
    const old = mkdtempSync(join(tmpdir(), 'kelid-migrations-'));
    const half = join(old, 'migrations');
    cpSync(folder, half, { recursive: true });
    const entries = journal.entries.slice(0, Math.floor(random() * journal.entries.length));
    writeFileSync(join(half, 'meta/_journal.json'), JSON.stringify({ ...journal, entries }));
    await migrateDatabase(ownerUrl, half);
    rmSync(old, { recursive: true });
  }
}

/** Somebody who signs in; while the shop is away, the next one tries. */
async function newcomer(shop: Shop, prepare?: (phone: string) => Promise<void>): Promise<Shopper> {
  for (let tries = 0; ; tries += 1) {
    const shopper = new Shopper(shop);
    try {
      await prepare?.(shopper.phone);
      return await shopper.signIn();
    } catch (error) {
      if (tries > 50) throw error;
      await sleep(100);
    }
  }
}

function newcomersItem([variantId = '']: string[]): CrashWorld['supplied'][number] {
  return { variantId, isTopUp: false };
}

/** The server dies at the failpoint, or at a moment that the seed chooses, and is started again. */
async function killServer(shop: Shop, failpoint: string | null, random: () => number): Promise<boolean> {
  const until = performance.now() + 60_000;
  if (failpoint) while (!shop.hasEnded('server') && performance.now() < until) await sleep(20);
  else {
    await sleep(300 + random() * 1_500);
    await shop.kill('server');
  }
  const hasDied = shop.hasEnded('server');
  if (hasDied) await startAgain(shop);
  return hasDied;
}

/** As whatever watches a server does: one whose connections are cut while it starts says so and ends, and is started again. */
async function startAgain(shop: Shop): Promise<void> {
  for (let tries = 1; ; tries += 1)
    try {
      await shop.start('server');
      return;
    } catch (error) {
      if (tries >= 5 || !shop.hasEnded('server')) throw error;
    }
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
  random?: () => number,
): Promise<void> {
  const gameAccount = isTopUp ? { playerId: `5${shopper.phone.slice(-8)}1` } : undefined;
  const isAdded = await retry('addToCart', shopper, () => shopper.addToCart(variantId, 1, gameAccount), round);
  if (!isAdded) return;
  const key = randomUUID();
  const psp = random ? (banks[Math.floor(random() * banks.length)] ?? 'zarinpal') : 'zarinpal';
  const answer = await retry('checkout', shopper, () => shopper.checkout(key, false, psp), round);
  if (!answer?.payment) {
    // Out of stock, or its supplier rests: what stays in the cart would refuse every checkout after it.
    await retry('emptyCart', shopper, () => shopper.emptyCart(), round);
    return;
  }
  const entry: Acknowledged = { orderId: answer.orderId, userId: shopper.userId, isPaid: false };
  told.push(entry);
  const chance = random?.() ?? 1;
  // Some change their mind at the bank, or their card is refused there.
  if (chance < 0.1) {
    await shopper
      .follow(await shopper.atBank(answer.payment, chance < 0.05 ? 'cancel' : 'fail'))
      .catch(() => undefined);
    return;
  }
  const callback = await shopper.atBank(answer.payment, 'pay');
  // Behpardakht is never found without its callback: what did not reach us it gives back by itself.
  entry.isPaid = answer.payment.psp !== 'behpardakht';
  if (chance < 0.25) return; // The tab was closed.
  const page = await shopper.follow(callback).catch(() => ''); // A browser does not come back a second time,
  if (page !== '') entry.isPaid = true;
  if (chance < 0.35) await shopper.follow(callback).catch(() => undefined); // or is reloaded.
}

async function hireStaff(shop: Shop): Promise<Shopper> {
  return newcomer(shop, async (phone) => {
    await kelid(shop, 'roles', 'set', phone, 'admin', '--reason', 'of the crash test');
  });
}

/** Money back to the card as staff ask for it: the same key until it is answered. */
async function refund(shop: Shop, staff: Shopper, orderId: string, round: Round): Promise<void> {
  for (let tries = 0; tries < 200 && !round.isOver; tries += 1) {
    const [order] = await query(shop, 'orders', 'select status from orders where id = $1', [orderId]);
    if (order?.['status'] === 'fulfilled') break;
    await sleep(25);
  }
  const key = { idempotencyKey: randomUUID() };
  const ask = () => staff.payments.requestRefund({ orderId, method: 'psp', reason: 'a crash test' }, key);
  await retry('requestRefund', staff, ask, round);
}

/** Asks until it is answered. Who asks for what, and what was heard last, is told where nothing goes on. */
async function retry<T>(name: string, shopper: Shopper, call: () => Promise<T>, round: Round): Promise<T | undefined> {
  let heard = '';
  for (let tries = 0; tries < 400; tries += 1) {
    round.waiting.set(shopper, `${name}, ${tries} tries ${heard}`);
    try {
      const answer = (await call()) ?? (true as T);
      round.waiting.delete(shopper);
      return answer;
    } catch (error) {
      heard = String(error);
      const isPassing =
        !(error instanceof ProblemError) || error.status >= 500 || error.code === 'idempotency-key-running';
      if (!isPassing) return undefined;
      if (error instanceof ProblemError && error.status === 503 && error.retryAfterSeconds !== undefined)
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
  const until = performance.now() + 120_000;
  const halfTime = performance.now() + 20_000;
  for (;;) {
    // Who cheated on a line is not asked for it again; where nobody else sells it, half an hour later its money goes back.
    if (performance.now() > halfTime)
      await query(
        shop,
        'inventory',
        "update supply_needs set created_at = now() - interval '1 day' where status = 'open'",
      );
    await hurry(shop);
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
        "select id, status from procurements where status in ('ordering', 'unknown', 'placed') or status in ('received', 'refused') and due_at is not null",
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

/** The clock of a test: rows are made older instead of waiting for them. */
async function hurry(shop: Shop): Promise<void> {
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
    "update procurements set due_at = now() where due_at > now() and status in ('unknown', 'placed', 'received', 'not_placed', 'refused') or status = 'ordering' and created_at < now() - interval '2 seconds'",
  );
  for (const service of ['orders', 'payments', 'inventory', 'identity', 'catalog'])
    await query(
      shop,
      service,
      "update outbox set claimed_until = null where sent_at is null and claimed_until is not null and claimed_until < now() + interval '8 seconds'",
    );
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
