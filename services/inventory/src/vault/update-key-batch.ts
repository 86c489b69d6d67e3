import { eq, sql } from 'drizzle-orm';
import { batchNotFound, keyAlreadySold } from '@kelid/contracts/inventory';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { keyBatches } from '../db/schema.ts';

/** Which product keys of the batch move, and where to. What was quarantined by itself stays so when its batch is opened again. */
const moves = {
  frozen: { from: sql`k.status = 'available'`, to: 'quarantined' },
  open: {
    from: sql`k.status = 'quarantined' and (select reason from key_audit a where a.key_id = k.id order by a.at desc, a.id desc limit 1) like 'batch frozen: %'`,
    to: 'available',
  },
  undone: { from: sql`k.status in ('available', 'quarantined', 'expired')`, to: 'void' },
};

/**
 * One transaction: every product key of it that is not sold, each with its audit row, or none. `product_keys_check_move` guards their way,
 * and `inventory_tell_stock` has their variant counted.
 */
export const updateKeyBatch: Operations['updateKeyBatch'] = async (ctx, { batchId, status, reason }) => {
  const { from, to } = moves[status];
  return ctx.transaction(async (tx) => {
    const [batch] = await tx.select().from(keyBatches).where(eq(keyBatches.id, batchId)).for('no key update');
    if (!batch) throw batchNotFound();
    const { rows } = await tx.execute<{ moved: number }>(sql`
      with picked as materialized (select k.id, k.status from product_keys k where k.batch_id = ${batchId} and ${from} order by k.id for update),
      moved as (update product_keys set status = ${to} from picked where product_keys.id = picked.id returning product_keys.id, picked.status as was),
      audited as (insert into key_audit (id, key_id, actor, from_status, to_status, reason)
        select uuidv7(), id, ${actorName(ctx)}, was, ${to}, ${`batch ${status}: ${reason}`} from moved)
      select count(*)::int as moved from moved`);
    if (status === 'undone') {
      // Looked at after the move: what a buyer took a moment before is seen here, and takes the whole back.
      const { rows: sold } = await tx.execute(
        sql`select 1 from product_keys where batch_id = ${batchId} and status in ('reserved', 'allocated') limit 1`,
      );
      if (sold.length > 0) throw keyAlreadySold('Some product keys of this batch are held or sold');
    }
    if (status !== 'undone')
      await tx
        .update(keyBatches)
        .set(status === 'frozen' ? { frozenAt: sql`now()` } : { frozenAt: null, openedAt: sql`now()` })
        .where(eq(keyBatches.id, batchId));
    const movedCount = rows[0]?.moved ?? 0;
    if (status === 'undone') {
      // Never sold and never again for sale: the same product keys may come in again.
      await tx.execute(
        sql`update product_keys set blind_index = decode(replace(id::text, '-', ''), 'hex') where batch_id = ${batchId} and status = 'void'`,
      );
      await tx.execute(
        sql`delete from product_key_codes c using product_keys k where k.id = c.key_id and k.batch_id = ${batchId}`,
      );
    }
    await tx.execute(sql`select inventory_tell_stock(${batch.variantId}, ${movedCount})`);
    return { batchId, movedCount };
  });
};
