import { eq } from 'drizzle-orm';
import { lastAdmin, userNotFound } from '@kelid/contracts/identity';
import { sqlState } from '@kelid/service/database';
import { sqlStates } from '@kelid/service/sqlstates';
import type { Operations } from '../context.ts';
import { audit } from '../audit.ts';
import { users } from '../db/schema.ts';
import { revokeSessions } from '../sessions.ts';

export const setUserStatus: Operations['setUserStatus'] = async (ctx, { userId, status, reason }) =>
  ctx
    .transaction(async (tx) => {
      const [before] = await tx.select().from(users).where(eq(users.id, userId)).for('no key update');
      if (!before) throw userNotFound();
      await tx.update(users).set({ status }).where(eq(users.id, userId));
      if (status === 'banned') await revokeSessions(tx, userId, 'all', 'banned');
      await audit(ctx, tx, {
        action: 'set-status',
        userId,
        before: { status: before.status },
        after: { status },
        reason,
      });
      return { userId, status };
    })
    .catch((error: unknown) => {
      throw sqlState(error) === sqlStates.lastAdmin ? lastAdmin() : error;
    });
