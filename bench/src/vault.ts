import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { query } from '@kelid/e2e/back-room';
import type { Shop } from '@kelid/e2e/shop';
import { newId } from '@kelid/service/ids';

const program = join(import.meta.dirname, '../../apps/server/src/kelid.ts');

/** Importing many product keys: the command a person runs, its time, and its memory above importing one. */
export async function measureImport(world: Shop, keyCount: number): Promise<void> {
  const [variant] = await query(world, 'catalog', 'select sku from variants order by id limit 1');
  const run = async (count: number) => {
    const file = join(world.folder, `import-${count}.txt`);
    writeFileSync(file, Array.from({ length: count }, () => `IMPORT-${randomUUID().toUpperCase()}`).join('\n'));
    const startedAt = performance.now();
    const child = spawn(
      process.execPath,
      [program, 'keys', 'import', file, '--sku', String(variant?.['sku']), '--any-format'],
      {
        env: world.env,
        stdio: 'ignore',
      },
    );
    let peakKiB = 0;
    const looking = setInterval(() => {
      try {
        peakKiB = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? peakKiB);
      } catch {
        // It has just ended.
      }
    }, 20);
    const code = await new Promise<number | null>((done) => child.once('exit', done));
    clearInterval(looking);
    if (code !== 0) throw new Error(`The import ended with ${code}`);
    return { seconds: (performance.now() - startedAt) / 1000, peakMiB: peakKiB / 1024 };
  };
  const one = await run(1);
  const many = await run(keyCount);
  console.log(
    `import of ${keyCount} product keys: ${many.seconds.toFixed(1)} s (${Math.round(keyCount / (many.seconds - one.seconds))} keys/s beside the start of the command), ${Math.round(many.peakMiB - one.peakMiB)} MiB more than importing one`,
  );
}

/** Reserving and binding one product key while the vault holds ten thousand, and while it holds a million. */
export async function measureAllocation(world: Shop): Promise<void> {
  const client = new pg.Client({ connectionString: world.urls.services['inventory']?.ownerUrl });
  await client.connect();
  try {
    const variantId = newId();
    const batchId = newId();
    await client.query(
      "insert into key_batches (id, variant_id, brand, label, wrapped_dek, kek_id, imported_count, duplicate_count, invalid_count, created_by) values ($1, $2, 'Bench', 'bench', '', 'kek-202611', 0, 0, 0, 'bench')",
      [batchId, variantId],
    );
    const fill = (from: number, to: number) =>
      client.query(
        `insert into product_keys (id, batch_id, variant_id, brand, ciphertext, blind_index, blind_index_version, masked, status)
         select uuidv7(), $1, $2, 'Bench', sha256(('c' || i)::bytea), sha256(('b' || i)::bytea), 1, '•••• ••••', 'available' from generate_series($3::int, $4::int) i`,
        [batchId, variantId, from, to],
      );
    const time = async () => {
      await client.query('vacuum analyze product_keys');
      const allocate = async () => {
        const [order, line] = [randomUUID(), randomUUID()];
        const lines = JSON.stringify([{ orderLineId: line, variantId, quantity: 1 }]);
        await client.query("select * from inventory_reserve($1, $2, 1, now() + interval '1 hour', $3)", [
          randomUUID(),
          order,
          lines,
        ]);
        await client.query('select * from inventory_fulfill($1, $2, 1, $3)', [order, randomUUID(), lines]);
      };
      for (let count = 0; count < 50; count += 1) await allocate();
      const times: number[] = [];
      for (let count = 0; count < 400; count += 1) {
        const startedAt = performance.now();
        await allocate();
        times.push(performance.now() - startedAt);
      }
      return times.toSorted((a, b) => a - b)[times.length / 2] ?? 0;
    };
    await client.query("set statement_timeout = '10min'");
    await fill(1, 10_000);
    const few = await time();
    await fill(10_001, 1_000_000);
    const many = await time();
    console.log(
      `reserving and binding one product key, median: ${few.toFixed(2)} ms with 10,000 in the vault, ${many.toFixed(2)} ms with 1,000,000, ratio ${(many / few).toFixed(2)}`,
    );
  } finally {
    await client.end();
  }
}

/** Paid orders that wait, as after hours without workers: units per second until all are delivered, by one and by two worker processes. */
export async function measureDrain(
  world: Shop,
  orderCount: number,
  queue: { name: string; workerCounts: number[]; env: Record<string, string> },
): Promise<void> {
  const [variant] = await query(world, 'inventory', "select variant_id from key_batches where brand = 'Bench' limit 1");
  const limit = await bindingLimit(world, String(variant?.['variant_id']));
  for (const workerCount of queue.workerCounts) {
    await world.stop('server');
    const before = await boundUnits(world);
    await query(
      world,
      'orders',
      `with made as (
        insert into orders (id, order_number, customer_id, cart_id, cart_order_count, status, discount_rial, vat_rial, total_rial, psp, contact, first_attempt_id, paid_attempt_id, idempotency_key, hold_expires_at, paid_at, due_at)
        select uuidv7(), 'BENCH-${queue.name}-${workerCount}-' || i, uuidv7(), uuidv7(), 0, 'paid', 0, 0, 1000000, 'zarinpal', '{}', uuidv7(), uuidv7(), 'bench ' || i, now(), now(), now()
        from generate_series(1, ${orderCount}) i returning id)
      insert into order_lines (id, order_id, position, variant_id, product_slug, title, variant_title, region, platform, quantity, unit_price_rial)
      select uuidv7(), id, 0, '${String(variant?.['variant_id'])}', 'bench', '{"fa":"b","en":"b"}', '{"fa":"b","en":"b"}', 'US', 'steam', 1, 1000000 from made`,
    );
    const startedAt = performance.now();
    await world.start('server', queue.env);
    const second =
      workerCount === 1
        ? undefined
        : spawn(process.execPath, [join(import.meta.dirname, '../../apps/server/src/main.ts')], {
            env: { ...world.env, ...queue.env, SERVICES: 'all', RUN: 'jobs', INTERNAL_PORT: '0' },
            stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
          });
    const left = async () =>
      Number(
        (
          await query(
            world,
            'orders',
            "select count(*) as left from orders where status <> 'fulfilled' and order_number like 'BENCH-%'",
          )
        )[0]?.['left'],
      );
    while ((await left()) > 0) {
      if (performance.now() - startedAt > 1_800_000) throw new Error('The orders are not delivered after half an hour');
      await sleep(100);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    second?.kill();
    const after = await boundUnits(world);
    console.log(
      `${orderCount} paid orders waiting, ${workerCount} worker process(es), queue in ${queue.name}: ${Math.round(orderCount / seconds)} units/s, ${(orderCount / seconds / limit).toFixed(3)} of binding alone in SQL (${Math.round(limit)}/s); ${after.units - before.units} units, ${after.keys - before.keys} different product keys, ${after.lines - before.lines} lines`,
    );
  }
}

async function boundUnits(world: Shop): Promise<{ units: number; keys: number; lines: number }> {
  const [row] = await query(
    world,
    'inventory',
    'select count(*)::int as units, count(distinct key_id)::int as keys, count(distinct order_line_id)::int as lines from key_allocations',
  );
  return { units: Number(row?.['units']), keys: Number(row?.['keys']), lines: Number(row?.['lines']) };
}

/** Units per second of the one statement that binds, by sixteen connections and nothing else. */
async function bindingLimit(world: Shop, variantId: string): Promise<number> {
  const pool = new pg.Pool({ connectionString: world.urls.services['inventory']?.ownerUrl, max: 16 });
  const until = performance.now() + 4_000;
  const startedAt = performance.now();
  let count = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (performance.now() < until) {
        const lines = JSON.stringify([{ orderLineId: newId(), variantId, quantity: 1 }]);
        await pool.query('select * from inventory_fulfill($1, $2, 1, $3)', [newId(), newId(), lines]);
        count += 1;
      }
    }),
  );
  const rate = count / ((performance.now() - startedAt) / 1000);
  await pool.end();
  return rate;
}
