import { join } from 'node:path';
import { spawn } from 'node:child_process';
import pg from 'pg';
import { serviceNames } from '@kelid/contracts/all';
import { checkInvariants as runInvariants, type Violation } from '@kelid/testing/invariants';
import type { Shop } from './shop.ts';

const root = join(import.meta.dirname, '../..');

/** Runs `npm run kelid` on the shop's databases. */
export async function kelid(shop: Shop, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [join(root, 'apps/server/src/kelid.ts'), ...args], {
    cwd: root,
    env: shop.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once('exit', done));
  if (code !== 0) throw new Error(`kelid ${args.join(' ')} ended with ${code}: ${output}`);
  return output;
}

export async function query(
  shop: Shop,
  service: string,
  text: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const url = new URL(shop.adminUrl);
  url.pathname = `/kelid_${service}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Speaks to the simulators as a test does: faults, and their own books. */
export async function control(shop: Shop, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${shop.simulatorsUrl}${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path} of the simulators: ${response.status}`);
  return response.status === 204 ? undefined : response.json();
}

/** Every statement of the services’ invariants.sql: one that answers rows names a broken promise. */
export function checkInvariants(shop: Shop): Promise<Violation[]> {
  const urls = [...serviceNames].map((service) => {
    const url = new URL(shop.adminUrl);
    url.pathname = `/kelid_${service}`;
    return [service, url.href] as const;
  });
  return runInvariants(Object.fromEntries(urls));
}

/** Changes the prices of a product's variants as the shop does: with a row of history each. */
export async function multiplyPrices(shop: Shop, slug: string, factor: number): Promise<void> {
  await query(
    shop,
    'catalog',
    `with changed as (
      update variants v set price_rial = round(old.price_rial * $2::numeric) from (select v.id, v.price_rial from variants v join products p on p.id = v.product_id where p.slug = $1) old
      where v.id = old.id returning v.id, old.price_rial as old_rial, v.price_rial)
    insert into price_history (id, variant_id, old_price_rial, price_rial, cause, changed_by) select uuidv7(), id, old_rial, price_rial, 'hand', 'e2e' from changed`,
    [slug, factor],
  );
}
