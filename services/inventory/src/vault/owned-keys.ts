import { and, eq, isNull, sql } from 'drizzle-orm';
import { iso } from '@kelid/service/instant';
import { keyAllocations, type KeyKind, keyReveals, productKeys } from '../db/schema.ts';

// A product key as its owner sees it.

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

export function showOwnedKey<Row extends { deliveredAt: string; revealedAt: string | null; contentKind: KeyKind }>({
  contentKind,
  ...row
}: Row) {
  const rest: Omit<typeof row, 'deliveredAt' | 'revealedAt'> = row;
  const kind =
    contentKind === 'text' || contentKind === 'parts' || contentKind === 'receipt' ? contentKind : ('image' as const);
  return { ...rest, kind, deliveredAt: iso(row.deliveredAt), revealedAt: iso(row.revealedAt) };
}
