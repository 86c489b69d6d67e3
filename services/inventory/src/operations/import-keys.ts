import { setImmediate as nextTurn } from 'node:timers/promises';
import { eq, sql } from 'drizzle-orm';
import { importRefused, skuUnknown } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import type { Context, Operations } from '../context.ts';
import { actorName } from '../db/queries.ts';
import { keyBatches } from '../db/schema.ts';
import { judgeLines, type LineProblem } from '../domain/import-lines.ts';
import { maskKey } from '../domain/vault.ts';

/** Rows per statement, and lines worked on before other calls of this process get their turn. */
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
  const rows: { line: number; keyId: string; ciphertext: Buffer; blindIndex: Buffer; masked: string }[] = [];
  for (const [index, { line, code }] of good.entries()) {
    if (index % chunkSize === 0) await nextTurn();
    const keyId = newId();
    rows.push({
      line,
      keyId,
      ciphertext: ctx.vault.sealKey(dek, code, { keyId, variantId: variant.variantId, batchId }),
      blindIndex: ctx.vault.blindIndex(variant.brand, code),
      masked: maskKey(code),
    });
  }
  dek.fill(0);

  if (input.dryRun) {
    const known = await knownIndexes(
      ctx,
      variant.brand,
      rows.map((row) => row.blindIndex),
    );
    for (const row of rows)
      if (known.has(row.blindIndex.toString('hex'))) problems.push({ line: row.line, reason: 'duplicate-in-stock' });
    return report(null, input.codes.length - problems.length, problems);
  }

  const counted = await ctx.transaction(async (tx) => {
    const batch = {
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
    };
    // The same import at this moment waits here for the first one, and has its report to answer with.
    const made = await tx.insert(keyBatches).values(batch).onConflictDoNothing().returning({ id: keyBatches.id });
    if (made.length === 0) return undefined;
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
    const known = rows
      .filter((row) => !stored.has(row.keyId))
      .map(({ line }): LineProblem => ({ line, reason: 'duplicate-in-stock' }));
    const answer = report(batchId, stored.size, [...problems, ...known]);
    if (input.onDuplicate === 'reject' && answer.problems.length > 0) throw importRefused({ lines: answer.problems });
    await tx
      .update(keyBatches)
      .set({
        importedCount: answer.importedCount,
        duplicateCount: answer.duplicateCount,
        invalidCount: answer.invalidCount,
        problems: answer.problems,
      })
      .where(eq(keyBatches.id, batchId));
    await tx.execute(sql`select inventory_tell_stock(${variant.variantId}, ${answer.importedCount})`);
    return answer;
  });
  if (counted) {
    ctx.log.info(
      { batchId, importedCount: counted.importedCount, duplicateCount: counted.duplicateCount },
      'product keys were imported',
    );
    return counted;
  }
  const first = input.importId === undefined ? undefined : await findBatch(ctx, input.importId);
  if (!first) throw new Error('The import that came first is not there');
  return first;
};

async function findBatch(ctx: Context, importId: string) {
  const [batch] = await ctx.db.select().from(keyBatches).where(eq(keyBatches.importId, importId));
  if (!batch) return undefined;
  const { id, importedCount, duplicateCount, invalidCount, problems } = batch;
  return { batchId: id, importedCount, duplicateCount, invalidCount, problems };
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
  const isDuplicate = (problem: LineProblem) =>
    problem.reason === 'duplicate-in-file' || problem.reason === 'duplicate-in-stock';
  const duplicateCount = problems.filter(isDuplicate).length;
  return {
    batchId,
    importedCount,
    duplicateCount,
    invalidCount: problems.length - duplicateCount,
    problems: problems.toSorted((a, b) => a.line - b.line).slice(0, reportedMax),
  };
}
