import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import {
  settlementOtherDay,
  settlementTooEarly,
  settlementUnknownPsp,
  settlementUnreadable,
} from '@kelid/contracts/payments';
import { sqlState } from '@kelid/service/database';
import { newId } from '@kelid/service/ids';
import { sqlStates } from '@kelid/service/sqlstates';
import { actorName } from '@kelid/service/context';
import type { Operations } from '../context.ts';
import { readSettlement } from './read-settlement.rules.ts';
import { settlementFormats } from './settlement-formats.rules.ts';
import { selectSettlements, showSettlement } from './settlements.ts';

/** The whole file is read before anything is written, and one statement writes all of it (F19). */
export const importSettlement: Operations['importSettlement'] = async (ctx, { psp, day, csv }) => {
  const format = settlementFormats[psp];
  if (!format) throw settlementUnknownPsp();
  const read = readSettlement(csv, format);
  if ('errors' in read) throw settlementUnreadable({ errors: read.errors });
  const rows = read.rows.map(({ feeIsHigh, ...row }) => ({ ...row, fee_is_high: feeIsHigh }));
  const hash = createHash('sha256').update(csv).digest('hex');
  const importId = await ctx
    .transaction(async (tx) => {
      // Ten thousand lines take longer than what a shopper waits for.
      await tx.execute(sql`set local statement_timeout = '18s'`);
      await tx.execute(sql`set local lock_timeout = '15s'`);
      const { rows: made } = await tx.execute<{ id: string }>(
        sql`select payments_import_settlement(${newId()}, ${psp}, ${day}, ${hash}, ${actorName(ctx)}, ${format.unit === 'cents'}, ${JSON.stringify(rows)}) as id`,
      );
      return made[0]?.id ?? '';
    })
    .catch((error: unknown) => {
      throw sqlState(error) === sqlStates.settlementTooEarly ? settlementTooEarly() : error;
    });
  const [settlement] = await selectSettlements(ctx, sql`s.id = ${importId}`, 1);
  if (!settlement) throw new Error('An import that was just made is not there');
  if (settlement.day !== day) throw settlementOtherDay({ day: settlement.day });
  if (settlement.difference_count > 0)
    ctx.log.warn(
      { psp, day, importId, count: settlement.difference_count },
      'a settlement report and the ledger do not agree',
    );
  return showSettlement(settlement);
};
