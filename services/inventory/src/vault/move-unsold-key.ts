import { and, eq, inArray, sql } from 'drizzle-orm';
import { keyAlreadySold, keyNotFound } from '@kelid/contracts/inventory';
import { newId } from '@kelid/service/ids';
import { actorName } from '@kelid/service/context';
import type { Context } from '../context.ts';
import { isHolder } from './owned-keys.ts';
import { staffKeyColumns } from './staff-keys.ts';
import { keyAllocations, keyAudit, productKeys } from '../db/schema.ts';

type Status = 'available' | 'quarantined' | 'void';
const from: Record<Status, ('available' | 'quarantined' | 'expired')[]> = {
  available: ['quarantined'],
  quarantined: ['available'],
  void: ['available', 'quarantined', 'expired'],
};

/**
 * A move that staff makes with a product key that nobody bought; its reason is kept. `product_keys_check_move` guards the way, and
 * `inventory_tell_stock` has its variant counted. The same move again is fine.
 */
export async function moveUnsoldKey(ctx: Context, keyId: string, to: Status, reason: string) {
  return ctx.transaction(async (tx) => {
    const [before] = await tx
      .select({ status: productKeys.status })
      .from(productKeys)
      .where(eq(productKeys.id, keyId))
      .for('no key update');
    if (!before) throw keyNotFound();
    const moved = await tx
      .update(productKeys)
      .set({ status: to })
      .where(and(eq(productKeys.id, keyId), inArray(productKeys.status, from[to])))
      .returning({ variantId: productKeys.variantId });
    if (moved[0]) {
      await tx.insert(keyAudit).values({ id: newId(), keyId, actor: actorName(ctx), from: before.status, to, reason });
      await tx.execute(
        sql`select inventory_tell_stock(${moved[0].variantId}, ${to === 'available' ? 1 : before.status === 'available' ? -1 : 0})`,
      );
    } else if (before.status !== to) throw keyAlreadySold();
    const [row] = await tx
      .select(staffKeyColumns)
      .from(productKeys)
      .leftJoin(keyAllocations, isHolder)
      .where(eq(productKeys.id, keyId));
    if (!row) throw keyNotFound();
    return row;
  });
}
