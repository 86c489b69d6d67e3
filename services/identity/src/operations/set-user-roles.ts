import { eq } from 'drizzle-orm';
import { userRoleChanged } from '@kelid/contracts/events';
import { lastAdmin, userNotFound } from '@kelid/contracts/identity';
import { sqlState } from '@kelid/service/database';
import { publish } from '@kelid/service/outbox';
import { sqlStates } from '@kelid/service/sqlstates';
import { audit } from '../audit.ts';
import type { Operations } from '../context.ts';
import { users } from '../db/schema.ts';
import { revokeSessions } from '../sessions.ts';

/** Sessions carry the roles in their tokens, so those with the old roles end (A28). */
export const setUserRoles: Operations['setUserRoles'] = async (ctx, { userId, roles, reason }) =>
  ctx
    .transaction(async (tx) => {
      const [before] = await tx.select().from(users).where(eq(users.id, userId)).for('no key update');
      if (!before) throw userNotFound();
      await tx.update(users).set({ roles }).where(eq(users.id, userId));
      await revokeSessions(tx, userId, 'all', 'roles-changed');
      await publish(tx, userRoleChanged({ userId, roles }));
      await audit(ctx, tx, { action: 'set-roles', userId, before: { roles: before.roles }, after: { roles }, reason });
      return { id: userId, phone: before.phone, roles };
    })
    .catch((error: unknown) => {
      throw sqlState(error) === sqlStates.lastAdmin ? lastAdmin() : error;
    });
