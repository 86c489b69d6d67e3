import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { actorName, type Db, type Tx } from '@kelid/service/context';
import { newId } from '@kelid/service/ids';
import type { Context } from '../context.ts';
import { keyBatches, keyReveals, productKeys } from '../db/schema.ts';
import { VaultError } from './vault.rules.ts';

const KeyParts = z.array(z.object({ label: z.enum(['code', 'pin']), text: z.string() }));

/** Writes who looks (`key_reveals_check` may refuse it), and only then opens the product key: a look that cannot be recorded shows nothing. */
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
  const row = await getStoredKey(ctx.db, keyId);
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

/** A product key as it is stored, with the wrapped data key that it and what belongs to it are sealed under. */
export async function getStoredKey(db: Db | Tx, keyId: string) {
  const [row] = await db
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
  if (!row) throw new Error('The product key is gone');
  return row;
}
