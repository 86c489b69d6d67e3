import { eq } from 'drizzle-orm';
import { userNotFound } from '@kelid/contracts/identity';
import type { Operations } from '../context.ts';
import { users } from '../db/schema.ts';

export const getUser: Operations['getUser'] = async (ctx, { userId }) => {
  const [user] = await ctx.db.select().from(users).where(eq(users.id, userId));
  if (!user) throw userNotFound();
  return { id: user.id, phone: user.phone, roles: user.roles };
};
