import { sql } from 'drizzle-orm';
import { Psp } from '@kelid/contracts/payments';
import type { Stops } from '@kelid/service/watch-invariants';
import type { Context } from '../context.ts';

/** A breach stops the one PSP that has a part in it, in the transaction that keeps it; everything else goes on selling. */
export const stopBanks: Stops<Context> = {
  column: 'psp',
  isOne: (psp) => Psp.safeParse(psp).success,
  async stop(_ctx, tx, psp, why) {
    await tx.execute(sql`
      insert into psp_settings (psp, is_enabled, reason, changed_by) values (${psp}, false, ${`stopped by the monitor: ${why}`}, 'service:payments')
      on conflict (psp) do update set is_enabled = false, reason = excluded.reason, changed_by = excluded.changed_by, changed_at = now()`);
  },
};
