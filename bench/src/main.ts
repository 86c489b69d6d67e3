import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import pg from 'pg';
import { addressOf, requestOf } from '@kelid/contracts/address';
import { catalogContract } from '@kelid/contracts/catalog';
import { kelid, query } from '@kelid/e2e/back-room';
import { type Shop, startShop } from '@kelid/e2e/shop';
import { Shopper } from '@kelid/e2e/shopper';
import { measureBooks } from './books.ts';
import { measureAllocation, measureDrain, measureImport } from './vault.ts';

// Ratios against a limit that is measured in the same run, on the same machine: a number alone would only tell how busy the machine was.

const unlimited = '100000000';
const env: Record<string, string> = {
  LOG_LEVEL: 'warn',
  ORDERS_PENDING_MAX: '1000000',
  ORDERS_PER_MINUTE_MAX: '1000000',
  ORDERS_HELD_UNITS_MAX: '1000000',
  ORDERS_UNPAID_FREE_MAX: '1000000',
  GATEWAY_ANONYMOUS_PER_MINUTE: unlimited,
  GATEWAY_USER_PER_MINUTE: unlimited,
  IDENTITY_OTP_PER_IP_10_MIN: unlimited,
  IDENTITY_OTP_PER_IP_HOUR: unlimited,
  IDENTITY_OTP_PER_PREFIX_10_MIN: unlimited,
  IDENTITY_OTP_GLOBAL_PER_HOUR: unlimited,
  IDENTITY_OTP_DAILY_MAX: unlimited,
};
const concurrency = 16;
const productList = requestOf(catalogContract.operations.listProducts, { limit: 20 }).path;
const seconds = Number(process.env['BENCH_SECONDS'] ?? 8);

console.log(
  `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}; the database is durable (fsync on)`,
);
const shop = await startShop({ shape: 'one', isDurable: true, env });
try {
  await kelid(shop, 'demo', 'load');
  const only = process.env['BENCH_ONLY'];
  if (only === undefined || only === 'shop') {
    await measureStart(shop);
    await measurePages(shop);
    await measurePurchases(shop);
    await measureLatency(shop);
    await measureMemory(shop);
  }
  if (only === undefined || only === 'vault') {
    await measureImport(shop, 100_000);
    await measureAllocation(shop);
    const orderCount = Number(process.env['BENCH_ORDERS'] ?? 5_000);
    await measureDrain(shop, orderCount, { name: 'PostgreSQL', workerCounts: [1, 2], env: {} });
    await withRedis((REDIS_URL) =>
      measureDrain(shop, Math.min(orderCount, 20_000), { name: 'Redis', workerCounts: [2], env: { REDIS_URL } }),
    );
  }
  if (only === undefined || only === 'books') await measureBooks(shop, 1_000_000);
} finally {
  await shop.close();
}

async function measureStart(world: Shop): Promise<void> {
  await world.stop('server');
  const startedAt = performance.now();
  await world.start('server');
  const answer = await fetch(world.gatewayUrl + productList);
  console.log(
    `\nstart of the backend to its first answer (${answer.status}): ${Math.round(performance.now() - startedAt)} ms`,
  );
}

/** Requests per second of a cached and an uncached page, and of bare node:http sending the same bytes. */
async function measurePages(world: Shop): Promise<void> {
  const slug = String((await query(world, 'catalog', 'select slug from products limit 1'))[0]?.['slug']);
  for (const [name, path] of [
    ['list', productList],
    ['detail', addressOf(catalogContract.operations.getProductBySlug, { slug }).path],
  ] as const) {
    const body = Buffer.from(
      await (await fetch(`${world.gatewayUrl}${path}`, { headers: { 'accept-encoding': 'identity' } })).arrayBuffer(),
    );
    const limit = await bareHttp(body);
    const cached = await load(`${world.gatewayUrl}${path}`);
    await world.stop('server');
    await world.start('server', { GATEWAY_CACHE_MB: '0' });
    const uncached = await load(`${world.gatewayUrl}${path}`);
    await world.stop('server');
    await world.start('server');
    console.log(
      `product ${name} (${body.length} bytes): bare node:http ${limit}/s; cached ${cached}/s, ratio ${(cached / limit).toFixed(2)}; cache off ${uncached}/s, ratio ${(uncached / limit).toFixed(3)}`,
    );
  }
}

async function bareHttp(body: Buffer): Promise<number> {
  // In a process of its own, as the shop is.
  const program = `const http=require('http');const chunks=[];process.stdin.on('data',c=>chunks.push(c)).on('end',()=>{const body=Buffer.concat(chunks);http.createServer((q,r)=>{r.writeHead(200,{'content-type':'application/json; charset=utf-8','content-length':body.length});r.end(body)}).listen(0,'127.0.0.1',function(){console.log(this.address().port)})})`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(body);
  const port = await new Promise<string>((done) =>
    child.stdout.once('data', (chunk: Buffer) => done(chunk.toString().trim())),
  );
  try {
    return await load(`http://127.0.0.1:${port}/`);
  } finally {
    child.kill();
  }
}

async function load(url: string): Promise<number> {
  await autocannon({ url, connections: 32, duration: 2 });
  const result = await autocannon({ url, connections: 32, duration: seconds });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} refusals, ${result.errors} errors`);
  return Math.round(result.requests.average);
}

/** Whole purchases per second against one hand-written transaction that does the least a purchase needs, at the same concurrency. */
async function measurePurchases(world: Shop): Promise<void> {
  const limit = await sqlLimit(world);
  const { shoppers, variantId } = await stockAndShoppers(world);
  // As for the pages: what the compiler has not seen yet is not what is measured.
  await Promise.all(shoppers.map((shopper) => repeat(10, () => purchase(shopper, variantId))));
  const stopAt = performance.now() + seconds * 1000;
  const orderIds: string[] = [];
  const startedAt = performance.now();
  await Promise.all(
    shoppers.map(async (shopper) => {
      while (performance.now() < stopAt) {
        orderIds.push(await purchase(shopper, variantId));
      }
    }),
  );
  // Counted in the database, not asked for by every shopper: the clock stops when the last key is bound.
  while ((await query(world, 'orders', "select 1 from orders where status <> 'fulfilled' limit 1")).length > 0)
    await sleep(20);
  const rate = orderIds.length / ((performance.now() - startedAt) / 1000);
  console.log(
    `whole purchases (cart, checkout, bank, callback, verify, allocate), ${concurrency} shoppers: ${rate.toFixed(1)}/s; SQL limit ${limit.toFixed(0)}/s; ratio ${(rate / limit).toFixed(3)}`,
  );
}

async function repeat(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let count = 0; count < times; count += 1) await work();
}

async function stockAndShoppers(world: Shop) {
  const variant = (await query(world, 'catalog', 'select id, sku from variants order by id limit 1'))[0];
  const sku = String(variant?.['sku']);
  const file = join(world.folder, 'keys.txt');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(file, Array.from({ length: 20_000 }, () => `BENCH-${randomUUID().toUpperCase()}`).join('\n'));
  await kelid(world, 'keys', 'import', file, '--sku', sku, '--any-format');
  const shoppers = await Promise.all(Array.from({ length: concurrency }, () => new Shopper(world).signIn()));
  return { shoppers, variantId: String(variant?.['id']) };
}

async function purchase(shopper: Shopper, variantId: string): Promise<string> {
  await shopper.addToCart(variantId);
  const { orderId, payment } = await shopper.checkout();
  await shopper.follow(await shopper.atBank(payment, 'pay'));
  return orderId;
}

/** The least: an order, its line, one key taken with SKIP LOCKED, its allocation, a payment and two ledger entries, in one transaction. */
async function sqlLimit(world: Shop): Promise<number> {
  const url = new URL(world.adminUrl);
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  await admin.query('create database bench_limit');
  await admin.end();
  url.pathname = '/bench_limit';
  const pool = new pg.Pool({ connectionString: url.href, max: concurrency });
  await pool.query(readFileSync(join(import.meta.dirname, 'sql-limit.sql'), 'utf8'));
  const run = async () => {
    const client = await pool.connect();
    try {
      const [order, line, payment] = [randomUUID(), randomUUID(), randomUUID()];
      await client.query('begin');
      await client.query('insert into orders values ($1, $2, $3, $4)', [order, randomUUID(), 'paid', 1_000_000]);
      await client.query('insert into order_lines values ($1, $2, $3, 1)', [line, order, 1]);
      const { rows } = await client.query<{ id: string }>(
        "with pick as materialized (select id from keys where status = 'available' order by id limit 1 for update skip locked) update keys k set status = 'allocated' from pick where k.id = pick.id returning k.id",
      );
      await client.query('insert into allocations values ($1, $2)', [rows[0]?.id, line]);
      await client.query('insert into payments values ($1, $2, $3)', [payment, order, 1_000_000]);
      await client.query('insert into entries values ($1, $2, $3), ($1, $4, $5)', [
        payment,
        'clearing',
        1_000_000,
        'revenue',
        -1_000_000,
      ]);
      await client.query('commit');
    } finally {
      client.release();
    }
  };
  const stopAt = performance.now() + seconds * 1000;
  let count = 0;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (performance.now() < stopAt) {
        await run();
        count += 1;
      }
    }),
  );
  const rate = count / ((performance.now() - startedAt) / 1000);
  await pool.end();
  return rate;
}

/** From the bank's confirmation to the key being visible, at a steady 20 purchases per second whether or not earlier ones are done. */
async function measureLatency(world: Shop): Promise<void> {
  const { shoppers, variantId } = await stockAndShoppers(world);
  const times: number[] = [];
  const running: Promise<void>[] = [];
  const free = [...shoppers];
  let lateCount = 0;
  for (let tick = 0; tick < 20 * seconds; tick += 1) {
    const shopper = free.shift();
    if (!shopper) lateCount += 1;
    else {
      running.push(
        (async () => {
          await shopper.addToCart(variantId);
          const { orderId, payment } = await shopper.checkout();
          const callback = await shopper.atBank(payment, 'pay');
          const confirmedAt = performance.now();
          await shopper.follow(callback);
          for (;;) {
            const { items } = await shopper.inventory.listOrderKeys({ orderId });
            if (items.length > 0) break;
            await sleep(5);
          }
          times.push(performance.now() - confirmedAt);
          free.push(shopper);
        })(),
      );
    }
    await sleep(50);
  }
  await Promise.all(running);
  times.sort((a, b) => a - b);
  const at = (share: number) => Math.round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  console.log(
    `bank confirmation to key visible at 20 purchases/s (${times.length} of them, ${lateCount} not begun in time): p50 ${at(0.5)} ms, p95 ${at(0.95)} ms`,
  );
}

async function measureMemory(world: Shop): Promise<void> {
  const metrics = await (await fetch(`http://127.0.0.1:${world.internalPort}/metrics`)).text();
  const resident = Number(/^kelid_process_resident_memory_bytes (\S+)/m.exec(metrics)?.[1] ?? 0);
  console.log(`memory of the backend (all services in one process): ${Math.round(resident / 2 ** 20)} MiB`);
}

/** A Redis of its own for the queue, where the program is installed. */
async function withRedis(work: (url: string) => Promise<void>): Promise<void> {
  if (spawnSync('redis-server', ['--version']).status !== 0) {
    console.log('redis-server is not installed: the queue in Redis was not measured');
    return;
  }
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const server = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore',
  });
  try {
    await sleep(500);
    await work(`redis://127.0.0.1:${port}`);
  } finally {
    server.kill();
  }
}
