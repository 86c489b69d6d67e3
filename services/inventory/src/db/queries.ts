import { and, desc, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { actorName, type Db, type Tx } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import type { Context } from '../context.ts';
import { VaultError } from '../vault/vault.rules.ts';
import {
  complaintPictures,
  complaints,
  keyAllocations,
  keyBatches,
  type KeyKind,
  keyReveals,
  productKeys,
} from './schema.ts';

const KeyParts = z.array(z.object({ label: z.enum(['code', 'pin']), text: z.string() }));

export const staffKeyColumns = {
  id: productKeys.id,
  variantId: productKeys.variantId,
  batchId: productKeys.batchId,
  masked: productKeys.masked,
  status: productKeys.status,
  orderLineId: keyAllocations.orderLineId,
  expiresAt: productKeys.expiresAt,
  createdAt: productKeys.createdAt,
};

/** Who has a product key now: an allocation that was withdrawn is history. */
export const isHolder = and(eq(keyAllocations.keyId, productKeys.id), isNull(keyAllocations.withdrawnAt));

export const ownedKeyColumns = {
  id: productKeys.id,
  orderId: keyAllocations.orderId,
  orderLineId: keyAllocations.orderLineId,
  variantId: keyAllocations.variantId,
  masked: productKeys.masked,
  contentKind: productKeys.kind,
  complaint: sql<
    'open' | 'replaced' | 'refunded' | 'rejected' | null
  >`(select status from complaints where key_id = ${productKeys.id})`,
  deliveredAt: keyAllocations.allocatedAt,
  revealedAt: sql<
    string | null
  >`(select min(at)::text from ${keyReveals} where ${keyReveals.keyId} = ${productKeys.id} and ${keyReveals.actor} like 'user:%')`,
};

type Shown<Row> = Omit<Row, 'expiresAt' | 'createdAt' | 'deliveredAt' | 'revealedAt'>;

export function showStaffKey<Row extends { expiresAt: string | null; createdAt: string }>(row: Row) {
  const rest: Shown<Row> = row;
  return { ...rest, expiresAt: iso(row.expiresAt), createdAt: iso(row.createdAt) };
}

export function showOwnedKey<Row extends { deliveredAt: string; revealedAt: string | null; contentKind: KeyKind }>({
  contentKind,
  ...row
}: Row) {
  const rest: Shown<typeof row> = row;
  const kind =
    contentKind === 'text' || contentKind === 'parts' || contentKind === 'receipt' ? contentKind : ('image' as const);
  return { ...rest, kind, deliveredAt: iso(row.deliveredAt), revealedAt: iso(row.revealedAt) };
}

/** Writes who looks, and only then opens the product key: a look that cannot be recorded shows nothing. */
export async function revealRecorded(ctx: Context, keyId: string, reason: string | null) {
  await ctx.db.insert(keyReveals).values({
    id: newId(),
    keyId,
    actor: ctx.actor.kind === 'user' && reason !== null ? `staff:${ctx.actor.userId}` : actorName(ctx),
    sessionId: ctx.actor.kind === 'user' ? ctx.actor.sessionId : null,
    reason,
    ip: ctx.origin.ip,
    userAgent: ctx.origin.userAgent.slice(0, 300),
  });
  return openStoredKey(ctx, keyId);
}

/** What is sealed in a row. Whoever shows it to a person records that first. */
export async function openStoredKey(ctx: Context, keyId: string): Promise<OpenedKey> {
  const [row] = await ctx.db
    .select({
      id: productKeys.id,
      variantId: productKeys.variantId,
      batchId: productKeys.batchId,
      ciphertext: productKeys.ciphertext,
      kind: productKeys.kind,
      wrappedDek: keyBatches.wrappedDek,
      kekId: keyBatches.kekId,
    })
    .from(productKeys)
    .innerJoin(keyBatches, eq(keyBatches.id, productKeys.batchId))
    .where(eq(productKeys.id, keyId));
  if (!row) throw new Error('The product key to open is gone');
  try {
    const dek = ctx.vault.openDek(row.wrappedDek, row.batchId, row.kekId);
    try {
      const place = { keyId: row.id, variantId: row.variantId, batchId: row.batchId };
      if (row.kind === 'text' || row.kind === 'receipt') return { code: ctx.vault.openKey(dek, row.ciphertext, place) };
      if (row.kind === 'parts')
        return { parts: KeyParts.parse(JSON.parse(ctx.vault.openKey(dek, row.ciphertext, place))) };
      const contentBase64 = ctx.vault.openKey(dek, row.ciphertext, place, 'base64');
      return { image: { contentType: row.kind, contentBase64 } };
    } finally {
      dek.fill(0);
    }
  } catch (error) {
    if (error instanceof VaultError)
      ctx.log.error({ keyId, batchId: row.batchId, alarm: 'decrypt-failed' }, 'a stored product key does not open');
    throw error;
  }
}

interface OpenedKey {
  code?: string;
  parts?: z.output<typeof KeyParts>;
  image?: { contentType: 'image/png' | 'image/jpeg' | 'image/gif'; contentBase64: string };
}

/** The data key that a stored product key, and what belongs to it, is sealed under; the caller fills it with zeros. */
async function placeOf(db: Db | Tx, keyId: string) {
  const [row] = await db
    .select({
      variantId: productKeys.variantId,
      batchId: productKeys.batchId,
      wrappedDek: keyBatches.wrappedDek,
      kekId: keyBatches.kekId,
    })
    .from(productKeys)
    .innerJoin(keyBatches, eq(keyBatches.id, productKeys.batchId))
    .where(eq(productKeys.id, keyId));
  if (!row) throw new Error('The product key is gone');
  return row;
}

/** Keeps a complaint's picture under the data key of the product key's batch: the code may be on it. */
export async function keepPicture(
  ctx: Context,
  tx: Tx,
  picture: { complaintId: string; keyId: string; contentType: string; bytes: Buffer },
): Promise<void> {
  const { variantId, batchId, wrappedDek, kekId } = await placeOf(tx, picture.keyId);
  const dek = ctx.vault.openDek(wrappedDek, batchId, kekId);
  const { complaintId, contentType } = picture;
  const ciphertext = ctx.vault.sealKey(dek, picture.bytes, { keyId: complaintId, variantId, batchId });
  dek.fill(0);
  await tx.insert(complaintPictures).values({ complaintId, contentType, ciphertext });
}

export async function openPicture(ctx: Context, complaintId: string) {
  const [row] = await ctx.db
    .select({
      keyId: complaints.keyId,
      contentType: complaintPictures.contentType,
      ciphertext: complaintPictures.ciphertext,
    })
    .from(complaintPictures)
    .innerJoin(complaints, eq(complaints.id, complaintPictures.complaintId))
    .where(eq(complaintPictures.complaintId, complaintId));
  if (!row) return undefined;
  const { variantId, batchId, wrappedDek, kekId } = await placeOf(ctx.db, row.keyId);
  const dek = ctx.vault.openDek(wrappedDek, batchId, kekId);
  const place = { keyId: complaintId, variantId, batchId };
  const contentBase64 = ctx.vault.openKey(dek, row.ciphertext, place, 'base64');
  dek.fill(0);
  return { contentType: row.contentType, contentBase64 };
}

export async function listReveals(ctx: Context, keyId: string) {
  const rows = await ctx.db
    .select()
    .from(keyReveals)
    .where(eq(keyReveals.keyId, keyId))
    .orderBy(desc(keyReveals.at))
    .limit(100);
  return rows.map((row) => ({ at: iso(row.at), by: row.actor, reason: row.reason }));
}

export function iso(value: string): string;
export function iso(value: string | null): string | null;
export function iso(value: string | null): string | null {
  return value === null ? null : new Date(value).toISOString();
}
