import { sql } from 'drizzle-orm';
import { failpoint } from '@kelid/service/failpoint';
import { newId } from '@kelid/service/ids';
import type { Context } from '../context.ts';
import { keyBatches } from '../db/schema.ts';
import { maskKey } from '../vault/vault.rules.ts';
import type { SuppliedOrder, SuppliedUnit } from '../providers/supplier.ts';
import type { Procurement } from './procurement-moves.ts';

/**
 * Takes in what a supplier order has brought so far: sealed first, then stored and bound to its line in one transaction, by
 * `supply_receive`. A unit that came before changes nothing, so fetching again is always safe (CP14).
 */
export async function receiveUnits(ctx: Context, procurement: Procurement, order: SuppliedOrder): Promise<void> {
  const known = await knownRefs(ctx, procurement, order.units);
  const fresh = order.units.filter((unit) => !known.has(unit.ref) && isSettled(unit));
  if (fresh.length === 0) return;
  const batchId = newId();
  const { dek, wrapped } = ctx.vault.newDek(batchId);
  const sealed = fresh.map((unit) => sealUnit(ctx, procurement, unit, dek, batchId));
  dek.fill(0);
  failpoint('inventory.supplier-fetched'); // CP14

  const counted = await ctx.transaction(async (tx) => {
    await tx.insert(keyBatches).values({
      id: batchId,
      variantId: procurement.variantId,
      brand: procurement.brand,
      label: `${procurement.supplier} ${order.supplierOrderId}`.slice(0, 100),
      wrappedDek: wrapped,
      kekId: ctx.vault.kekId,
      importedCount: sealed.length,
      duplicateCount: 0,
      invalidCount: 0,
      createdBy: `supplier:${procurement.supplier}`,
    });
    const column = (name: keyof (typeof sealed)[number]) => sql.param(sealed.map((row) => row[name]));
    const { rows } = await tx.execute<{ stored: number; duplicates: number }>(sql`
      select * from supply_receive(${procurement.id}, ${batchId}, ${column('ref')}::text[], ${column('id')}::uuid[], ${column('ciphertext')}::bytea[],
        ${column('blindIndex')}::bytea[], ${ctx.vault.blindIndexVersion}::smallint, ${column('previousIndex')}::bytea[], ${ctx.vault.previousIndexVersion}::smallint,
        ${column('masked')}::text[], ${column('kind')}::text[])`);
    return rows[0];
  });
  ctx.wakeRelay();
  if (counted && counted.duplicates > 0)
    ctx.log.error(
      {
        procurementId: procurement.id,
        supplier: procurement.supplier,
        count: counted.duplicates,
        alarm: 'supplier-duplicate',
      },
      'a supplier sold product keys that are here already',
    );
}

function isSettled(unit: SuppliedUnit): boolean {
  return unit.state === 'returned' || unit.state === 'cancelled' || (unit.state === 'ready' && unit.code !== undefined);
}

function sealUnit(ctx: Context, procurement: Procurement, unit: SuppliedUnit, dek: Buffer, batchId: string) {
  const id = newId();
  const { code } = unit;
  if (unit.state !== 'ready' || code === undefined)
    return { ref: unit.ref, id, ciphertext: null, blindIndex: null, previousIndex: null, masked: '', kind: 'text' };
  // Stored as it came: a product key of several lines or with an address in it stays whole.
  const content = code.kind === 'image' ? code.bytes : code.text;
  return {
    ref: unit.ref,
    id,
    ciphertext: ctx.vault.sealKey(dek, content, { keyId: id, variantId: procurement.variantId, batchId }),
    blindIndex: ctx.vault.blindIndex(procurement.brand, content),
    previousIndex: ctx.vault.previousIndex(procurement.brand, content),
    masked: code.kind === 'image' ? '•••• ••••' : maskKey(code.text),
    kind: code.kind === 'image' ? code.contentType : code.kind,
  };
}

async function knownRefs(ctx: Context, procurement: Procurement, units: SuppliedUnit[]): Promise<Set<string>> {
  const { rows } = await ctx.db.execute<{ ref: string }>(sql`
    select unit_ref as ref from supplied_units where supplier = ${procurement.supplier} and unit_ref = any(${sql.param(units.map((unit) => unit.ref))}::text[])`);
  return new Set(rows.map((row) => row.ref));
}
