import { setImmediate as nextTurn } from 'node:timers/promises';
import { and, eq, sql } from 'drizzle-orm';
import { importNotFound, skuUnknown } from '@kelid/contracts/inventory';
import { sqlState } from '@kelid/service/database';
import { newId } from '@kelid/service/ids';
import { sqlStates } from '@kelid/service/sqlstates';
import { actorName } from '@kelid/service/context';
import type { Context } from '../context.ts';
import { keyImports } from '../db/schema.ts';
import { judgeLine, type KeyPart } from './import-lines.rules.ts';
import { maskKey } from './vault.rules.ts';

export type ImportRow = typeof keyImports.$inferSelect;

/** Lines worked on before other calls of this process get their turn. */
const turnLines = 500;
/** A part of 5,000 lines takes a second; on a busy machine it may take longer than other statements. */
const partSeconds = 60;
/** A large import is stored in one statement, which may take longer than others. */
const storeSeconds = 600;

interface NewImport {
  importId: string;
  sku: string;
  label: string;
  lineFormat: 'code' | 'code-pin' | 'codes';
  takesAnyFormat: boolean;
  onDuplicate: 'skip' | 'reject';
  expiresAt?: string | undefined;
  unitCostRial?: number | undefined;
  dryRun: boolean;
}

/** Opens an import, or answers the one that this id has opened before. */
export async function openImport(ctx: Context, input: NewImport): Promise<ImportRow> {
  const before = await findImport(ctx, input.importId);
  if (before) return before;
  const { variant } = await ctx.peers.catalog.findVariantBySku({ sku: input.sku });
  // A top-up has no product keys: its units are bought for the account they go to.
  if (!variant || variant.accountRule !== null) throw skuUnknown();
  const { dek, wrapped } = ctx.vault.newDek(input.importId);
  dek.fill(0);
  await ctx.db
    .insert(keyImports)
    .values({
      id: input.importId,
      variantId: variant.variantId,
      brand: variant.brand,
      platform: variant.platform,
      label: input.label,
      lineFormat: input.lineFormat,
      takesAnyFormat: input.takesAnyFormat,
      onDuplicate: input.onDuplicate,
      isDryRun: input.dryRun,
      wrappedDek: wrapped,
      kekId: ctx.vault.kekId,
      unitCostRial: input.unitCostRial ?? null,
      expiresAt: input.expiresAt ?? null,
      createdBy: actorName(ctx),
      dueAt: sql`now() + interval '1 day'`,
    })
    .onConflictDoNothing();
  return getImport(ctx, input.importId);
}

export async function findImport(ctx: Context, importId: string): Promise<ImportRow | undefined> {
  const [row] = await ctx.db.select().from(keyImports).where(eq(keyImports.id, importId));
  return row;
}

export async function getImport(ctx: Context, importId: string): Promise<ImportRow> {
  const row = await findImport(ctx, importId);
  if (!row) throw importNotFound();
  return row;
}

/** Judges and seals lines of an open import; plaintext is nowhere after this. A line that came before stays as it was. */
export async function addLines(
  ctx: Context,
  { id: importId, brand, variantId, kekId, wrappedDek, ...rules }: ImportRow,
  firstLine: number,
  lines: readonly string[],
): Promise<void> {
  const dek = ctx.vault.openDek(wrappedDek, importId, kekId);
  const rows: ReturnType<typeof sealLine>[] = [];
  for (const [index, raw] of lines.entries()) {
    if (index % turnLines === turnLines - 1) await nextTurn();
    const judged = judgeLine(raw, rules);
    rows.push(
      'reason' in judged
        ? { ...noUnit, line: firstLine + index, problem: judged.reason }
        : sealLine(ctx, dek, { importId, brand, variantId }, firstLine + index, judged.parts),
    );
  }
  dek.fill(0);
  const column = (name: keyof (typeof rows)[number]) => sql.param(rows.map((row) => row[name]));
  await ctx.transaction(async (tx) => {
    // A plan that was made while the table was small is no plan for a large one.
    await tx.execute(
      sql`select set_config('statement_timeout', ${`${partSeconds}s`}, true), set_config('plan_cache_mode', 'force_custom_plan', true)`,
    );
    // Two parts of one import after one another: each sees the codes of the other.
    const [open] = await tx
      .select({ id: keyImports.id })
      .from(keyImports)
      .where(and(eq(keyImports.id, importId), eq(keyImports.status, 'receiving')))
      .for('no key update');
    if (!open) throw importNotFound();
    await tx.execute(sql`
      with given as (
        select * from unnest(${column('line')}::int[], ${column('problem')}::text[], ${column('keyId')}::uuid[], ${column('ciphertext')}::bytea[], ${column('kind')}::text[],
          ${column('masked')}::text[], ${column('blindIndex')}::bytea[], ${column('previousIndex')}::bytea[], ${column('moreIndexes')}::jsonb[])
          as line(line, problem, key_id, ciphertext, kind, masked, blind_index, previous_index, more)
      ), added as (
        insert into key_import_lines (import_id, line, problem, key_id, ciphertext, kind, masked, blind_index_version, blind_index, previous_index, more_indexes)
        select ${importId}, line, coalesce(problem, case
            when row_number() over (partition by blind_index order by line) > 1
              or exists (select from key_import_lines known where known.import_id = ${importId} and known.problem is null and known.blind_index = given.blind_index and known.line <> given.line)
            then 'duplicate-in-file' end),
          key_id, ciphertext, kind, masked, ${ctx.vault.blindIndexVersion}, blind_index, previous_index,
          (select array_agg(decode(code, 'hex') order by position) from jsonb_array_elements_text(more) with ordinality as code(code, position))
        from given on conflict (import_id, line) do nothing returning 1
      )
      update key_imports set line_count = line_count + (select count(*) from added) where id = ${importId}`);
  });
}

const noUnit = {
  keyId: null,
  ciphertext: null,
  kind: 'text',
  masked: '',
  blindIndex: null,
  previousIndex: null,
  moreIndexes: '[]',
};

function sealLine(
  ctx: Context,
  dek: Buffer,
  { importId, brand, variantId }: { importId: string; brand: string; variantId: string },
  line: number,
  parts: KeyPart[],
): {
  line: number;
  problem: string | null;
  keyId: string | null;
  ciphertext: Buffer | null;
  kind: string;
  masked: string;
  blindIndex: Buffer | null;
  previousIndex: Buffer | null;
  moreIndexes: string;
} {
  const keyId = newId();
  const [first = { label: 'code' as const, text: '' }, ...more] = parts;
  const content = more.length === 0 ? first.text : JSON.stringify(parts);
  const moreCodes = more.filter((part) => part.label === 'code');
  return {
    line,
    problem: null,
    keyId,
    ciphertext: ctx.vault.sealKey(dek, content, { keyId, variantId, batchId: importId }),
    kind: more.length === 0 ? 'text' : 'parts',
    masked: maskKey(first.text),
    blindIndex: ctx.vault.blindIndex(brand, first.text),
    previousIndex: ctx.vault.previousIndex(brand, first.text),
    moreIndexes: JSON.stringify(moreCodes.map((part) => ctx.vault.blindIndex(brand, part.text).toString('hex'))),
  };
}

/** Moves an import whose lines are all here into the vault, by `inventory_store_import`. Repeated, or at once with itself, it does so once. */
export async function storeImport(ctx: Context, importId: string): Promise<void> {
  for (let tryNumber = 1; ; tryNumber += 1) {
    try {
      await ctx.transaction(async (tx) => {
        await tx.execute(
          sql`select set_config('statement_timeout', ${`${storeSeconds}s`}, true), set_config('plan_cache_mode', 'force_custom_plan', true)`,
        );
        await tx.execute(sql`select inventory_store_import(${importId}, ${ctx.vault.previousIndexVersion}::smallint)`);
      });
      break;
    } catch (error) {
      // Another import brought one of these codes between the look and the write; the next look sees it.
      if (sqlState(error) !== sqlStates.uniqueViolation || tryNumber === 5) throw error;
    }
  }
  const row = await getImport(ctx, importId);
  ctx.log.info(
    { batchId: importId, importedCount: row.importedCount, duplicateCount: row.duplicateCount, status: row.status },
    'an import of product keys has ended',
  );
}

export function showImport(row: ImportRow) {
  return {
    importId: row.id,
    status: row.status,
    batchId: batchOf(row),
    lineCount: row.lineCount,
    importedCount: row.importedCount,
    duplicateCount: row.duplicateCount,
    invalidCount: row.invalidCount,
  };
}

/** An import of which nothing could be stored left no batch. */
export function batchOf({ id, status, importedCount }: ImportRow): string | null {
  return status === 'done' && importedCount > 0 ? id : null;
}
