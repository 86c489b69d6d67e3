import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { openStoredKey } from './record-reveal.ts';

const rowsMax = 200;

/**
 * After a change of the blind index's key: opens the product keys that are indexed under the one before it and indexes them anew, some at
 * a time. Dying in between leaves the rest for the next run; until then every new product key is looked for under both.
 */
export async function rotateBlindIndexes(ctx: Context): Promise<number> {
  const { previousIndexVersion: previous, blindIndexVersion: version } = ctx.vault;
  if (previous === null || previous === version) return 0;
  const { rows: brands } = await ctx.db.execute<{ brand: string }>(sql`
    select brand from (select distinct brand from key_batches) batch
    where exists (select from product_keys k where k.brand = batch.brand and k.blind_index_version = ${previous}) limit 1`);
  const brand = brands[0]?.brand;
  if (brand === undefined) return 0;
  const { rows } = await ctx.db.execute<{ id: string; is_void: boolean }>(sql`
    select id, status = 'void' as is_void from product_keys where brand = ${brand} and blind_index_version = ${previous} limit ${rowsMax}`);
  for (const row of rows) await reindex(ctx, { ...row, brand, previous, version });
  return rows.length;
}

async function reindex(
  ctx: Context,
  row: { id: string; is_void: boolean; brand: string; previous: number; version: number },
): Promise<void> {
  const { id, brand, previous, version } = row;
  const texts = row.is_void ? [] : await textsOf(ctx, id);
  const [first, ...more] = texts.map((text) => ctx.vault.blindIndex(brand, text));
  await ctx.transaction(async (tx) => {
    // A voided row stays as it is; another row with the same product key means that it came in twice, under two keys of the index.
    const { rows: moved } = await tx.execute(sql`
      update product_keys set blind_index_version = ${version}, blind_index = ${first ?? sql`blind_index`}
      where id = ${id} and blind_index_version = ${previous} and not exists (
        select from product_keys other where other.brand = ${brand} and other.blind_index_version = ${version} and other.blind_index = ${first ?? null}::bytea)
      returning 1`);
    if (moved.length === 0) {
      ctx.log.error(
        { keyId: id, alarm: 'key-twice' },
        'a product key came in twice; if it is for sale it is set aside',
      );
      await tx.execute(sql`
        update product_keys set blind_index_version = ${version}, blind_index = decode(replace(id::text, '-', ''), 'hex'),
          status = case when status = 'available' then 'quarantined' else status end
        where id = ${id} and blind_index_version = ${previous}`);
    }
    for (const [index, code] of more.entries())
      await tx.execute(sql`
        update product_key_codes set blind_index_version = ${version}, blind_index = ${code}
        where key_id = ${id} and position = ${index + 1} and blind_index_version = ${previous}`);
  });
}

async function textsOf(ctx: Context, keyId: string): Promise<(string | Buffer)[]> {
  const { code, parts, image } = await openStoredKey(ctx, keyId);
  if (image) return [Buffer.from(image.contentBase64, 'base64')];
  return parts ? parts.filter(({ label }) => label === 'code').map(({ text }) => text) : [code ?? ''];
}
