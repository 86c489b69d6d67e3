import { sql } from 'drizzle-orm';
import type { Context } from '../context.ts';
import { updateKeyBatch } from './update-key-batch.ts';

/**
 * Looks whether a product key that was sold within the last hour can be sold again (I1): no statement of ours does that, so whatever did
 * may have touched its whole batch. That batch alone is frozen; opened again by staff with the key still for sale, it is frozen again.
 */
export async function watchVault(ctx: Context): Promise<number> {
  const { rows } = await ctx.db.execute<{ batch_id: string; variant_id: string; count: number }>(sql`
    select k.batch_id, k.variant_id, count(*)::int as count from key_allocations a join product_keys k on k.id = a.key_id
    where a.allocated_at >= now() - interval '1 hour' and a.withdrawn_at is null and k.status in ('available', 'reserved') group by 1, 2`);
  for (const { batch_id: batchId, variant_id: variantId, count } of rows) {
    const reason = `stopped by the monitor: ${count} of its product keys are sold and for sale`;
    await updateKeyBatch(ctx, { batchId, status: 'frozen', reason });
    ctx.log.error({ alarm: 'invariant-broken', invariant: 'I1', batchId, variantId, count }, 'a batch was frozen');
  }
  return 0;
}
