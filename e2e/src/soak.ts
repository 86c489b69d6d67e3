import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { apiRoot, requestOf } from '@kelid/contracts/address';
import { serviceNames } from '@kelid/contracts/all';
import { ProblemError } from '@kelid/contracts/contract';
import { identityContract } from '@kelid/contracts/identity';
import { notificationsContract } from '@kelid/contracts/notifications';
import { checkInvariants, kelid, query } from './back-room.ts';
import { type Shape, type Shop, startShop } from './shop.ts';
import { Shopper } from './shopper.ts';

// `npm run soak`: many calls and purchases in rounds. After each round everything rests; then memory after a collection, sockets, handles
// and listeners of every process, and the rows of technical tables, must be what they were after the rounds before.

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '200000' },
    purchases: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '10' },
    shape: { type: 'string', default: 'many' },
  },
});
const roundCount = Number(values.rounds);
const callsPerRound = Math.ceil(Number(values.calls) / roundCount);
const purchasesPerRound = Math.ceil(Number(values.purchases) / roundCount);

const unlimited = '100000000';
/** On SIGUSR2 a process collects its garbage and says what it still holds. */
const confession = `process.on('SIGUSR2', () => {
  globalThis.gc(); globalThis.gc();
  let listeners = 0;
  for (const handle of process._getActiveHandles())
    for (const name of handle.eventNames?.() ?? []) listeners = Math.max(listeners, handle.listenerCount(name));
  process.stderr.write('HOLDS ' + JSON.stringify({ heap: process.memoryUsage().heapUsed, rss: process.memoryUsage().rss, handles: process._getActiveHandles().length, listeners }) + '\\n');
});`;

interface Holding {
  heap: number;
  rss: number;
  handles: number;
  /** The most listeners that one socket or server has for one event. */
  listeners: number;
  sockets: number;
}

/** Kept for days on purpose: the round makes what it left there older, so that it may be forgotten at once. */
const technicalTables = ['outbox', 'inbox', 'idempotency_keys', 'otp_challenges', 'otp_sends', 'otp_failures'];
technicalTables.push('used_puzzles', 'ws_tickets', 'stock_touches', 'supplier_calls', 'carts');

const known = new Map<string, Set<string>>();
const shop = await startShop({
  shape: values.shape as Shape,
  env: {
    LOG_LEVEL: 'warn',
    NODE_OPTIONS: `--expose-gc --import data:text/javascript,${encodeURIComponent(confession)}`,
    ORDERS_PENDING_MAX: '1000000',
    ORDERS_HELD_UNITS_MAX: '1000000',
    ORDERS_UNPAID_FREE_MAX: '1000000',
    GATEWAY_ANONYMOUS_PER_MINUTE: unlimited,
    GATEWAY_USER_PER_MINUTE: unlimited,
    IDENTITY_OTP_PER_IP_10_MIN: unlimited,
    IDENTITY_OTP_PER_IP_HOUR: unlimited,
    IDENTITY_OTP_PER_PREFIX_10_MIN: unlimited,
    IDENTITY_OTP_GLOBAL_PER_HOUR: unlimited,
    IDENTITY_OTP_DAILY_MAX: unlimited,
  },
});
const backend = shop.processNames.filter((name) => name !== 'simulators');
let failureCount = 0;
try {
  await kelid(shop, 'demo', 'load');
  const variantId = await stock(shop);
  const shoppers = await Promise.all(Array.from({ length: 16 }, () => untilAnswered(() => new Shopper(shop).signIn())));
  console.log(`${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`);
  const history: Map<string, Holding>[] = [];
  let callCount = 0;
  for (let round = 1; round <= roundCount; round += 1) {
    const startedAt = performance.now();
    await Promise.all(shoppers.map((shopper) => untilAnswered(() => shopper.renew())));
    const [statuses] = await Promise.all([callAround(shoppers, callsPerRound), buyAll(shoppers, variantId)]);
    callCount += callsPerRound;
    await rest();
    await makeOld();
    const holdings = await askHoldings();
    history.push(holdings);
    const sum = total(holdings);
    console.log(
      `round ${round}: ${callCount} calls (${statuses}), ${round * purchasesPerRound} purchases, ${Math.round((performance.now() - startedAt) / 1000)} s; heap ${mib(sum.heap)}, resident ${mib(sum.rss)} MiB, ${sum.handles} handles, ${sum.sockets} sockets, at most ${sum.listeners} listeners; ${await tableRows()}`,
    );
  }
  failureCount += judge(history);
  failureCount += await judgeTables();
  for (const violation of await checkInvariants(shop)) {
    failureCount += 1;
    console.log(`BROKEN ${violation.service} ${violation.id} ${violation.sentence}`);
  }
} finally {
  await shop.close();
}
console.log(failureCount === 0 ? 'flat' : `${failureCount} things grew or broke`);
process.exitCode = failureCount > 0 ? 1 : 0;

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

function total(holdings: Map<string, Holding>): Holding {
  const all = [...holdings.values()];
  const sum = (pick: (holding: Holding) => number) => all.reduce((amount, holding) => amount + pick(holding), 0);
  return {
    heap: sum((holding) => holding.heap),
    rss: sum((holding) => holding.rss),
    handles: sum((holding) => holding.handles),
    sockets: sum((holding) => holding.sockets),
    listeners: Math.max(...all.map((holding) => holding.listeners)),
  };
}

async function stock(world: Shop): Promise<string> {
  const [variant] = await query(
    world,
    'catalog',
    'select id, sku from variants where price_rial < 20000000 order by id limit 1',
  );
  const file = join(world.folder, 'keys.txt');
  const count = purchasesPerRound * roundCount + 1_000;
  writeFileSync(file, Array.from({ length: count }, () => `SOAK-${randomUUID().toUpperCase()}`).join('\n'));
  await kelid(world, 'keys', 'import', file, '--sku', String(variant?.['sku']), '--any-format');
  return String(variant?.['id']);
}

async function buyAll(shoppers: Shopper[], variantId: string): Promise<void> {
  let left = purchasesPerRound;
  await Promise.all(
    shoppers.map(async (shopper) => {
      let renewedAt = performance.now();
      while (left > 0) {
        left -= 1;
        const key = randomUUID();
        if (performance.now() - renewedAt > 120_000) {
          await untilAnswered(() => shopper.renew());
          renewedAt = performance.now();
        }
        await untilAnswered(() => shopper.addToCart(variantId));
        const { payment } = await untilAnswered(() => shopper.checkout(key));
        await shopper.follow(await shopper.atBank(payment, 'pay'));
      }
    }),
  );
}

async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ProblemError) || (error.status !== 503 && error.code !== 'idempotency-key-running'))
        throw error;
      await sleep(100);
    }
  }
}

/** Calls of every kind at once: public, own, refused, hung up, and pages that listen for a moment. Answers how many had which status. */
async function callAround(shoppers: Shopper[], count: number): Promise<string> {
  const { items } = await new Shopper(shop).catalog.listProducts({ limit: 50 });
  const counts = new Map<string, number>();
  let left = count;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
  async function one(): Promise<string> {
    const shopper = pick(shoppers);
    const { catalog, orders, payments, identity } = shopper;
    const { slug = '' } = pick(items) as { slug?: string };
    const guest = new Shopper(shop);
    const raw = async (path: string, init: RequestInit) => {
      const response = await fetch(`${shop.gatewayUrl}${path}`, init);
      await response.arrayBuffer();
      if (!response.ok) throw ProblemError.fromBody(undefined, response.status);
    };
    const verify = requestOf(identityContract.operations.verifyOtp, { challengeId: '', code: '' });
    const call = pick<() => Promise<unknown>>([
      () => catalog.listProducts({ limit: 20 }),
      () => catalog.getProductBySlug({ slug }),
      () => catalog.listProducts({ q: pick(['steam', 'استیم', 'گیفت', 'xbox 10']) }),
      () => payments.listPaymentMethods({}),
      () => orders.getCart({}),
      () => orders.listOrders({ limit: 5 }),
      () => payments.getWallet({}),
      () => shopper.client(notificationsContract).listNotifications({ limit: 5 }),
      () => identity.listSessions({}),
      () => guest.orders.listOrders({}),
      () => raw(verify.path, { ...verify.init, body: '{"code":' }),
      () => raw(`${apiRoot}/nowhere`, {}),
      () => catalog.listProducts({ limit: 20 }, { signal: AbortSignal.timeout(1 + Math.floor(Math.random() * 4)) }),
    ]);
    return call().then(
      () => '200',
      (error: unknown) => (error instanceof ProblemError ? String(error.status) : 'hung up'),
    );
  }
  const listener = (async () => {
    while (left > 0) {
      const ticket = (
        await pick(shoppers)
          .identity.createWsTicket({})
          .catch(() => undefined)
      )?.ticket;
      if (ticket === undefined) continue;
      const socket = new WebSocket(`${shop.gatewayUrl.replace('http', 'ws')}/ws?ticket=${ticket}`, {
        headers: { origin: shop.shopUrl },
      } as never); // The options are Node's own; the browser's type does not know them.
      await new Promise((done) => ['open', 'error', 'close'].forEach((name) => socket.addEventListener(name, done)));
      await sleep(200);
      socket.close();
    }
  })();
  await Promise.all(
    Array.from({ length: 24 }, async () => {
      while (left > 0) {
        left -= 1;
        const status = await one();
        counts.set(status, (counts.get(status) ?? 0) + 1);
      }
    }),
  );
  await listener;
  // On a machine that is too busy a part may be away for a moment, and says so. Nothing else of that kind is right.
  const broken = [...counts.keys()].filter((status) => status.startsWith('5') && status !== '503');
  if (broken.length > 0) throw new Error(`Calls were answered ${broken.join(', ')}`);
  return [...counts]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([status, times]) => `${status}: ${times}`)
    .join(', ');
}

/** Every order is fulfilled and every event was sent. */
async function rest(): Promise<void> {
  for (;;) {
    const waiting = await query(shop, 'orders', "select 1 from orders where status <> 'fulfilled' limit 1");
    const unsent = await Promise.all(
      [...serviceNames].map((name) => query(shop, name, 'select 1 from outbox where sent_at is null limit 1')),
    );
    if (waiting.length === 0 && unsent.flat().length === 0) break;
    await sleep(100);
  }
  await sleep(3_000);
}

/** A month passes for what is kept only for a time. */
async function makeOld(): Promise<void> {
  for (const name of serviceNames) {
    const has = await tablesOf(name);
    if (has.has('outbox'))
      await query(
        shop,
        name,
        "update outbox set id = uuidv7(interval '-60 days'), sent_at = sent_at - interval '60 days' where sent_at > now() - interval '1 day'",
      );
    if (has.has('inbox'))
      await query(
        shop,
        name,
        "update inbox set event_id = uuidv7(interval '-60 days'), at = at - interval '60 days' where at > now() - interval '1 day'",
      );
    if (has.has('idempotency_keys'))
      await query(
        shop,
        name,
        "update idempotency_keys set created_at = created_at - interval '60 days' where created_at > now() - interval '1 day'",
      );
  }
}

async function tablesOf(service: string): Promise<Set<string>> {
  const found =
    known.get(service) ??
    new Set(
      (await query(shop, service, "select relname from pg_class where relkind = 'r'")).map((row) =>
        String(row['relname']),
      ),
    );
  known.set(service, found);
  return found;
}

async function tableCounts(): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const name of serviceNames) {
    const has = await tablesOf(name);
    for (const table of technicalTables) {
      if (!has.has(table)) continue;
      const [row] = await query(shop, name, `select count(*)::int as count from ${table}`);
      counts.set(table, (counts.get(table) ?? 0) + Number(row?.['count']));
    }
  }
  return counts;
}

async function tableRows(): Promise<string> {
  return [...(await tableCounts())].map(([table, count]) => `${table} ${count}`).join(', ');
}

/** What each process holds after a collection. */
async function askHoldings(): Promise<Map<string, Holding>> {
  const holdings = new Map<string, Holding>();
  for (const name of backend) {
    const file = join(shop.folder, 'logs', `${name}.log`);
    const said = () =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('HOLDS '));
    const before = said().length;
    process.kill(shop.pidOf(name), 'SIGUSR2');
    while (said().length === before) await sleep(50);
    const sockets = readdirSync(`/proc/${shop.pidOf(name)}/fd`).length;
    holdings.set(name, { ...(JSON.parse(said().at(-1)?.slice(6) ?? '{}') as Holding), sockets });
    if (readFileSync(file, 'utf8').includes('MaxListenersExceededWarning'))
      throw new Error(`${name} warns of listeners`);
  }
  return holdings;
}

/** The last third of the rounds against the third before it: what was warm by then must not have grown. */
function judge(history: Map<string, Holding>[]): number {
  let grown = 0;
  const third = Math.max(1, Math.floor(history.length / 3));
  for (const name of backend) {
    const mean = (rounds: Map<string, Holding>[], key: keyof Holding) =>
      rounds.reduce((sum, round) => sum + (round.get(name)?.[key] ?? 0), 0) / rounds.length;
    const last = history.slice(-third);
    const before = history.slice(-2 * third, -third);
    for (const [key, allowed] of [
      ['heap', 4 * 2 ** 20],
      ['handles', 8],
      ['sockets', 8],
      ['listeners', 1],
    ] as const) {
      const difference = mean(last, key) - mean(before, key);
      if (difference <= allowed) continue;
      grown += 1;
      console.log(`GREW ${name}: ${key} by ${Math.round(difference)} between the thirds of the rounds`);
    }
  }
  return grown;
}

/** After a month has passed for it and the sweeps have run, nothing technical is left. Sweeps begin with the process. */
async function judgeTables(): Promise<number> {
  for (const [table, column] of [
    ['otp_challenges', 'created_at'],
    ['otp_sends', 'at'],
    ['otp_failures', 'at'],
    ['used_puzzles', 'at'],
  ] as const)
    await query(shop, 'identity', `update ${table} set ${column} = ${column} - interval '60 days'`);
  await query(shop, 'orders', "update carts set expires_at = now() - interval '1 day'");
  await query(
    shop,
    'inventory',
    "update supplier_calls set id = uuidv7(interval '-500 days'), at = at - interval '500 days'",
  );
  for (const name of backend) await shop.stop(name);
  await Promise.all(backend.filter((name) => !name.startsWith('gateway')).map((name) => shop.start(name)));
  await Promise.all(backend.filter((name) => name.startsWith('gateway')).map((name) => shop.start(name)));
  const until = performance.now() + 180_000;
  let left = await tableCounts();
  const most = (counts: Map<string, number>) => Math.max(...counts.values());
  while (most(left) > 1_000 && performance.now() < until) {
    await sleep(2_000);
    left = await tableCounts();
  }
  console.log(`a month later: ${[...left].map(([table, count]) => `${table} ${count}`).join(', ')}`);
  return [...left.values()].filter((count) => count > 1_000).length;
}
