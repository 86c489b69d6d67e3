import { sql } from 'drizzle-orm';
import type { Tx } from '@kelid/service/context';
import type { InventoryConfig } from '../config.ts';
import type { Context } from '../context.ts';

/** `frozen` now; `doubtful` when as many complain and it is not evident that they are right. */
export type BatchVerdict = 'fine' | 'doubtful' | 'frozen';

/** What a complaint may bring without a person, as `inventory_complain` counts it. */
export function complaintRules(config: InventoryConfig) {
  return {
    unitMaxRial: config.INVENTORY_COMPLAINT_UNIT_MAX_RIAL,
    customerYearMaxRial: config.INVENTORY_COMPLAINT_CUSTOMER_YEAR_MAX_RIAL,
    dayMaxRial: config.INVENTORY_COMPLAINT_DAY_MAX_RIAL,
    monthMaxRial: config.INVENTORY_COMPLAINT_MONTH_MAX_RIAL,
    goodDays: config.INVENTORY_COMPLAINT_GOOD_DAYS,
    freezeAt: config.INVENTORY_FREEZE_AT_COMPLAINTS,
  };
}

/** After somebody who can know has found a complaint true: that may be the one with which `inventory_weigh_batch` freezes its batch. */
export async function weighBatch(ctx: Context, tx: Tx, batchId: string): Promise<BatchVerdict> {
  const { rows } = await tx.execute<{ verdict: BatchVerdict }>(
    sql`select inventory_weigh_batch(${batchId}, ${ctx.config.INVENTORY_FREEZE_AT_COMPLAINTS}) as verdict`,
  );
  return rows[0]?.verdict ?? 'fine';
}

export function tellVerdict(ctx: Context, keyId: string, verdict: BatchVerdict): void {
  if (verdict === 'frozen')
    ctx.log.error({ keyId, alarm: 'batch-frozen' }, 'complaints that are evident have frozen a batch');
  if (verdict === 'doubtful')
    ctx.log.error({ keyId, alarm: 'batch-doubtful' }, 'several customers complain of one batch; look at it');
}
