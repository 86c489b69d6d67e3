import { eq } from 'drizzle-orm';
import { userRegistered } from '@kelid/contracts/events';
import { phoneNotAccepted } from '@kelid/contracts/identity';
import { parseIranianMobile } from '@kelid/persian/phone';
import { newId } from '@kelid/service/ids';
import { publish } from '@kelid/service/outbox';
import type { Operations } from '../context.ts';
import { users } from '../db/schema.ts';

export const ensureUser: Operations['ensureUser'] = async (ctx, input) => {
  const phone = parseIranianMobile(input.phone);
  if (!phone)
    throw phoneNotAccepted({ errors: [{ field: 'phone', message: 'Only mobile numbers of Iran have accounts' }] });
  return ctx.transaction(async (tx) => {
    const [made] = await tx
      .insert(users)
      .values({ id: newId(), phone, roles: ['customer'] })
      .onConflictDoNothing()
      .returning();
    if (made) await publish(tx, userRegistered({ userId: made.id, phone }));
    const [user] = made ? [made] : await tx.select().from(users).where(eq(users.phone, phone));
    if (!user) throw new Error('The account was not found');
    return { id: user.id, phone: user.phone, roles: user.roles };
  });
};
