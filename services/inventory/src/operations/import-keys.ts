import { eq, sql } from 'drizzle-orm';
import { importRefused, skuUnknown } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import { publish } from '@kelid/service/outbox';
import { stockChanged } from '@kelid/contracts/events';
import type { Context, Operations } from '../context.ts';
import { actorName } from '../db/queries.ts';
import { keyBatches } from '../db/schema.ts';
import { judgeLines, type LineProblem } from '../domain/import-lines.ts';
import { maskKey } from '../domain/vault.ts';

const chunkSize = 2_000;
const reportedMax = 1_000;

/**
 * Adds product keys as one batch in one transaction: every good line or, where duplicates are not to be skipped, nothing. Plaintext
 * is sealed before anything is written.
 */
export const importKeys: Operations['importKeys'] = async (ctx, input) => {
  const earlier = input.importId === undefined ? undefined : await findBatch(ctx, input.importId);
  if (earlier) return earlier;
  const { variant } = await ctx.peers.catalog.findVariantBySku({ sku: input.sku });
  if (!variant) throw skuUnknown();

  const { good, problems } = judgeLines(input.codes);
  const batchId = newId();
  const { dek, wrapped } = ctx.vault.newDek(batchId);
  const rows = good.map(({ line, code }) => {
    const keyId = newId();
    return {
      line,
      keyId,
      ciphertext: ctx.vault.sealKey(dek, code, { keyId, variantId: variant.variantId, batchId }),
      blindIndex: ctx.vault.blindIndex(variant.brand, code),
      masked: maskKey(code),
    };
  });
  dek.fill(0);

  if (input.dryRun) {
    const known = await knownIndexes(ctx, variant.brand, rows.map((row) => row.blindIndex));
    for (const row of rows) if (known.has(row.blindIndex.toString('hex'))) problems.push({ line: row.line, reason: 'duplicate-in-stock' });
    return report(null, input.codes.length - problems.length, problems);
  }

  return ctx.transaction(async (tx) => {
    await tx.insert(keyBatches).values({
      id: batchId,
      variantId: variant.variantId,
      brand: variant.brand,
      label: input.label,
      importId: input.importId ?? null,
      wrappedDek: wrapped,
      kekId: ctx.vault.kekId,
      importedCount: 0,
      duplicateCount: 0,
      invalidCount: 0,
      unitCostRial: input.unitCostRial ?? null,
      expiresAt: input.expiresAt ?? null,
      createdBy: actorName(ctx.actor),
    });
    const stored = new Set<string>();
    for (let at = 0; at < rows.length; at += chunkSize) {
      const chunk = rows.slice(at, at + chunkSize);
      const { rows: inserted } = await tx.execute<{ id: string }>(sql`
        insert into product_keys (id, batch_id, variant_id, brand, ciphertext, blind_index, blind_index_version, masked, status, expires_at)
        select key.id, ${batchId}, ${variant.variantId}, ${variant.brand}, key.ciphertext, key.blind_index, ${ctx.vault.blindIndexVersion}, key.masked,
          'available', ${input.expiresAt ?? null}::timestamptz
        from unnest(${sql.param(chunk.map((row) => row.keyId))}::uuid[], ${sql.param(chunk.map((row) => row.ciphertext))}::bytea[],
          ${sql.param(chunk.map((row) => row.blindIndex))}::bytea[], ${sql.param(chunk.map((row) => row.masked))}::text[]) as key(id, ciphertext, blind_index, masked)
        on conflict (brand, blind_index_version, blind_index) do nothing returning id`);
      for (const row of inserted) stored.add(row.id);
    }
    for (const row of rows) if (!stored.has(row.keyId)) problems.push({ line: row.line, reason: 'duplicate-in-stock' });
    if (input.onDuplicate === 'reject' && problems.length > 0) throw importRefused({ lines: problems.slice(0, reportedMax) });
    const counted = report(batchId, stored.size, problems);
    await tx
      .update(keyBatches)
      .set({ importedCount: counted.importedCount, duplicateCount: counted.duplicateCount, invalidCount: counted.invalidCount })
      .where(eq(keyBatches.id, batchId));
    const { rows: stock } = await tx.execute<{ count: number }>(
      sql`select count(*)::int as count from product_keys where variant_id = ${variant.variantId} and status = 'available'`,
    );
    await publish(tx, stockChanged({ variantId: variant.variantId, availableCount: stock[0]?.count ?? 0, at: ctx.now().toISOString() }));
    ctx.log.info({ batchId, importedCount: counted.importedCount, duplicateCount: counted.duplicateCount }, 'product keys were imported');
    return counted;
  });
};

async function findBatch(ctx: Context, importId: string) {
  const [batch] = await ctx.db.select().from(keyBatches).where(eq(keyBatches.importId, importId));
  if (!batch) return undefined;
  return { batchId: batch.id, importedCount: batch.importedCount, duplicateCount: batch.duplicateCount, invalidCount: batch.invalidCount, problems: [] };
}

async function knownIndexes(ctx: Context, brand: string, indexes: Buffer[]): Promise<Set<string>> {
  const known = new Set<string>();
  for (let at = 0; at < indexes.length; at += chunkSize) {
    const { rows } = await ctx.db.execute<{ index: string }>(sql`
      select encode(blind_index, 'hex') as index from product_keys
      where brand = ${brand} and blind_index_version = ${ctx.vault.blindIndexVersion} and blind_index = any(${sql.param(indexes.slice(at, at + chunkSize))}::bytea[])`);
    for (const row of rows) known.add(row.index);
  }
  return known;
}

function report(batchId: string | null, importedCount: number, problems: LineProblem[]) {
  const isDuplicate = (problem: LineProblem) => problem.reason === 'duplicate-in-file' || problem.reason === 'duplicate-in-stock';
  const duplicateCount = problems.filter(isDuplicate).length;
  return {
    batchId,
    importedCount,
    duplicateCount,
    invalidCount: problems.length - duplicateCount,
    problems: problems.toSorted((a, b) => a.line - b.line).slice(0, reportedMax),
  };
}
