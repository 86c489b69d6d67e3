import { eq } from 'drizzle-orm';
import type { Tx } from '@kelid/service/context';
import type { Context } from '../context.ts';
import { complaintPictures, complaints } from '../db/schema.ts';
import { getStoredKey } from '../vault/record-reveal.ts';

/** Keeps a complaint's picture under the data key of the product key's batch: the code may be on it. */
export async function keepPicture(
  ctx: Context,
  tx: Tx,
  picture: { complaintId: string; keyId: string; contentType: string; bytes: Buffer },
): Promise<void> {
  const { variantId, batchId, wrappedDek, kekId } = await getStoredKey(tx, picture.keyId);
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
  const { variantId, batchId, wrappedDek, kekId } = await getStoredKey(ctx.db, row.keyId);
  const dek = ctx.vault.openDek(wrappedDek, batchId, kekId);
  const place = { keyId: complaintId, variantId, batchId };
  const contentBase64 = ctx.vault.openKey(dek, row.ciphertext, place, 'base64');
  dek.fill(0);
  return { contentType: row.contentType, contentBase64 };
}
